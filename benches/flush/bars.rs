//! What the project asks of flushes, and whether it holds.

use std::fmt;

use serde::Serialize;

use crate::monitor::Monitor;
use crate::numbers::number;
use crate::options::Options;
use crate::outcome::{Case, Costs, Series, Subject, Target};

/// Something asked of ours.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    asked: String,
    value: String,
    /// Unknown where it could not be measured.
    met: Option<bool>,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        write!(f, "{}: {}, {verdict}", self.asked, self.value)
    }
}

/// Target, writers, how many times the peer's rate.
const RATES: [(Target, u32, f64); 3] = [
    (Target::Raw, 1, 20.0),
    (Target::Raw, 16, 10.0),
    (Target::Xfs, 16, 10.0),
];

/// Of this many writers on, fewer than so many syncs per flush.
const SHARING: (u32, f64) = (16, 0.3);

/// All bars, for every number of CPUs.
pub(crate) fn all(series: &Series, options: &Options) -> Vec<Bar> {
    let mut bars = Vec::new();
    if !options.monitors().contains(&Monitor::Paprika) {
        return bars;
    }
    for &cpus in &options.cpus {
        let guest = Guest { series, cpus };
        for (target, writers, times) in RATES {
            if options.writers.contains(&writers) {
                bars.push(guest.rate(target, writers, times));
            }
        }
        let (writers, syncs) = SHARING;
        if options.writers.contains(&writers) {
            bars.extend(Target::ALL.map(|target| guest.sharing(target, writers, syncs)));
        }
        bars.push(guest.sleeping(&options.writers));
    }
    bars
}

/// As often a writer may be told to sleep while one slow sync runs: first for 1 ms, then for 10, then for 100.
const SLEEPS_PER_SLOW_SYNC: f64 = 3.0;

const NOT_MEASURED: &str = "not measured";

/// Ours with a number of CPUs.
struct Guest<'a> {
    series: &'a Series,
    cpus: u32,
}

impl Guest<'_> {
    fn case(&self, target: Target, writers: u32) -> Case {
        let (cpus, monitor) = (self.cpus, Monitor::Paprika);
        let subject = Subject::Guest {
            target,
            cpus,
            monitor,
        };
        Case { subject, writers }
    }

    fn costs(&self, target: Target, writers: u32) -> Option<Costs> {
        self.series.median(self.case(target, writers))?.costs
    }

    fn rate(&self, target: Target, writers: u32, times: f64) -> Bar {
        let ratio = self.series.times_peer(self.case(target, writers));
        Bar {
            asked: format!(
                "{} CPUs, {}, writers {writers}: at least {times} x the peer's rate",
                self.cpus,
                target.name()
            ),
            value: ratio.map_or(NOT_MEASURED.to_owned(), |ratio| {
                format!("{} x", number(ratio))
            }),
            met: ratio.map(|ratio| ratio >= times),
        }
    }

    fn sharing(&self, target: Target, writers: u32, limit: f64) -> Bar {
        let syncs = self.costs(target, writers).map(|costs| costs.syncs);
        Bar {
            asked: format!(
                "{} CPUs, {}, writers {writers}: fewer than {limit} syncs per flush",
                self.cpus,
                target.name()
            ),
            value: syncs.map_or(NOT_MEASURED.to_owned(), |syncs| format!("{syncs:.2}")),
            met: syncs.map(|syncs| syncs < limit),
        }
    }

    /// No writer sleeps where the sync takes under a millisecond. What is beyond the sleeps that slow syncs account for was a
    /// short one's.
    fn sleeping(&self, writers: &[u32]) -> Bar {
        let mut value = NOT_MEASURED.to_owned();
        let (mut met, mut worst) = (None, -1.0);
        for target in Target::ALL {
            for &writers in writers {
                let Some(costs) = self.costs(target, writers) else {
                    continue;
                };
                let accounted_for = costs.slow_syncs * f64::from(writers) * SLEEPS_PER_SLOW_SYNC;
                met = Some(met.unwrap_or(true) && costs.sleeps <= accounted_for);
                let beyond = costs.sleeps - accounted_for;
                if costs.sleeps > 0.0 && (worst < 0.0 || beyond > worst) {
                    worst = beyond.max(0.0);
                    value = format!(
                        "{} sleeps per flush beside {} slow syncs ({}, writers {writers})",
                        number(costs.sleeps),
                        number(costs.slow_syncs),
                        target.name()
                    );
                } else if value == NOT_MEASURED {
                    value = "none".to_owned();
                }
            }
        }
        let asked = format!("{} CPUs: no sleep where a sync takes under 1 ms", self.cpus);
        Bar { asked, value, met }
    }
}
