//! What the guest does, as a shell script that its init runs. The host only looks on: nothing is typed into the console.

use crate::figures::Task;

/// A task's script.
#[derive(Debug)]
pub(crate) struct Script(String);

/// The line that says that the guest is as the task wants it.
pub(crate) const READY: &str = "lifecycle: ready";
/// The line that says that `ndctl` shows the plugged NVDIMM's region.
pub(crate) const PLUGGED: &str = "lifecycle: plugged";
/// How a line begins that says how a stretch of the flush load went.
pub(crate) const LOAD: &str = "lifecycle: load ";

/// `tick SECONDS` sleeps without a process of its own; `beats` counts aloud for ever, a beat every 10 ms. A beat is whole when it
/// has its full stop: a guest may be stopped in the middle of a line.
const PRELUDE: &str = r#"#!/bin/sh
mkfifo /run/silent
exec 3<>/run/silent
tick() { read -t $1 -u 3 _; }
beats() {
    beat=0
    while :; do
        echo "beat $beat."
        beat=$((beat + 1))
        tick 0.01
    done
}
"#;

/// Of the random bytes that are repeated, and of a newline behind each copy: no two copies lie alike in their pages.
const SEED_BLOCKS: u64 = 33;
const SEED: u64 = (SEED_BLOCKS << 16) + 1;

impl Script {
    /// That of `task`, in which the guest fills so many MiB where memory matters.
    pub(crate) fn of(task: Task, fill: u32) -> Self {
        let begin = format!("{PRELUDE}{}", filling(fill));
        Self(match task {
            Task::Save | Task::MigrateIdle => format!("{begin}echo '{READY}'\nbeats\n"),
            Task::MigrateFlushing => format!(
                r#"{begin}region=$(ls /sys/bus/nd/devices | grep '^region' | head -n 1)
disk=/dev/$(ndctl create-namespace -m fsdax -r $region | sed -n 's/.*"blockdev":"\(.*\)".*/\1/p')
[ -b "$disk" ] || exit 1
echo '{READY}'
(while :; do echo "{LOAD}$(flushbench -w 1 -t 1 $disk)"; done) &
beats
"#
            ),
            Task::Plug => format!(
                r#"{PRELUDE}echo '{READY}'
until set -- /sys/bus/nd/devices/region*; [ -e "$1" ]; do tick 0.005; done
until ndctl list -R | grep -q '"dev":"region'; do tick 0.005; done
echo '{PLUGGED}'
tick 600
"#
            ),
        })
    }

    /// For the initramfs.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Fills a file in memory. Getting random bytes is slow on an emulated CPU, so there are few of them, many times.
fn filling(mebibytes: u32) -> String {
    let copies = (u64::from(mebibytes) << 20).div_ceil(SEED);
    format!(
        r#"mount -o remount,size=90% /tmp
dd if=/dev/urandom of=/tmp/seed bs=64k count={SEED_BLOCKS} 2>/dev/null || exit 1
copies=0
while [ $copies -lt {copies} ]; do
    cat /tmp/seed || exit 1
    echo
    copies=$((copies + 1))
done >/tmp/filled || exit 1
"#
    )
}
