//! `paprika restore`: a saved guest goes on, on the user's terminal.

use std::path::PathBuf;

use anyhow::Context;
use papr::MachineVersion;
use tracing::warn;

use super::arguments::{HostArgs, machine_types};
use super::progress;
use super::run::live;
use super::sandbox::SandboxArgs;
use super::stats::Stats;
use crate::control::ControlServer;
use crate::sandbox::{CodePartition, Needs};
use crate::snapshot::{NvdimmChange, Progress, RestoreOptions, Snapshot};
use crate::terminal::Terminal;

/// Let a guest go on that `paprika ctl snapshot` has saved
///
/// Everything is checked before the guest runs; what it would notice is refused, with the reason. Console, keys and exit codes are those
/// of `paprika run`.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The snapshot's directory
    directory: PathBuf,

    /// Change something of an NVDIMM, where its file is for example; repeatable
    ///
    /// `id=NAME` and those keys of `paprika run --nvdimm` that are other than they were saved. What the guest would notice is refused.
    #[arg(long, value_name = "id=NAME,KEY=VALUE,...", help_heading = "Machine")]
    nvdimm: Vec<NvdimmChange>,

    /// Machine type, where it is not to be that of the snapshot; an older one is refused
    #[arg(long, value_name = "TYPE", value_parser = machine_types(), help_heading = "Machine")]
    machine: Option<MachineVersion>,

    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    sandbox: SandboxArgs,

    /// Begin paused; `paprika ctl resume` lets the guest go on
    #[arg(long, requires = "api_socket", help_heading = "Control")]
    paused: bool,

    /// Serve a control socket at this path, for `paprika ctl` and other programs
    #[arg(long, value_name = "PATH", help_heading = "Control")]
    api_socket: Option<PathBuf>,

    /// Say at the end what the run has cost: time, CPU, instructions, memory
    #[arg(long, help_heading = "Logging")]
    stats: bool,
}

/// Restores the guest and runs it; answers the exit code that tells how it ended.
pub(super) fn run(args: RestoreArgs) -> anyhow::Result<u8> {
    let stats = args.stats.then(Stats::start);
    let partition = CodePartition::of_command("restore").with_path(&args.directory);
    let host = args.host.into_options(partition);
    let snapshot = Snapshot::open(&args.directory)?;
    let mut needs = Needs::new(&args.sandbox.into(), &host)?;
    needs.read(&args.directory);
    // A snapshot says where its NVDIMMs' files are: its user made it, or has looked at it.
    for nvdimm in snapshot.nvdimms(&args.nvdimm)? {
        needs.nvdimm(&nvdimm);
    }
    if let Some(socket) = &args.api_socket {
        needs.socket(socket);
    }
    needs.enter()?;
    let server = args
        .api_socket
        .as_deref()
        .map(ControlServer::bind)
        .transpose()?;
    let plan = snapshot.plan(&RestoreOptions {
        machine: args.machine,
        nvdimms: args.nvdimm,
        host,
    })?;
    let opened = plan.nvdimms.iter().flat_map(|nvdimm| &nvdimm.warnings);
    opened.for_each(|warning| warn!("{warning}"));
    plan.warnings.iter().for_each(|warning| warn!("{warning}"));
    let (terminal, console) = Terminal::new().context("the console can't be set up")?;
    let progress = Progress::new();
    let machine = progress::shown(&progress, || {
        snapshot.build(&plan, Box::new(console), &progress)
    })?;
    // The machine holds their files from here on.
    drop(plan);
    if args.paused {
        machine.control().pause()?;
    }
    live(&machine, terminal, server, stats)
}
