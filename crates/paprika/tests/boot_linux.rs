//! Real Linux kernels from power-on to their end.

mod common;

use common::{PATIENCE, kit};
use guest_kit::{GuestKit, Progress};
use paprika::machine::End;
use paprika::session::{CommandScript, GuestSession, Outcome};

fn session() -> GuestSession {
    GuestSession::of_kit(&kit())
        .unwrap_or_else(|error| panic!("{error}"))
        .memory(512 << 20)
        .timeout(PATIENCE)
}

fn run(session: GuestSession) -> Outcome {
    session.run().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn powered_off(outcome: &Outcome) {
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
}

fn boots_on(cpus: u32) {
    let script = CommandScript::new([
        "nproc",
        "uname -sm",
        "grep -c ^processor /proc/cpuinfo",
        "false",
    ]);
    let outcome = run(session()
        .cpus(cpus)
        .script(&script.text())
        .mark(CommandScript::BEGIN));
    powered_off(&outcome);
    let outputs = script.outputs(&outcome.console);
    let told: Vec<_> = outputs
        .iter()
        .map(|found| (found.output.trim().to_owned(), found.status))
        .collect();
    let count = cpus.to_string();
    let expected = [
        (count.clone(), 0),
        ("Linux ppc64le".into(), 0),
        (count, 0),
        (String::new(), 1),
    ];
    assert_eq!(told, expected, "{}", outcome.console);
    assert_eq!(outcome.exit_status(), Some(0));
    assert!(outcome.reached(CommandScript::BEGIN).is_some());
}

#[test]
fn linux_boots_to_its_userland_on_one_cpu() {
    boots_on(1);
}

#[test]
fn linux_boots_to_its_userland_on_two_cpus() {
    boots_on(2);
}

#[test]
fn linux_boots_to_its_userland_on_four_cpus() {
    boots_on(4);
}

#[test]
fn the_status_of_a_script_is_known() {
    let outcome = run(session().script("exit 42"));
    powered_off(&outcome);
    assert_eq!(outcome.exit_status(), Some(42));
}

#[test]
fn a_kernel_panic_ends_the_machine_and_is_told() {
    let outcome = run(session()
        .script("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; echo survived"));
    assert!(
        matches!(outcome.end, End::Panic(_)),
        "{:?}: {}",
        outcome.end,
        outcome.console
    );
    assert!(!outcome.console.contains("survived"), "{}", outcome.console);
    assert_eq!(outcome.exit_status(), None);
}

/// Reboots as often as it is told to on the console.
const ASKS: &str =
    "echo what now; read word; echo told: $word; [ \"$word\" = again ] && reboot -f; exit 0";

#[test]
fn a_reboot_boots_again_from_scratch() {
    let outcome = run(session()
        .cpus(2)
        .script(ASKS)
        .reply("what now\n", "again\n")
        .reply("what now\n", "enough\n"));
    powered_off(&outcome);
    assert!(
        outcome.console.contains("told: again"),
        "{}",
        outcome.console
    );
    assert!(
        outcome.console.contains("told: enough"),
        "{}",
        outcome.console
    );
    assert_eq!(
        outcome.console.matches("what now").count(),
        2,
        "{}",
        outcome.console
    );
}

#[test]
fn with_no_reboot_a_reboot_ends_the_machine() {
    let outcome = run(session()
        .configure(|config| config.host.no_reboot = true)
        .script(ASKS)
        .reply("what now\n", "again\n"));
    assert_eq!(outcome.end, End::Reboot, "{}", outcome.console);
}

#[test]
fn a_guest_can_be_killed_when_it_says_something() {
    let outcome = run(session().script("echo now; sleep 1000").kill_at("now\n"));
    assert_eq!(outcome.end, End::Killed, "{}", outcome.console);
    assert!(!outcome.timed_out);
}

#[test]
fn the_distributions_own_kernel_boots_to_its_userland() {
    let kernel =
        GuestKit::ensure_stock_kernel(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"));
    let outcome = run(session()
        .memory(1 << 30)
        .cpus(2)
        .configure(|config| config.kernel = kernel)
        .script("nproc; uname -r"));
    powered_off(&outcome);
    assert_eq!(outcome.exit_status(), Some(0), "{}", outcome.console);
    assert!(
        outcome.console.contains("powerpc64le"),
        "{}",
        outcome.console
    );
}
