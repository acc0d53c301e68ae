//! What one run of a task gave.

use std::collections::BTreeMap;

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
