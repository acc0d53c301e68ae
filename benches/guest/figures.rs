//! What is measured, by which script in the guest, and how it is read off a run.

use anyhow::{Context, Result, bail};

use crate::choice;
use crate::observe::Seen;
use crate::options::Options;

/// A boot with a script: several figures are read off one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Boots, says so, powers off.
    Boot,
    /// Idles, then runs one program after the other.
    Work,
}

/// Which way a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Times, memory.
    Lower,
    /// Rates.
    Higher,
}

/// What the project asks of a figure of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// At most so many times the peer's.
    TimesPeer(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

/// How a figure is read off a run.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Seconds to init's script.
    Init,
    /// Seconds to the process's end.
    PowerOff,
    /// Peak resident memory.
    PeakRss,
    /// Host CPU used while the guest idled.
    Idle,
    /// The rate that the guest's program of the figure's name printed.
    Program,
    /// The rate of `sieve`, times the instructions that one pass of it executes.
    SieveInstructions,
}

/// Something measured.
#[derive(Debug)]
pub(crate) struct Figure {
    /// As in options and in the JSON.
    pub(crate) name: &'static str,
    /// What it is, in words.
    pub(crate) words: &'static str,
    /// Of its values.
    pub(crate) unit: &'static str,
    /// Which way is good.
    pub(crate) better: Better,
    /// What is asked of ours, where something is.
    pub(crate) bar: Option<Bar>,
    /// The run that it is read off.
    pub(crate) scenario: Scenario,
    source: Source,
}

const fn seen(
    name: &'static str,
    words: &'static str,
    unit: &'static str,
    bar: Option<Bar>,
    source: Source,
) -> Figure {
    let scenario = if matches!(source, Source::Idle) {
        Scenario::Work
    } else {
        Scenario::Boot
    };
    Figure {
        name,
        words,
        unit,
        better: Better::Lower,
        bar,
        scenario,
        source,
    }
}

const fn program(name: &'static str, words: &'static str, unit: &'static str) -> Figure {
    Figure {
        name,
        words,
        unit,
        better: Better::Higher,
        bar: None,
        scenario: Scenario::Work,
        source: Source::Program,
    }
}

impl choice::Figure for Figure {
    const ALL: &'static [Self] = FIGURES;

    fn name(&self) -> &'static str {
        self.name
    }
}

/// All figures, in the report's order. A program's name and unit are those of guest/programs/bench.c.
pub(crate) const FIGURES: &[Figure] = &[
    seen(
        "init",
        "process start to init",
        "s",
        Some(Bar::TimesPeer(3.0)),
        Source::Init,
    ),
    seen(
        "power-off",
        "process start to power-off",
        "s",
        None,
        Source::PowerOff,
    ),
    seen(
        "rss",
        "peak resident memory of a boot",
        "MiB",
        None,
        Source::PeakRss,
    ),
    seen(
        "idle",
        "host CPU per 10 s of idle guest",
        "s",
        Some(Bar::AtMost(0.3)),
        Source::Idle,
    ),
    program("sieve", "primes below 65536", "passes/s"),
    Figure {
        name: "sieve-mips",
        words: "the same in guest instructions",
        unit: "million/s",
        better: Better::Higher,
        bar: Some(Bar::AtLeast(60.0)),
        scenario: Scenario::Work,
        source: Source::SieveInstructions,
    },
    program("crc", "table-driven CRC-32", "MB/s"),
    program("memcpy", "1 MiB copies", "MB/s"),
    program("matmul", "96 x 96 double product", "Mflop/s"),
    program("saxpy", "single-precision y += a x", "Mflop/s"),
    program("chase", "dependent loads over 1 MiB", "Mload/s"),
    program("getppid", "system calls", "calls/s"),
    program("forkexit", "fork, exit and wait", "forks/s"),
    program("pipe", "a byte to a process and back", "trips/s"),
    program("parallel", "sieve on every CPU at once", "passes/s"),
];

const INIT: &str = "bench-mark: init";
const IDLE: &str = "bench-mark: idle";
const IDLE_OVER: &str = "bench-mark: idle over";
/// Before the idling: what the boot left to do is done by then.
const SETTLE_SECONDS: u32 = 3;
const IDLE_SECONDS: u32 = 10;

impl Scenario {
    /// In the order in which they are run.
    pub(crate) const ALL: [Self; 2] = [Self::Boot, Self::Work];

    /// As in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Work => "work",
        }
    }

    /// As in what the user is shown.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Boot => "booting and powering off",
            Self::Work => "idling and programs in the guest",
        }
    }

    /// What the guest's init runs. Init shows its status (`paprika-exit: N`) and powers off after it.
    pub(crate) fn script(self, figures: &[&Figure], options: &Options) -> String {
        let mut script = format!("#!/bin/sh\necho '{INIT}'\n");
        if self == Self::Boot {
            return script;
        }
        let wanted =
            |source: fn(&Source) -> bool| figures.iter().any(|figure| source(&figure.source));
        if wanted(|source| matches!(source, Source::Idle)) {
            script += &format!(
                "sleep {SETTLE_SECONDS}\necho '{IDLE}'\nsleep {IDLE_SECONDS}\necho '{IDLE_OVER}'\n"
            );
        }
        if wanted(|source| matches!(source, Source::SieveInstructions)) {
            script += "bench insns\n";
        }
        let run = |name: &str| {
            format!(
                "bench {name} {} {}\n",
                options.seconds(),
                options.guest.cpus
            )
        };
        let mut sieve = wanted(|source| matches!(source, Source::SieveInstructions));
        for figure in figures
            .iter()
            .filter(|figure| matches!(figure.source, Source::Program))
        {
            sieve &= figure.name != SIEVE;
            script += &run(figure.name);
        }
        if sieve {
            script += &run(SIEVE);
        }
        script
    }
}

const SIEVE: &str = "sieve";

impl Figure {
    /// Its value in a run.
    ///
    /// # Errors
    /// The run does not show it.
    pub(crate) fn read(&self, run: &Seen) -> Result<f64> {
        match self.source {
            Source::Init => Ok(run.line(INIT)?.at.as_secs_f64()),
            Source::PowerOff => {
                run.line("paprika-exit: 0")?;
                Ok(run.ended.as_secs_f64())
            }
            Source::PeakRss => Ok(run.peak_rss as f64 / f64::from(1 << 20)),
            Source::Idle => {
                let (from, to) = (run.line(IDLE)?, run.line(IDLE_OVER)?);
                let (wall, asleep) = ((to.at - from.at).as_secs_f64(), f64::from(IDLE_SECONDS));
                // Every rate is by the guest's clock.
                if !(0.95..1.1).contains(&(wall / asleep)) {
                    bail!("the guest's clock is wrong: {asleep} s of it took {wall:.2} s");
                }
                Ok((to.cpu - from.cpu).as_secs_f64() * asleep / wall)
            }
            Source::Program => rate(run, self.name, self.unit),
            Source::SieveInstructions => {
                Ok(rate(run, SIEVE, "passes/s")? * rate(run, "insns", "instructions/pass")? / 1e6)
            }
        }
    }
}

/// The number of a line `bench NAME NUMBER UNIT`.
fn rate(run: &Seen, name: &str, unit: &str) -> Result<f64> {
    let rest = run.after(&format!("bench {name} "))?;
    let (number, its_unit) = rest.split_once(' ').unwrap_or((rest, ""));
    if its_unit != unit {
        bail!("the guest's `bench {name}` printed `{rest}`, which is not a number of {unit}");
    }
    number
        .parse()
        .with_context(|| format!("the guest's `bench {name}` printed `{rest}`"))
}
