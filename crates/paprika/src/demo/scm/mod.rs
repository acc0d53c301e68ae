//! `paprika demo`: persistent memory with and without the flush hypercall, on a real Linux.
//!
//! - [`devices`]: the two devices;
//! - [`guest`]: what the guest does with them;
//! - [`row`]: the table that comes of it.

pub mod devices;
pub mod guest;
pub mod row;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use guest_kit::{GuestKit, GuestPaths, Progress};
use papr_scm::flush::FlushCounters;
use papr_scm::nvdimm::OpenNvdimm;

use self::devices::{DEVICES, on_off};
use self::guest::Commands;
use self::row::{Flushes, Row};
use super::{Checklist, boot, steps};
use crate::machine::Machine;
use crate::session::{CommandOutput, CommandScript, GuestSession, Outcome, SessionError};

/// A guest that hangs ends after this; the demonstration has failed then.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs the demonstration, shown on standard output; answers whether everything was as expected. `verbose` shows the guest's console
/// on standard error.
///
/// # Errors
/// Where the guest can't be built or started.
pub fn run(verbose: bool) -> anyhow::Result<bool> {
    let mut list = Checklist::new(io::stdout());
    list.say("Paprika boots an unmodified ppc64le Linux on its own POWER9 CPUs, with two devices of persistent memory.");
    let kit = find_kit(&mut list)?;
    let nvdimms = devices::create()?;
    describe(&mut list, &kit, &nvdimms);
    let commands = guest::commands(&nvdimms);
    let mut all = boot::steps();
    let first = all.len();
    all.extend(commands.steps);
    let commands = Commands {
        steps: all,
        answers: commands
            .answers
            .map(|answers| answers.map(|answer| first + answer)),
    };
    list.say("Booting...");
    let echo = verbose.then(io::stderr);
    let (outcome, counted) = hold(&kit, nvdimms, &commands, echo)?;
    boot::judge_begin(&mut list, &outcome);
    let outputs = steps::judge(&mut list, &commands.steps, &outcome.console);
    list.say("");
    boot::judge_end(&mut list, &outcome);
    list.say(&format!(
        "\nWhat the guest saw, and what the host counted while {} programs wrote to each device:\n",
        guest::WRITERS
    ));
    row::judge(&mut list, &rows(&commands, &outputs, &counted));
    Ok(list.conclude())
}

/// The guest kit, built where it is not there yet.
fn find_kit(list: &mut Checklist<impl Write>) -> anyhow::Result<GuestPaths> {
    match GuestKit::locate() {
        Ok(kit) => Ok(kit),
        Err(_) => {
            list.say("The guest is not built yet; that takes some minutes, once.");
            Ok(GuestKit::ensure(&Progress::auto())?)
        }
    }
}

fn describe(list: &mut Checklist<impl Write>, kit: &GuestPaths, nvdimms: &[OpenNvdimm]) {
    list.say(&format!("  kernel     {}", kit.vmlinux.display()));
    list.say(&format!("  initramfs  {}", kit.initramfs.display()));
    list.say(&format!(
        "  machine    {} CPUs, {} MiB of memory",
        boot::CPUS,
        boot::MEMORY >> 20
    ));
    for device in DEVICES {
        list.say(&format!(
            "  {}      {} MiB in a temporary file, sync-dax={}",
            device.id,
            devices::SIZE >> 20,
            on_off(device.sync_dax)
        ));
    }
    for warning in nvdimms.iter().flat_map(|nvdimm| &nvdimm.warnings) {
        list.say(&format!("  warning    {warning}"));
    }
}

/// The counters of both devices, each time that the guest asks for it.
type Counted = Arc<Mutex<Vec<Vec<FlushCounters>>>>;

/// Runs the guest; returns how it went, and the counters before and after the flushes.
fn hold(
    kit: &GuestPaths,
    nvdimms: Vec<OpenNvdimm>,
    commands: &Commands,
    echo: Option<impl Write + Send + 'static>,
) -> Result<(Outcome, Vec<Vec<FlushCounters>>), SessionError> {
    let counted = Counted::default();
    let mut session = GuestSession::of_kit(kit)?
        .cpus(boot::CPUS)
        .memory(boot::MEMORY)
        .nvdimms(nvdimms)
        .script(&steps::script(&commands.steps).text())
        .mark(CommandScript::BEGIN)
        .timeout(LIMIT);
    for _ in 0..2 {
        let counted = Arc::clone(&counted);
        session = session.at(guest::COUNT, move |machine| {
            let counters = counters(machine);
            counted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(counters);
            // The guest waits for this line, so that nothing is flushed meanwhile.
            machine.platform().console_input(b"\n");
        });
    }
    if let Some(echo) = echo {
        session = session.echo(echo);
    }
    let outcome = session.run()?;
    let counted = std::mem::take(&mut *counted.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((outcome, counted))
}

/// The counters of a machine's devices, in the order of [`DEVICES`].
fn counters(machine: &Machine) -> Vec<FlushCounters> {
    let plugged = machine.scm().devices();
    let of = |id| plugged.iter().find(|device| device.id() == id);
    let found = DEVICES.iter().filter_map(|device| of(device.id));
    found.map(|device| device.counters()).collect()
}

fn rows(
    commands: &Commands,
    outputs: &[CommandOutput],
    counted: &[Vec<FlushCounters>],
) -> [Row; 2] {
    std::array::from_fn(|n| {
        let answer = |command: usize| {
            let output = outputs.get(command);
            output.map_or_else(String::new, |output| output.output.clone())
        };
        let flushes = match counted {
            [before, after] => before
                .get(n)
                .zip(after.get(n))
                .map(|(before, after)| Flushes::between(before, after)),
            _ => None,
        };
        Row {
            answers: commands.answers[n].map(answer),
            flushes,
        }
    })
}
