//! `paprika run`: a guest on the user's terminal.

use std::path::PathBuf;

use anyhow::Context;
use papr_scm::nvdimm::{OpenNvdimm, Plan};
use tracing::warn;

use super::arguments::MachineArgs;
use super::exit;
use super::stats::Stats;
use crate::control::ControlServer;
use crate::machine::{Blueprint, End, Machine, MachineError};
use crate::terminal::Terminal;
use crate::terminal::keys;
use crate::text;

/// Boot a guest, with its console on this terminal
///
/// The guest's console is standard input and output. On a terminal every key goes to the guest, also Ctrl-c; Ctrl-a x ends the guest
/// and Ctrl-a h shows the other keys. Input that comes from a pipe or a file is typed into the console as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = long_help())]
pub(super) struct RunArgs {
    #[command(flatten)]
    machine: MachineArgs,

    /// Serve a control socket at this path, for `paprika ctl` and other programs
    ///
    /// Only this user can connect. A socket that a killed machine left behind is replaced; one that a running machine serves is not.
    #[arg(long, value_name = "PATH", help_heading = "Control")]
    api_socket: Option<PathBuf>,

    /// Say at the end what the run has cost: time, CPU, instructions, memory
    #[arg(long, help_heading = "Logging")]
    stats: bool,
}

fn long_help() -> String {
    format!(
        "\
Examples:
  paprika run
      boots the guest kit to a shell
  paprika run --cpus 4 --memory 4G --cmdline 'console=hvc0 paprika.run=\"nproc; free\"'
      runs two commands in it
  paprika run --kernel vmlinux --initrd initramfs.cpio.gz --nvdimm id=pmem0,path=pmem0.img,size=1G
      boots your own kernel, with a persistent-memory device

Keys on a terminal:
{}
{}",
        indent(keys::HELP),
        *exit::HELP
    )
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Runs the guest; answers the exit code that tells how it ended.
pub(super) fn run(args: RunArgs) -> anyhow::Result<u8> {
    let stats = args.stats.then(Stats::start);
    let (config, nvdimms) = args.machine.into_config()?;
    // Everything that can be refused is, before a file is created.
    let nvdimms = Plan::new(nvdimms)?;
    let blueprint = Blueprint::new(config)?;
    let server = args
        .api_socket
        .as_deref()
        .map(ControlServer::bind)
        .transpose()?;
    let nvdimms = open(nvdimms)?;
    let (terminal, console) = Terminal::new().context("the console can't be set up")?;
    let machine = Machine::build(blueprint, &nvdimms, Box::new(console))?;
    // The machine holds them from here on: the file of one that is unplugged is closed.
    drop(nvdimms);
    live(&machine, terminal, server, stats)
}

/// Runs a machine on the terminal to its end; answers the exit code that tells how it ended.
pub(super) fn live(
    machine: &Machine,
    terminal: Terminal,
    server: Option<ControlServer>,
    stats: Option<Stats>,
) -> anyhow::Result<u8> {
    live_on(machine, terminal, server, stats, || machine.run())
}

/// The same for one that runs already, or is let go by `run`, which tells its end.
pub(super) fn live_on(
    machine: &Machine,
    terminal: Terminal,
    mut server: Option<ControlServer>,
    stats: Option<Stats>,
    run: impl FnOnce() -> Result<End, MachineError>,
) -> anyhow::Result<u8> {
    if let Some(server) = &mut server {
        server.serve(machine.control())?;
    }
    let attached = terminal
        .attach(machine)
        .context("the terminal can't be used as the guest's console")?;
    let end = run();
    drop(attached);
    drop(server);
    let end = end?;
    if let Some(words) = last_words(&end) {
        eprintln!("paprika: {}", text::lines(&words));
    }
    if let Some(stats) = stats {
        eprintln!("paprika: {}", stats.report(machine));
    }
    Ok(exit::code_of_end(&end))
}

fn open(plan: Plan) -> anyhow::Result<Vec<OpenNvdimm>> {
    let nvdimms = plan.open()?;
    for warning in nvdimms.iter().flat_map(|nvdimm| &nvdimm.warnings) {
        warn!("{warning}");
    }
    Ok(nvdimms)
}

/// What the user is told of an end; nothing where the guest did as it should.
fn last_words(end: &End) -> Option<String> {
    match end {
        End::PowerOff => None,
        End::Reboot => Some("the guest asked for a reboot, and --no-reboot is given".into()),
        End::Panic(message) if message.is_empty() => {
            Some("the guest's operating system died without a word".into())
        }
        End::Panic(message) => Some(format!("the guest's operating system died: {message}")),
        End::Checkstop(message) | End::BackingFailed(message) => Some(message.clone()),
        End::Killed => Some("the guest was ended".into()),
        End::Saved(path) => Some(format!(
            "the guest was saved; `paprika restore {}` lets it go on",
            path.display()
        )),
        End::Moved(to) => Some(format!("the guest goes on in {to}")),
    }
}
