//! A guest is saved and goes on; its process is ended, and what was saved goes on in another.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::figures::name;
use crate::heartbeat;
use crate::readings::Readings;
use crate::script::READY;
use crate::vm::{Memory, Place};

/// For how long a guest that goes on is listened to.
const AFTER: Duration = Duration::from_millis(500);

/// Does it; what it gave so far is in `readings`, also where it fails.
pub(crate) fn run(place: &Place<'_>, readings: &mut Readings) -> Result<()> {
    let snapshot = place.file("snapshot");
    let mut vm = place.boot(Memory::Plain)?;
    vm.process().wait_for_line(READY)?;
    let period = heartbeat::period(vm.process())?;

    let asked = Instant::now();
    vm.save(&snapshot)?;
    let done = Instant::now();
    readings.add(name::SNAPSHOT, (done - asked).as_secs_f64());
    readings.add(
        name::SNAPSHOT_SIZE,
        allocated(&snapshot)? as f64 / f64::from(1 << 20),
    );

    heartbeat::first_after(vm.process(), done + AFTER)?;
    let mut counted = heartbeat::all(vm.process());
    let silence = heartbeat::silence(&counted, asked, done + AFTER, period)?;
    readings.add(name::SNAPSHOT_GAP, silence.length.as_secs_f64());
    drop(vm);

    let mut vm = place.restore(&snapshot)?;
    let started = vm.process().started();
    let alive = vm.comes_alive()?;
    if vm.keeps_timers() {
        // It does not die of the first thing that it does.
        heartbeat::first_after(vm.process(), alive + AFTER)?;
        // The guest that was saved is the one before its silence: it went on and counted further.
        counted.retain(|beat| beat.at <= silence.began);
        heartbeat::goes_on(&counted, &heartbeat::all(vm.process()))?;
    }
    readings.add(name::RESTORE, (alive - started).as_secs_f64());
    Ok(())
}

/// Bytes that a file, or a directory with all in it, takes on the disk.
fn allocated(path: &Path) -> Result<u64> {
    let looking = || format!("looking at {}", path.display());
    let metadata = fs::symlink_metadata(path).with_context(looking)?;
    // Blocks are of 512 bytes, whatever the file system's are: stat(2).
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).with_context(looking)? {
            bytes += allocated(&entry.with_context(looking)?.path())?;
        }
    }
    Ok(bytes)
}
