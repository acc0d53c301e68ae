//! The machine that a benchmark runs on, which is part of every report.

use std::fs;

use serde::Serialize;

/// The machine that all this runs on.
#[derive(Debug, Serialize)]
pub(crate) struct Host {
    /// Model of its processors.
    pub(crate) cpu: String,
    /// How many of them this process may use.
    pub(crate) cpus: usize,
    /// How many processes wanted to run, on average over the minute before.
    pub(crate) load_before: f64,
}

impl Host {
    /// As it is before anything is measured.
    pub(crate) fn now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = read("/proc/loadavg");
        Self {
            cpu: model
                .map_or("processor of unknown name", |(_, name)| name)
                .to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: load
                .split_whitespace()
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
        }
    }

    /// On what all was measured: our version and the peer's, where they ran, this machine, and what is to be said of the guest.
    pub(crate) fn circumstances(
        &self,
        ours: &Option<String>,
        peer: &Option<String>,
        guest: &str,
    ) -> String {
        let version = |version: &Option<String>| version.clone().unwrap_or("not measured".into());
        let Self {
            cpu,
            cpus,
            load_before,
        } = self;
        format!(
            "ours: {}\npeer: {} (TCG)\nhost: {cpus} x {cpu}, load {load_before} before\nguest: {guest}\n",
            version(ours),
            version(peer),
        )
    }

    /// Whether others were at work, so that figures are those of a shared machine.
    pub(crate) fn was_busy(&self) -> bool {
        self.load_before > self.cpus as f64 / 4.0
    }
}
