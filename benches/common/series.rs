//! What the rounds of a benchmark gave: numbers, by the names of its figures.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::monitor::Monitor;
use crate::numbers::{median, number};

/// All rounds.
#[derive(Debug, Default)]
pub(crate) struct Series {
    values: BTreeMap<(Monitor, &'static str), Vec<f64>>,
    failures: BTreeMap<(Monitor, &'static str), String>,
}

impl Series {
    /// Adds a round's value of a figure.
    pub(crate) fn add(&mut self, monitor: Monitor, figure: &'static str, value: f64) {
        self.values
            .entry((monitor, figure))
            .or_default()
            .push(value);
    }

    /// Notes why a round gave none: the first line of `why` does.
    pub(crate) fn fail(&mut self, monitor: Monitor, figure: &'static str, why: &str) {
        let why = why.lines().next().unwrap_or_default();
        self.failures.insert((monitor, figure), why.to_owned());
    }

    /// What is known of a figure.
    pub(crate) fn compared(&self, figure: &'static str) -> Compared {
        let measured = |monitor| {
            let rounds = self.values.get(&(monitor, figure))?.clone();
            Some(Measured {
                median: median(&rounds)?,
                rounds,
            })
        };
        let (ours, peer) = (measured(Monitor::Paprika), measured(Monitor::Qemu));
        let ratio = match (&ours, &peer) {
            (Some(ours), Some(peer)) if peer.median > 0.0 => Some(ours.median / peer.median),
            _ => None,
        };
        let failure = |monitor: Monitor| {
            let why = self.failures.get(&(monitor, figure))?;
            Some((monitor.name(), why.clone()))
        };
        Compared {
            ours,
            peer,
            ratio,
            failures: [Monitor::Paprika, Monitor::Qemu]
                .into_iter()
                .filter_map(failure)
                .collect(),
        }
    }
}

/// A figure of one monitor.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// Of the rounds.
    pub(crate) median: f64,
    rounds: Vec<f64>,
}

/// A figure of both.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) ours: Option<Measured>,
    pub(crate) peer: Option<Measured>,
    /// Ours divided by the peer's.
    pub(crate) ratio: Option<f64>,
    /// Why a round is missing, by monitor.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) failures: BTreeMap<&'static str, String>,
}

impl Compared {
    /// Ours, the peer's, and their ratio, as they are shown.
    pub(crate) fn numbers(&self) -> [String; 3] {
        let median =
            |measured: &Option<Measured>| measured.as_ref().map(|measured| measured.median);
        [median(&self.ours), median(&self.peer), self.ratio]
            .map(|value| value.map_or_else(|| "-".to_owned(), number))
    }
}
