//! Instruction slots that the kernel rewrites in place: uprobes under the distribution's own
//! kernel, because the kit's has no tracefs.
//!
//! That kernel has the drivers of persistent memory as modules, so the program runs in the
//! initramfs and not in Debian.

use std::process::Command;

use anyhow::Context;
use guest_kit::{GuestKit, Progress};
use paprika::session::GuestSession;

use crate::machine::Kind;
use crate::system::System;

/// Its name for `--only`.
pub const NAME: &str = "processor-uprobe-slots";
/// What passes if it passes.
pub const CLAIM: &str =
    "an instruction slot that the kernel rewrites in place is fetched as stored";

const PROGRAM: &str = include_str!("../programs/probed.c");
const COMPILER: &str = "powerpc64le-linux-gnu-gcc";
const SCRIPT: &str = "
mkdir -p /sys/kernel/tracing; mount -t tracefs trace /sys/kernel/tracing
set -- $(/probed offsets)
echo \"p:second /probed:$1\" > /sys/kernel/tracing/uprobe_events
echo \"p:third /probed:$2\" >> /sys/kernel/tracing/uprobe_events
echo 1 > /sys/kernel/tracing/events/uprobes/enable
for i in 1 2 3; do echo \"sums $(/probed)\"; done
while read -r path name hits misses; do echo \"hits $name $hits\"; done < /sys/kernel/tracing/uprobe_profile
";
const RIGHT: [&str; 5] = [
    "sums a0000000a a0000000a",
    "sums a0000000a a0000000a",
    "sums a0000000a a0000000a",
    "hits second 30",
    "hits third 30",
];

/// Runs it on a machine; none: it passes.
pub fn run(system: &System, kind: Kind) -> anyhow::Result<Option<String>> {
    let kernel = GuestKit::ensure_stock_kernel(&Progress::auto())?;
    let directory = tempfile::tempdir()?;
    let (source, program) = (
        directory.path().join("probed.c"),
        directory.path().join("probed"),
    );
    std::fs::write(&source, PROGRAM)?;
    let status = Command::new(COMPILER)
        .args(["-O1", "-static", "-no-pie", "-o"])
        .args([&program, &source])
        .status()
        .with_context(|| format!("can't start {COMPILER}"))?;
    anyhow::ensure!(status.success(), "{COMPILER} does not compile probed.c");
    let outcome = GuestSession::of_kit(&system.kit)?
        .configure(|machine| {
            machine.kernel = kernel;
            machine.host.engine = kind.engine;
        })
        .cpus(kind.cpus)
        .file("/probed", 0o755, &std::fs::read(&program)?)
        .script(SCRIPT)
        .run()?;
    let told: Vec<_> = outcome
        .console
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("sums ") || line.starts_with("hits "))
        .collect();
    Ok((told != RIGHT).then(|| format!("it prints:\n{}", outcome.console)))
}
