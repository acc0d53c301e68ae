//! `paprika receive`: a guest comes from another process, and goes on, on the user's terminal.

use std::path::{Path, PathBuf};

use anyhow::Context;
use papr::{MAX_VCPUS, MachineVersion};
use papr_scm::nvdimm::NvdimmConfig;
use paprika_migration::link::Listener;
use paprika_migration::{Handle, Options, Uri, receive};

use super::arguments::{HostArgs, cpus, machine_types};
use super::run::live_on;
use super::sandbox::SandboxArgs;
use super::stats::Stats;
use super::{output, progress};
use crate::control::ControlServer;
use crate::machine::{End, MachineError};
use crate::migrate::{MigrationTarget, TargetOptions};
use crate::sandbox::{CodePartition, Needs};
use crate::snapshot::NvdimmChange;
use crate::terminal::Terminal;

/// Wait for a guest that `paprika ctl migrate` moves here, and run it
///
/// The machine is as the guest knows it, with the same NVDIMM files: they are not copied, and each
/// is handed over under its lock. Where they are on this side is said here (--nvdimm,
/// --nvdimm-dir), and never by the source. What the guest would notice is refused before anything
/// is copied, and the guest goes on where it was. Console, keys and exit codes are those of
/// `paprika run`.
#[derive(Debug, clap::Args)]
pub(super) struct ReceiveArgs {
    /// Where to wait: unix:PATH, tcp:HOST:PORT or tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE
    ///
    /// tcp: lets anybody in who can reach the port. With tls: only a source comes in that shows a certificate of an authority in ca=.
    uri: Uri,

    /// Where the file of an NVDIMM is, and what else is to be changed of it; repeatable
    ///
    /// `id=NAME,path=FILE`, and those keys of `paprika run --nvdimm` that are other than at the
    /// source. What the guest would notice is refused.
    #[arg(long, value_name = "id=NAME,KEY=VALUE,...", help_heading = "Machine")]
    nvdimm: Vec<NvdimmChange>,

    /// The directory that the files of NVDIMMs without a path= of their own are in
    ///
    /// Of the path that the source tells, the last part is taken. No symbolic link is followed in
    /// the directory.
    #[arg(long, value_name = "DIR", help_heading = "Machine")]
    nvdimm_dir: Option<PathBuf>,

    /// The most memory that a guest may have; one with more is refused [default: half of the
    /// host's]
    #[arg(long, value_name = "SIZE", value_parser = max_memory, help_heading = "Machine")]
    max_memory: Option<u64>,

    #[arg(long, value_name = "N", help = format!("The most CPUs that a guest may have, 1 to {MAX_VCPUS}; one with more is refused"), default_value_t = MAX_VCPUS, value_parser = cpus, help_heading = "Machine")]
    max_cpus: u32,

    /// Machine type, where it is not to be the guest's; an older one is refused
    #[arg(long, value_name = "TYPE", value_parser = machine_types(), help_heading = "Machine")]
    machine: Option<MachineVersion>,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    sandbox: SandboxArgs,

    /// Serve a control socket at this path, for `paprika ctl` and other programs; it answers when the guest has come
    #[arg(long, value_name = "PATH", help_heading = "Control")]
    api_socket: Option<PathBuf>,

    /// Say at the end what the run has cost: time, CPU, instructions, memory
    #[arg(long, help_heading = "Logging")]
    stats: bool,
}

/// A bound for memory.
fn max_memory(text: &str) -> Result<u64, String> {
    papr_scm::nvdimm::parse_size(text)
        .filter(|&size| size > 0)
        .ok_or_else(|| "write a size, for example 4G".into())
}

/// Waits for the guest and runs it; answers the exit code that tells how it ended.
pub(super) fn run(args: ReceiveArgs) -> anyhow::Result<u8> {
    let stats = args.stats.then(Stats::start);
    let mut partition = CodePartition::of_command("receive").with(args.uri.to_string().as_bytes());
    let paths: Vec<&Path> = args.nvdimm.iter().filter_map(NvdimmChange::path).collect();
    for path in paths.iter().copied().chain(args.nvdimm_dir.as_deref()) {
        partition = partition.with_path(path);
    }
    let host = args.host.into_options(partition);
    let mut needs = Needs::new(&args.sandbox.into(), &host)?;
    needs.listen(&args.uri);
    for path in paths {
        // Whether it may be written to is the guest's to say, in the description that comes.
        needs.nvdimm(&NvdimmConfig::new("", path));
    }
    if let Some(directory) = &args.nvdimm_dir {
        needs.nvdimms_in(directory);
    }
    if let Some(socket) = &args.api_socket {
        needs.socket(socket);
    }
    needs.enter()?;
    let listener = Listener::bind(&args.uri)?;
    let server = args
        .api_socket
        .as_deref()
        .map(ControlServer::bind)
        .transpose()?;
    if let Some(address) = listener.address() {
        // With the port that the host chose, where it was left to it.
        output::say(format_args!("paprika: waiting for a guest at {address}"));
    }
    let (terminal, console) = Terminal::new().context("the console can't be set up")?;
    let options = TargetOptions {
        machine: args.machine,
        nvdimms: args.nvdimm,
        nvdimm_directory: args.nvdimm_dir,
        max_memory: args
            .max_memory
            .unwrap_or_else(TargetOptions::default_max_memory),
        max_cpus: args.max_cpus,
        host,
    };
    let mut arrival = MigrationTarget::new(options, Box::new(console));
    let handle = Handle::new();
    // To be kept while the guest runs: it answers a source that has lost the connection.
    let _received = progress::receiving(&handle, || {
        receive(
            Box::new(listener),
            &mut arrival,
            &Options::default(),
            &handle,
        )
    })?;
    let (machine, life) = arrival
        .into_machine()
        .context("the guest has come and gone")?;
    let end = move || -> Result<End, MachineError> {
        // A machine's thread ends by a panic only where a vCPU's would have been told.
        life.join().unwrap_or(Err(MachineError::Defect(0)))
    };
    live_on(&machine, terminal, server, stats, end)
}
