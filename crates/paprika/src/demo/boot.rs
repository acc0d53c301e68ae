//! A real Linux, from power-on to power-off: what is claimed of it, and how its end is judged.

use std::io::Write;
use std::time::Duration;

use super::{Checklist, Step};
use crate::machine::End;
use crate::session::{CommandScript, Outcome};

/// CPUs of a demonstration's machine.
pub const CPUS: u32 = 2;
/// Its memory in bytes.
pub const MEMORY: u64 = 1 << 30;

/// Lines of the console that are shown of a guest which did not get far.
const LAST_LINES: usize = 20;

/// Commands that show what was booted.
pub fn steps() -> Vec<Step> {
    vec![
        Step::new("uname -a").claims("a ppc64le Linux runs", |output| {
            output.contains("Linux") && output.contains("ppc64le")
        }),
        Step::new("cat /proc/cpuinfo").claims(
            format!("it finds {CPUS} POWER9 CPUs on a pseries machine"),
            |output| {
                let processors = output.lines().filter(|line| line.starts_with("processor"));
                processors.count() == CPUS as usize
                    && output.contains("POWER9")
                    && output.contains("pSeries")
            },
        ),
        Step::new("nproc").claims(format!("{CPUS} CPUs are online"), |output| {
            output.trim().parse() == Ok(CPUS)
        }),
        Step::new("free -m").claims(
            format!("it has most of {} MiB of memory", MEMORY >> 20),
            |output| {
                let total = output.lines().find_map(|line| line.strip_prefix("Mem:"));
                let total =
                    total.and_then(|numbers| numbers.split_whitespace().next()?.parse().ok());
                total.is_some_and(|mib: u64| mib * 10 > (MEMORY >> 20) * 8 && mib <= MEMORY >> 20)
            },
        ),
        Step::new("ls /sys/firmware/devicetree/base").claims(
            "it was described by a device tree with RTAS, virtual devices and persistent memory",
            |output| {
                let nodes = [
                    "cpus",
                    "rtas",
                    "vdevice",
                    "interrupt-controller",
                    "ibm,persistent-memory",
                ];
                nodes.iter().all(|node| output.contains(node))
            },
        ),
    ]
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Checks that the guest came up; [`CommandScript::BEGIN`] was marked.
pub fn judge_begin(list: &mut Checklist<impl Write>, outcome: &Outcome) {
    let up = outcome.reached(CommandScript::BEGIN);
    let claim = up.map_or_else(
        || "init was reached".into(),
        |time| format!("init was reached {} after power-on", seconds(time)),
    );
    list.check(&claim, up.is_some());
}

/// Checks that the guest went as it should.
pub fn judge_end(list: &mut Checklist<impl Write>, outcome: &Outcome) {
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
    if outcome.end != End::PowerOff || outcome.reached(CommandScript::BEGIN).is_none() {
        list.say("The end of the guest's console:");
        let lines: Vec<&str> = outcome.console.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            list.say(&format!("  {line}"));
        }
    }
}
