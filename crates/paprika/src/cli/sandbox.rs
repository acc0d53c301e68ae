//! The options of the sandbox, for every command whose process runs a machine.

use std::path::PathBuf;

use crate::sandbox::{AllowPort, SandboxMode, SandboxOptions};

/// What the machine's process may do.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SandboxArgs {
    /// What holds the machine's process to what this command line names
    ///
    /// on: only these files, directories and sockets can be reached (Landlock), and a system call
    /// that a thread has no reason to make ends the process (seccomp). log: nothing is forbidden,
    /// and such calls are noted in the kernel's log. off: it may do what you may.
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value_t,
        help_heading = "Sandbox"
    )]
    sandbox: SandboxMode,

    /// Let the machine reach this directory later: for snapshots, files to plug, sockets to migrate
    /// to; repeatable
    #[arg(long, value_name = "DIR", help_heading = "Sandbox")]
    allow_dir: Vec<PathBuf>,

    /// Let the machine connect to this TCP port later, to migrate there, on any host; repeatable;
    /// "any" allows all
    #[arg(long, value_name = "PORT", help_heading = "Sandbox")]
    allow_port: Vec<AllowPort>,
}

impl From<SandboxArgs> for SandboxOptions {
    fn from(args: SandboxArgs) -> Self {
        Self {
            mode: args.sandbox,
            directories: args.allow_dir,
            ports: args.allow_port,
        }
    }
}
