//! A real Linux, from power-on to power-off: boots the guest kit on two CPUs, runs a few commands, and checks what they say.

use std::io;
use std::time::Duration;

use guest_kit::{GuestKit, Progress};

use super::Checklist;
use crate::machine::End;
use crate::session::{CommandScript, GuestSession, Outcome};

const CPUS: u32 = 2;
const MEMORY: u64 = 1 << 30;

/// A guest that hangs ends after this; the demonstration has failed then.
const LIMIT: Duration = Duration::from_secs(300);

/// Lines of a command's output that are shown.
const SHOWN: usize = 8;

/// A command, what is claimed of its output, and whether that is so.
struct Step {
    command: &'static str,
    claim: String,
    holds: fn(&str) -> bool,
}

fn steps() -> [Step; 5] {
    [
        Step {
            command: "uname -a",
            claim: "a ppc64le Linux runs".into(),
            holds: |output| output.contains("Linux") && output.contains("ppc64le"),
        },
        Step {
            command: "cat /proc/cpuinfo",
            claim: format!("it finds {CPUS} POWER9 CPUs on a pseries machine"),
            holds: |output| {
                let has = |what| move |line: &&str| line.starts_with(what);
                output.lines().filter(has("processor")).count() == CPUS as usize
                    && output.contains("POWER9")
                    && output.contains("pSeries")
            },
        },
        Step {
            command: "nproc",
            claim: format!("{CPUS} CPUs are online"),
            holds: |output| output.trim().parse() == Ok(CPUS),
        },
        Step {
            command: "free -m",
            claim: format!("it has most of {} MiB of memory", MEMORY >> 20),
            holds: |output| {
                let total = output.lines().find_map(|line| line.strip_prefix("Mem:"));
                let total =
                    total.and_then(|numbers| numbers.split_whitespace().next()?.parse().ok());
                total.is_some_and(|mib: u64| mib * 10 > (MEMORY >> 20) * 8 && mib <= MEMORY >> 20)
            },
        },
        Step {
            command: "ls /sys/firmware/devicetree/base",
            claim: "it was described by a device tree with RTAS and virtual devices".into(),
            holds: |output| {
                ["cpus", "rtas", "vdevice", "interrupt-controller"]
                    .iter()
                    .all(|node| output.contains(node))
            },
        },
    ]
}

/// Runs the demonstration, shown on standard output; answers whether everything was as expected.
///
/// # Errors
/// Where the guest can't be built or started.
pub fn run(verbose: bool) -> anyhow::Result<bool> {
    let mut list = Checklist::new(io::stdout());
    list.say("Paprika boots an unmodified ppc64le Linux on its own POWER9 CPUs.");
    let kit = match GuestKit::locate() {
        Ok(kit) => kit,
        Err(_) => {
            list.say("The guest is not built yet; that takes some minutes, once.");
            GuestKit::ensure(&Progress::auto())?
        }
    };
    list.say(&format!("  kernel     {}", kit.vmlinux.display()));
    list.say(&format!("  initramfs  {}", kit.initramfs.display()));
    list.say(&format!(
        "  machine    {CPUS} CPUs, {} MiB of memory",
        MEMORY >> 20
    ));
    let steps = steps();
    let script = CommandScript::new(steps.iter().map(|step| step.command));
    let mut session = GuestSession::of_kit(&kit)?
        .cpus(CPUS)
        .memory(MEMORY)
        .script(&script.text())
        .mark(CommandScript::BEGIN)
        .timeout(LIMIT);
    if verbose {
        session = session.echo(io::stderr());
    }
    list.say("Booting...");
    let outcome = session.run()?;
    judge(&mut list, &outcome, &steps, &script);
    Ok(list.conclude())
}

/// Shows what the guest did, and checks it.
fn judge(
    list: &mut Checklist<impl io::Write>,
    outcome: &Outcome,
    steps: &[Step],
    script: &CommandScript,
) {
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let up = outcome.reached(CommandScript::BEGIN);
    let claim = up.map_or_else(
        || "init was reached".into(),
        |time| format!("init was reached {} after power-on", seconds(time)),
    );
    list.check(&claim, up.is_some());
    let outputs = script.outputs(&outcome.console);
    for (n, step) in steps.iter().enumerate() {
        list.say(&format!("\n# {}", step.command));
        let found = outputs.get(n);
        let output = found.map_or("", |found| found.output.as_str());
        let lines: Vec<&str> = output.lines().collect();
        for line in lines.iter().take(SHOWN) {
            list.say(line);
        }
        if lines.len() > SHOWN {
            list.say(&format!("({} more lines)", lines.len() - SHOWN));
        }
        let ran = found.is_some_and(|found| found.status == 0);
        list.check(&step.claim, ran && (step.holds)(output));
    }
    list.say("");
    let end = match &outcome.end {
        End::PowerOff => format!("the guest powered off after {}", seconds(outcome.elapsed)),
        end if outcome.timed_out => format!("the guest powered off in time ({end:?})"),
        end => format!("the guest powered off ({end:?})"),
    };
    list.check(&end, outcome.end == End::PowerOff);
    list.say(&format!(
        "  {:.0} million guest instructions were executed",
        outcome.instructions as f64 / 1e6
    ));
    if outcome.end != End::PowerOff || up.is_none() {
        list.say("The end of the guest's console:");
        let lines: Vec<&str> = outcome.console.lines().collect();
        for line in &lines[lines.len().saturating_sub(20)..] {
            list.say(&format!("  {line}"));
        }
    }
}
