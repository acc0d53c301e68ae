//! What the rounds gave, per figure and monitor.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures::Figure;
use crate::monitor::Monitor;
use crate::numbers::median;

/// What one run of a task gave, by the figures' names.
#[derive(Debug, Default)]
pub(crate) struct Readings(BTreeMap<&'static str, f64>);

impl Readings {
    /// Adds one.
    pub(crate) fn add(&mut self, figure: &'static str, value: f64) {
        self.0.insert(figure, value);
    }

    /// That of a figure.
    pub(crate) fn of(&self, figure: &str) -> Option<f64> {
        self.0.get(figure).copied()
    }
}

/// All rounds.
#[derive(Debug)]
pub(crate) struct Series {
    /// What was to be measured, in the report's order.
    pub(crate) figures: Vec<&'static Figure>,
    values: BTreeMap<(Monitor, &'static str), Vec<f64>>,
    failures: BTreeMap<(Monitor, &'static str), String>,
}

/// A figure of one monitor.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// Of the rounds.
    pub(crate) median: f64,
    rounds: Vec<f64>,
}

impl Series {
    /// With nothing in it yet.
    pub(crate) fn new(figures: &[&'static Figure]) -> Self {
        Self {
            figures: figures.to_vec(),
            values: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Adds a round's value.
    pub(crate) fn add(&mut self, monitor: Monitor, figure: &Figure, value: f64) {
        self.values
            .entry((monitor, figure.name))
            .or_default()
            .push(value);
    }

    /// Notes why a round gave none: the first line of `why` does.
    pub(crate) fn fail(&mut self, monitor: Monitor, figure: &Figure, why: &str) {
        let why = why.lines().next().unwrap_or_default();
        self.failures.insert((monitor, figure.name), why.to_owned());
    }

    /// A figure's rounds and their median, where there is any.
    pub(crate) fn measured(&self, monitor: Monitor, figure: &Figure) -> Option<Measured> {
        let rounds = self.values.get(&(monitor, figure.name))?.clone();
        Some(Measured {
            median: median(&rounds)?,
            rounds,
        })
    }

    /// Why a round of it is missing.
    pub(crate) fn failure(&self, monitor: Monitor, figure: &Figure) -> Option<&str> {
        let why = self.failures.get(&(monitor, figure.name))?;
        Some(why)
    }
}
