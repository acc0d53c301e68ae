//! What the guest's kernel notes that no case may cause.

/// Parts of lines that tell of a platform that does not keep its promises.
const TROUBLE: [&str; 12] = [
    "BUG:",
    "Oops",
    "WARNING: CPU",
    "soft lockup",
    "hard LOCKUP",
    "rcu_sched detected stall",
    "rcu: INFO: rcu",
    "blocked for more than",
    "I/O error",
    "EXT4-fs error",
    "XFS (pmem",
    "Machine check",
];
/// What of that is no trouble.
const HARMLESS: [&str; 5] = [
    "Mounting V5",
    "Ending clean mount",
    "Unmounting Filesystem",
    "DAX enabled",
    "EXPERIMENTAL",
];
/// Notes about a program that died of a signal: SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP
/// (arch/powerpc/kernel/traps.c).
const DEATHS: [&str; 5] = [
    ": segfault (11)",
    ": illegal instruction (4)",
    ": bus error (7)",
    ": floating point exception (8)",
    ": unhandled signal",
];

/// The lines of `log` that tell of trouble; programs' deaths are left out where those are meant.
pub fn trouble(log: &str, dies_on_purpose: bool) -> Vec<String> {
    let has = |line: &str, parts: &[&str]| parts.iter().any(|part| line.contains(part));
    let lines = log.lines().filter(|line| {
        let platform = has(line, &TROUBLE) && !has(line, &HARMLESS);
        platform || (!dies_on_purpose && has(line, &DEATHS))
    });
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
XFS (pmem2): Mounting V5 Filesystem
gcc[4711]: segfault (11) at 0 nip 10000a8c lr 10000a70 code 1 in gcc[10000000+100000]
EXT4-fs (pmem0): mounted filesystem
BUG: Unable to handle kernel data access at 0x0
";

    #[test]
    fn crashes_and_oopses_are_found_and_mounts_are_not() {
        let found = trouble(LOG, false);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("gcc") && found[1].starts_with("BUG"));
        assert_eq!(trouble(LOG, true).len(), 1);
    }
}
