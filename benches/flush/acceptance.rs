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
const RATES: [(Target, u32, f64); 6] = [
    (Target::Raw, 1, 20.0),
    (Target::Raw, 16, 10.0),
    (Target::Cached, 1, 20.0),
    (Target::Cached, 16, 10.0),
    (Target::Xfs, 16, 10.0),
    (Target::XfsData, 16, 10.0),
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
        let cases = Target::ALL
            .into_iter()
            .flat_map(|target| writers.iter().map(move |&writers| (target, writers)));
        let measured: Vec<(Target, u32, Costs)> = cases
            .filter_map(|(target, writers)| Some((target, writers, self.costs(target, writers)?)))
            .collect();
        let beyond = |(_, writers, costs): &&(Target, u32, Costs)| {
            costs.sleeps - costs.slow_syncs * f64::from(*writers) * SLEEPS_PER_SLOW_SYNC
        };
        let sleeping = measured.iter().filter(|(.., costs)| costs.sleeps > 0.0);
        let worst = sleeping.max_by(|a, b| beyond(a).total_cmp(&beyond(b)));
        let value = match worst {
            _ if measured.is_empty() => NOT_MEASURED.to_owned(),
            None => "none".to_owned(),
            Some((target, writers, costs)) => format!(
                "{} sleeps per flush beside {} slow syncs ({}, writers {writers})",
                number(costs.sleeps),
                number(costs.slow_syncs),
                target.name()
            ),
        };
        Bar {
            asked: format!("{} CPUs: no sleep where a sync takes under 1 ms", self.cpus),
            value,
            met: (!measured.is_empty()).then(|| worst.is_none_or(|worst| beyond(&worst) <= 0.0)),
        }
    }
}
