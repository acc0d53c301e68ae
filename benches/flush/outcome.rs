//! What one measurement gave, what was measured when, and medians of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::monitor::Monitor;
use crate::numbers::median;
use crate::writers::Method;

/// Where a guest's writers write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// The block device of an fsdax namespace, past the guest's page cache (`O_DIRECT`).
    Raw,
    /// The same through that cache, which writes back blocks of up to 64 KiB.
    Cached,
    /// A file of XFS on it, mounted with `-o dax=always`.
    Xfs,
    /// The same with `fdatasync`, as the program of the host does: the file's times need not be durable, so the file
    /// system's log is not written.
    XfsData,
}

impl Target {
    /// In the order in which they are measured.
    pub(crate) const ALL: [Self; 4] = [Self::Raw, Self::Cached, Self::Xfs, Self::XfsData];

    /// As in the guest's marks and in the JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Cached => "cached",
            Self::Xfs => "xfs",
            Self::XfsData => "xfs-data",
        }
    }
}

/// Who flushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// A guest.
    Guest {
        /// On what.
        target: Target,
        /// Its CPUs.
        cpus: u32,
        /// Run by what.
        monitor: Monitor,
    },
    /// A program of the host.
    Host(Method),
}

/// One cell of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    /// Who.
    pub(crate) subject: Subject,
    /// By how many threads.
    pub(crate) writers: u32,
}

/// What a measurement gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
    /// Flushes a second.
    pub(crate) rate: f64,
    /// Median time of write and flush, in microseconds, as the writer sees it.
    pub(crate) p50_us: f64,
    /// 99th percentile of it.
    pub(crate) p99_us: f64,
    /// What it took, where the monitor tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) costs: Option<Costs>,
}

/// What flushes took, per flush of a writer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Costs {
    /// Syncs of the backing file.
    pub(crate) syncs: f64,
    /// `H_SCM_FLUSH` hypercalls, repeats with a token included.
    pub(crate) hypercalls: f64,
    /// Flushes that the guest's kernel asked for (an `fsync` on a file system may need several, or share one).
    pub(crate) requests: f64,
    /// Answers that make Linux sleep (`H_LONG_BUSY_ORDER_*`).
    pub(crate) sleeps: f64,
    /// Mean time of a sync, in microseconds.
    pub(crate) sync_us: f64,
    /// Syncs that took a millisecond or more (1024 microseconds).
    pub(crate) slow_syncs: f64,
}

/// What the rounds gave.
#[derive(Debug, Default)]
pub(crate) struct Series {
    outcomes: BTreeMap<Case, Vec<Outcome>>,
    failures: BTreeMap<Case, String>,
}

impl Series {
    /// Adds a round's outcome.
    pub(crate) fn add(&mut self, case: Case, outcome: Outcome) {
        self.outcomes.entry(case).or_default().push(outcome);
    }

    /// Notes why a round gave none: the first line of `why` does.
    pub(crate) fn fail(&mut self, case: Case, why: &str) {
        let why = why.lines().next().unwrap_or_default();
        self.failures.insert(case, why.to_owned());
    }

    /// All that was measured or should have been.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = self.outcomes.keys().copied().collect();
        cases.extend(self.failures.keys());
        cases.sort_unstable();
        cases.dedup();
        cases
    }

    /// The rounds of a case.
    pub(crate) fn rounds(&self, case: Case) -> &[Outcome] {
        self.outcomes.get(&case).map_or(&[], Vec::as_slice)
    }

    /// Why a round of it is missing.
    pub(crate) fn failure(&self, case: Case) -> Option<&str> {
        self.failures.get(&case).map(String::as_str)
    }

    /// Number by number the median of a case's rounds.
    pub(crate) fn median(&self, case: Case) -> Option<Outcome> {
        let rounds = self.rounds(case);
        let of =
            |number: fn(&Outcome) -> f64| median(&rounds.iter().map(number).collect::<Vec<_>>());
        let costs: Vec<&Costs> = rounds
            .iter()
            .filter_map(|round| round.costs.as_ref())
            .collect();
        let cost = |number: fn(&Costs) -> f64| {
            median(&costs.iter().map(|costs| number(costs)).collect::<Vec<_>>())
        };
        let costs = cost(|costs| costs.syncs).and_then(|syncs| {
            Some(Costs {
                syncs,
                hypercalls: cost(|costs| costs.hypercalls)?,
                requests: cost(|costs| costs.requests)?,
                sleeps: cost(|costs| costs.sleeps)?,
                sync_us: cost(|costs| costs.sync_us)?,
                slow_syncs: cost(|costs| costs.slow_syncs)?,
            })
        });
        Some(Outcome {
            rate: of(|outcome| outcome.rate)?,
            p50_us: of(|outcome| outcome.p50_us)?,
            p99_us: of(|outcome| outcome.p99_us)?,
            costs,
        })
    }

    /// Our rate divided by that of the peer in the same case.
    pub(crate) fn times_peer(&self, case: Case) -> Option<f64> {
        let Subject::Guest {
            target,
            cpus,
            monitor: Monitor::Paprika,
        } = case.subject
        else {
            return None;
        };
        let subject = Subject::Guest {
            target,
            cpus,
            monitor: Monitor::Qemu,
        };
        let peer = self.median(Case { subject, ..case })?;
        Some(self.median(case)?.rate / peer.rate)
    }
}
