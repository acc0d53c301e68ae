//! `paprika debian`: a Debian system for ppc64el, made, logged into, or told what to run.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::{Receiver, bounded};
use guest_kit::debian::DEFAULT_SUITE;
use guest_kit::{DebianSpec, GuestKit, GuestPaths, Progress};
use papr_scm::nvdimm::Plan;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::arguments::{HardwareArgs, HostArgs};
use super::exit::{self, UsageError};
use super::{output, run};
use crate::debian::{self, Command, CommandStreams, DebianConfig, DebianGuest, Stop};
use crate::files;
use crate::machine::Machine;
use crate::terminal::Terminal;

/// Where files go in the guest when no place is named.
const GUEST_HOME: &str = "/root";
/// Pieces of standard input that are read before the guest wants them.
const PIECES: usize = 4;
const PIECE: usize = 4096;

/// Make and use a Debian system for ppc64el
#[derive(Debug, clap::Subcommand)]
pub(super) enum DebianCommand {
    Build(Box<BuildArgs>),
    Run(Box<RunArgs>),
}

/// Make a Debian system in a new image
///
/// Fetches the packages from the archive that this machine's apt uses, unpacks them, and lets
/// debootstrap's second stage and dpkg run in a guest. Packages that this needs on this machine are
/// installed where this user may do that; otherwise the command that installs them is printed.
/// Progress goes to standard error. What an interrupted build has fetched is used by the next.
#[derive(Debug, clap::Args)]
pub(super) struct BuildArgs {
    /// The image to make; never one that is there already
    image: PathBuf,

    /// Release of Debian
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SUITE)]
    suite: String,

    /// Packages to have beside the smallest system, by commas; repeatable
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
    include: Vec<String>,

    /// Size of its file system, a multiple of 256M; the file takes what is used of it
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = size)]
    size: u64,

    /// Archive to fetch from [default: that of this machine's apt]
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,

    #[command(flatten)]
    host: HostArgs,
}

/// Boot a Debian system to a login, or run a command in it and exit with its exit code
///
/// Without a command the console is this terminal, as in `paprika run`; log in as root, which has
/// no password. With one, the system is booted as far as systemd's basic.target, the command is run
/// as root in /root, its standard output, error and input are this program's, and the system is
/// powered off. Ctrl-C interrupts the command; a second Ctrl-C ends the guest.
///
/// The image is changed by what runs in it, and one guest at a time can use it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = RUN_HELP)]
pub(super) struct RunArgs {
    /// Image of the system [default: one in the user's cache, which is made the first time]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,

    /// Copy a file or directory into a directory of the guest first, by default /root; repeatable
    #[arg(long, value_name = "PATH[:DIRECTORY]", requires = "command")]
    copy_in: Vec<CopyIn>,

    /// Copy a file or directory of the guest into a directory here afterwards, whatever the
    /// command's exit code is; repeatable
    #[arg(long, value_name = "GUESTPATH[:DIRECTORY]", requires = "command")]
    copy_out: Vec<CopyOut>,

    /// Kill the command after so many seconds; the exit code is 137 then
    #[arg(long, value_name = "SECONDS", requires = "command")]
    timeout: Option<u64>,

    /// Kernel to boot instead of the guest kit's; papr_scm, nd_pmem and ext4 have to be built in
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,

    /// Add to the kernel command line
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = ""
    )]
    append: String,

    #[command(flatten)]
    hardware: HardwareArgs,

    /// Command to run, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

const RUN_HELP: &str = "\
Examples:
  paprika debian run
      a login on this terminal; Ctrl-a x ends the guest at once, `poweroff` in it ends it cleanly
  paprika debian run -- uname -a
  paprika debian run --cpus 2 --copy-in prog.c --copy-out /root/result -- sh -c 'gcc -O2 prog.c && ./a.out > result'
      the image has to have gcc: paprika debian build --include gcc,libc6-dev my.img, and --image my.img

Exit codes:
  With a command: its own, 128 + N where signal N killed it, 127 where it is not there; 1 for an error outside the command, which
  standard error explains. Without a command: those of `paprika run`.
";

/// What is copied into the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CopyIn {
    from: PathBuf,
    to: String,
}

/// What is copied out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CopyOut {
    from: String,
    to: PathBuf,
}

impl std::str::FromStr for CopyIn {
    type Err = String;

    /// The place in the guest is absolute, so the last `:/` is what separates.
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = match text.rfind(":/") {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, GUEST_HOME),
        };
        match from {
            "" => Err("write PATH or PATH:DIRECTORY, for example prog.c or prog.c:/tmp".into()),
            _ => Ok(Self {
                from: from.into(),
                to: to.into(),
            }),
        }
    }
}

impl std::str::FromStr for CopyOut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once(':').unwrap_or((text, "."));
        if !from.starts_with('/') || to.is_empty() {
            return Err(
                "write an absolute GUESTPATH or GUESTPATH:DIRECTORY, for example /root/result or /root/result:out"
                    .into(),
            );
        }
        Ok(Self {
            from: from.into(),
            to: to.into(),
        })
    }
}

fn size(text: &str) -> Result<u64, String> {
    let size = papr_scm::nvdimm::parse_size(text);
    size.ok_or_else(|| "write a whole number and a unit, for example 4G".into())
}

pub(super) fn run(command: DebianCommand) -> anyhow::Result<u8> {
    match command {
        DebianCommand::Build(args) => build(*args),
        DebianCommand::Run(args) if args.command.is_empty() => login(*args),
        DebianCommand::Run(args) => run_command(*args),
    }
}

fn build(args: BuildArgs) -> anyhow::Result<u8> {
    let spec = DebianSpec {
        suite: args.suite,
        include: args.include,
        size: args.size,
        mirror: args.mirror,
    };
    spec.check()
        .map_err(|error| UsageError(error.to_string()))?;
    let progress = Progress::auto();
    let kit = GuestKit::ensure(&progress)?;
    debian::build(&spec, &args.image, &kit, &args.host.into(), &progress)?;
    output::line(args.image.display())?;
    Ok(exit::OK)
}

impl RunArgs {
    /// The system, its image made where none is named and none is there.
    fn config(&mut self, progress: &Progress) -> anyhow::Result<DebianConfig> {
        let kit: GuestPaths = GuestKit::ensure(progress)?;
        let image = match self.image.take() {
            Some(image) => image,
            None => debian::default_image(&DebianSpec::default(), &kit, progress)?,
        };
        let mut config = DebianConfig::new(&kit, image)?;
        config.nvdimms = self.hardware.clone().put_into(&mut config.machine);
        if let Some(kernel) = self.kernel.take() {
            files::register("the kernel", &kernel).keep();
            config.machine.kernel = kernel;
        }
        config.machine.cmdline = std::mem::take(&mut self.append);
        Ok(config)
    }
}

fn login(mut args: RunArgs) -> anyhow::Result<u8> {
    let (blueprint, nvdimms) = args.config(&Progress::auto())?.for_login()?;
    let nvdimms = Plan::new(nvdimms)?.open()?;
    let (terminal, console) = Terminal::new().context("the console can't be set up")?;
    let machine = Machine::build(blueprint, &nvdimms, Box::new(console))?;
    drop(nvdimms);
    run::live(&machine, terminal, None, None)
}

fn run_command(mut args: RunArgs) -> anyhow::Result<u8> {
    // A mistake shows before an image is made or a guest booted.
    for copy in &args.copy_in {
        let there = copy.from.symlink_metadata();
        there.with_context(|| format!("--copy-in: can't read {}", copy.from.display()))?;
    }
    let mut command = Command::new(std::mem::take(&mut args.command));
    if let Some(seconds) = args.timeout {
        command = command.timeout(Duration::from_secs(seconds));
    }
    let mut config = args.config(&Progress::auto())?;
    config.copies = !(args.copy_in.is_empty() && args.copy_out.is_empty());

    let stop = stops()?;
    let mut guest = DebianGuest::boot_unless(config, &stop)?;
    for copy in &args.copy_in {
        guest.copy_in(std::slice::from_ref(&copy.from), &copy.to)?;
    }
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let streams = CommandStreams {
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdin: Some(standard_input()),
        stop: Some(stop),
    };
    let (status, timed_out) = guest.run(&command, streams)?;
    if timed_out {
        output::say("paprika: the command was killed, because its time was over");
    }
    let copied = copy_out(&mut guest, &args.copy_out);
    guest.power_off()?;
    copied?;
    // A guest may say any number; an exit code has eight bits.
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}

fn copy_out(guest: &mut DebianGuest, copies: &[CopyOut]) -> anyhow::Result<()> {
    for copy in copies {
        guest.copy_out(&copy.from, Path::new(&copy.to))?;
    }
    Ok(())
}

/// The first signal goes to the command, the second ends the guest.
fn stops() -> anyhow::Result<Receiver<Stop>> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals can't be listened to")?;
    let (send, stops) = bounded(2);
    let body = move || {
        let mut stop = None;
        for signal in &mut signals {
            let next = stop.map_or(Stop::Signal(signal), |_| Stop::Guest);
            if send.try_send(next).is_err() {
                // Nobody looks, and it is asked for again: as where nobody listens for signals.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            stop = Some(next);
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(body)?;
    Ok(stops)
}

/// Standard input in pieces, read ahead of the guest only a little. Where it is a terminal, its
/// lines go to the command as they are typed.
fn standard_input() -> Receiver<Vec<u8>> {
    let (send, pieces) = bounded(PIECES);
    let body = move || {
        let mut input = io::stdin().lock();
        let mut piece = [0; PIECE];
        loop {
            match input.read(&mut piece) {
                Ok(0) => return,
                Ok(length) => {
                    if send.send(piece[..length].to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    };
    // Without the thread there is no input, which the command sees as its end.
    let _ = std::thread::Builder::new().name("input".into()).spawn(body);
    pieces
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(subcommand)]
        command: DebianCommand,
    }

    fn parse(line: &[&str]) -> Result<DebianCommand, String> {
        let words = ["debian"].iter().chain(line);
        let parsed = Whole::try_parse_from(words);
        parsed
            .map(|whole| whole.command)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn everything_behind_the_dashes_is_the_command_s() {
        let line = ["run", "--cpus", "2", "--", "ls", "--image", "-l"];
        let Ok(DebianCommand::Run(args)) = parse(&line) else {
            panic!("run");
        };
        assert_eq!(args.command, ["ls", "--image", "-l"]);
        assert_eq!(args.image, None);
    }

    #[test]
    fn packages_are_told_apart_by_commas() {
        let line = [
            "build",
            "--include",
            "gcc,make",
            "--include",
            "perl",
            "new.img",
        ];
        let Ok(DebianCommand::Build(args)) = parse(&line) else {
            panic!("build");
        };
        assert_eq!(args.include, ["gcc", "make", "perl"]);
        assert_eq!((args.size, args.suite.as_str()), (4 << 30, "bookworm"));
    }

    #[test]
    fn copies_name_directories() {
        let copy_in = |text: &str| text.parse::<CopyIn>().map(|copy| (copy.from, copy.to));
        assert_eq!(copy_in("a/b"), Ok(("a/b".into(), "/root".into())));
        assert_eq!(copy_in("a:b:/tmp/x"), Ok(("a:b".into(), "/tmp/x".into())));
        assert!(copy_in("").is_err() && copy_in(":/tmp").is_err());
        let copy_out = |text: &str| text.parse::<CopyOut>().map(|copy| (copy.from, copy.to));
        assert_eq!(copy_out("/root/x"), Ok(("/root/x".into(), ".".into())));
        assert_eq!(
            copy_out("/root/x:out/y"),
            Ok(("/root/x".into(), "out/y".into()))
        );
        assert!(copy_out("root/x").is_err() && copy_out("/root/x:").is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        for (line, said) in [
            (&["run", "--copy-in", "x"][..], "COMMAND"),
            (
                &["run", "--copy-out", "x", "--", "ls"],
                "absolute GUESTPATH",
            ),
            (&["build"], "IMAGE"),
            (&["build", "--size", "big", "x.img"], "for example 4G"),
            (&["run", "--memory", "100", "--", "ls"], "Add a unit"),
        ] {
            let error = parse(line).expect_err("refused");
            assert!(error.contains(said), "{line:?}: {error}");
        }
        let args = ["build", "--include", "not/a/package", "new.img"];
        let error = run(parse(&args).expect("parsed")).expect_err("refused");
        assert!(
            error.to_string().contains("no name of a Debian package"),
            "{error}"
        );
        assert_eq!(exit::code_of_error(&error), exit::USAGE);
    }
}
