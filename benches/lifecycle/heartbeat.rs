//! What the guest's counting tells: whether it goes on where it was, and for how long it stood still.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::numbers::median;
use crate::process::{Line, Process};

/// A number that the guest said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    number: u64,
    /// When it came out of the monitor.
    pub(crate) at: Instant,
}

/// Beats that a guest that goes on may leave out where it changes from a process to another: one that was cut in two by the change,
/// and as many on a console that was closed behind it.
const LOST: u64 = 2;

/// So many beats tell how long one takes.
const ENOUGH: usize = 50;

impl Beat {
    /// None where the line is none, or not whole.
    pub(crate) fn of(line: &Line) -> Option<Self> {
        let number = line.text.strip_prefix("beat ")?.strip_suffix('.')?;
        Some(Self {
            number: number.parse().ok()?,
            at: line.at,
        })
    }
}

/// All beats of a console so far.
pub(crate) fn all(process: &Process) -> Vec<Beat> {
    process.lines().iter().filter_map(Beat::of).collect()
}

/// Waits until so much has been counted that the length of a beat is known; gives it.
///
/// # Errors
/// It is not counted, or not in order.
pub(crate) fn period(process: &Process) -> Result<Duration> {
    process.wait_for("its guest counts", |lines| {
        let counted = lines.iter().filter_map(Beat::of).count();
        (counted > ENOUGH).then_some(())
    })?;
    let beats = all(process);
    let gaps = gaps(&beats)?;
    let seconds: Vec<f64> = gaps.iter().map(|gap| gap.length.as_secs_f64()).collect();
    let middle = median(&seconds).context("the guest does not count")?;
    Ok(Duration::from_secs_f64(middle))
}

/// Waits for the first beat after `moment`.
pub(crate) fn first_after(process: &Process, moment: Instant) -> Result<Beat> {
    process.wait_for("its guest goes on counting", |lines| {
        let mut beats = lines.iter().filter_map(Beat::of);
        beats.find(|beat| beat.at > moment)
    })
}

/// Checks that a guest that counted `before` in one process goes on counting `after` in another; what is between is lost in the
/// change.
///
/// # Errors
/// It does not, or has counted twice.
pub(crate) fn goes_on(before: &[Beat], after: &[Beat]) -> Result<()> {
    let last = before.last().context("the guest never counted")?;
    let first = after.first().context("the guest did not go on counting")?;
    let (from, to) = (last.number, first.number);
    ensure!(
        to > from,
        "the guest had counted to {from} in the process that it left, and went on with {to}: that part of it ran twice"
    );
    ensure!(
        to - from <= LOST + 1,
        "the guest had counted to {from} in the process that it left, and went on with {to}: that is not where it was"
    );
    Ok(())
}

/// A time without a beat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silence {
    /// The beat before it.
    pub(crate) began: Instant,
    /// Beyond the length of a beat.
    pub(crate) length: Duration,
}

/// The longest silence of which at least a part is between `from` and `to`.
///
/// # Errors
/// The beats don't reach that far, or are out of order.
pub(crate) fn silence(
    beats: &[Beat],
    from: Instant,
    to: Instant,
    period: Duration,
) -> Result<Silence> {
    if beats.last().is_none_or(|last| last.at < to) {
        bail!("the guest stopped counting");
    }
    let gaps = gaps(beats)?;
    let within = gaps
        .iter()
        .filter(|gap| gap.began + gap.length > from && gap.began < to);
    let longest = within.max_by_key(|gap| gap.length);
    let longest = longest.context("the guest did not count at that time")?;
    Ok(Silence {
        began: longest.began,
        length: longest.length.saturating_sub(period),
    })
}

struct Gap {
    began: Instant,
    length: Duration,
}

fn gaps(beats: &[Beat]) -> Result<Vec<Gap>> {
    let gap = |pair: &[Beat]| {
        let [earlier, later] = pair else {
            bail!("a gap is between two beats");
        };
        ensure!(
            later.number > earlier.number && later.number - earlier.number <= LOST + 1,
            "the guest counted {} and then {}",
            earlier.number,
            later.number
        );
        Ok(Gap {
            began: earlier.at,
            length: later.at.saturating_duration_since(earlier.at),
        })
    };
    beats.windows(2).map(gap).collect()
}
