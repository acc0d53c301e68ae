//! A guest is moved to another process over TCP on the loopback device, idle or under a load of flushes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::figures::name;
use crate::heartbeat;
use crate::process::Process;
use crate::readings::Readings;
use crate::script::{LOAD, READY};
use crate::vm::{Memory, Place};

/// What the guest does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// It counts.
    Idle,
    /// One writer writes to the NVDIMM and flushes it.
    Flushing,
}

/// How far around the change of processes a silence of the guest counts as its downtime.
const AROUND: Duration = Duration::from_millis(500);

/// Does it.
pub(crate) fn run(place: &Place<'_>, load: Load, readings: &mut Readings) -> Result<()> {
    let (total_name, downtime_name, reported_name) = match load {
        Load::Idle => (name::MIGRATE_IDLE, name::DOWNTIME_IDLE, name::REPORTED_IDLE),
        Load::Flushing => (
            name::MIGRATE_FLUSH,
            name::DOWNTIME_FLUSH,
            name::REPORTED_FLUSH,
        ),
    };
    let image = place.image()?;
    let memory = Memory::Nvdimm(&image);
    let mut source = place.boot(memory)?;
    source.process().wait_for_line(READY)?;
    let period = heartbeat::period(source.process())?;
    if load == Load::Flushing {
        flushes_well(source.process(), 1)?;
    }
    let (mut destination, address) = place.receive(memory)?;

    let asked = Instant::now();
    let (its_word, done, alive) = thread::scope(|scope| {
        let alive = scope.spawn(|| destination.comes_alive());
        let its_word = source.migrate(&address);
        let done = Instant::now();
        let alive = alive.join().unwrap_or_else(|_| bail!("a thread panicked"));
        // Where both fail, the source knows why.
        anyhow::Ok((its_word?, done, alive?))
    })?;
    let arrived = done.max(alive);
    let before = heartbeat::all(source.process());
    let last = before.last().context("the guest never counted")?;

    let downtime = if destination.keeps_timers() {
        heartbeat::first_after(destination.process(), arrived + AROUND)?;
        let after = heartbeat::all(destination.process());
        heartbeat::goes_on(&before, &after)?;
        if load == Load::Flushing {
            // The first stretch began at the source.
            flushes_well(destination.process(), 2)?;
        }
        let from = last.at.checked_sub(AROUND).unwrap_or(last.at);
        let counted = [before.as_slice(), after.as_slice()].concat();
        heartbeat::silence(&counted, from, alive + AROUND, period)?.length
    } else {
        alive
            .saturating_duration_since(last.at)
            .saturating_sub(period)
    };
    readings.add(total_name, (arrived - asked).as_secs_f64());
    readings.add(downtime_name, downtime.as_secs_f64() * 1e3);
    readings.add(reported_name, its_word.as_secs_f64() * 1e3);
    Ok(())
}

/// Waits until so many stretches of the load have ended on a console, and checks that they flushed, and that no flush failed.
fn flushes_well(process: &Process, stretches: usize) -> Result<()> {
    let results = process.wait_for("its guest's flushes were counted", |lines| {
        let results = lines.iter().filter_map(|line| line.text.strip_prefix(LOAD));
        let results: Vec<String> = results.map(str::to_owned).collect();
        (results.len() >= stretches).then_some(results)
    })?;
    for result in results {
        let number = |key: &str| -> Result<u64> {
            let words = result.split_whitespace();
            let text = words
                .filter_map(|word| word.split_once('='))
                .find_map(|(its_key, value)| (its_key == key).then_some(value));
            text.and_then(|text| text.parse().ok())
                .with_context(|| format!("flushbench printed no `{key}`: {result}"))
        };
        ensure!(number("errors")? == 0, "flushes failed: {result}");
        ensure!(number("flushes")? > 0, "nothing was flushed: {result}");
    }
    Ok(())
}
