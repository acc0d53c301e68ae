//! Counters of a machine and its NVDIMMs, as JSON and in the text format that Prometheus scrapes (OpenMetrics 1.0).

use std::sync::Arc;

use papr_scm::flush::{FlushCounters, HistogramSnapshot};
use papr_scm::nvdimm::Nvdimm;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use serde::Serialize;

use crate::machine::{Counts, MachineControl, RunState};

/// The media type of [`text`].
pub(super) const TEXT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All counters at one moment.
#[derive(Debug, Serialize)]
pub(super) struct Metrics {
    instructions: u64,
    hypercalls: u64,
    resets: u64,
    paused: bool,
    nvdimms: Vec<NvdimmMetrics>,
}

/// Those of one device.
#[derive(Debug, Serialize)]
struct NvdimmMetrics {
    id: String,
    failed: bool,
    #[serde(flatten)]
    flush: FlushCounters,
}

impl Metrics {
    /// Those of a machine now.
    pub(super) fn of(machine: &MachineControl) -> Self {
        let Counts {
            instructions,
            hypercalls,
            resets,
        } = machine.counts();
        let nvdimm = |device: Arc<Nvdimm>| NvdimmMetrics {
            id: device.id().to_owned(),
            failed: device.failure().is_some(),
            flush: device.counters(),
        };
        Self {
            instructions,
            hypercalls,
            resets,
            paused: machine.state() == RunState::Paused,
            nvdimms: machine.scm().devices().into_iter().map(nvdimm).collect(),
        }
    }

    /// In Prometheus' text format.
    pub(super) fn text(self) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("paprika");
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// What is read from a device's counters.
type Count = fn(&FlushCounters) -> u64;

/// A device's counters: name, help, value.
const COUNTERS: [(&str, &str, Count); 11] = [
    (
        "nvdimm_flush_hypercalls",
        "H_SCM_FLUSH hypercalls, repeats with a token included",
        |c| c.hypercalls,
    ),
    ("nvdimm_flushes", "Flushes asked for by the guest", |c| {
        c.flushes
    }),
    (
        "nvdimm_flushes_answered_at_once",
        "Flushes answered in the hypercall that asked",
        |c| c.answered_at_once,
    ),
    ("nvdimm_flush_busy_answers", "Answers H_BUSY", |c| c.busy),
    (
        "nvdimm_flush_long_busy_answers",
        "Answers H_LONG_BUSY_ORDER_*",
        |c| c.long_busy,
    ),
    (
        "nvdimm_flushes_put_off",
        "Flushes put off since too many were outstanding",
        |c| c.refused_full,
    ),
    ("nvdimm_syncs", "Syncs of the backing that ended", |c| {
        c.syncs
    }),
    (
        "nvdimm_flushes_coalesced",
        "Flushes that shared the sync of another",
        |c| c.coalesced,
    ),
    (
        "nvdimm_flushes_failed",
        "Flushes that ended without success",
        |c| c.failed_flushes,
    ),
    ("nvdimm_syncs_failed", "Syncs that failed", |c| {
        c.failed_syncs
    }),
    ("nvdimm_label_writes", "Writes to the label area", |c| {
        c.label_writes
    }),
];

/// What is read from a device's latencies.
type Latency = fn(&FlushCounters) -> &HistogramSnapshot;

/// A device's histograms: name, help, value.
const LATENCIES: [(&str, &str, Latency); 2] = [
    (
        "nvdimm_flush_latency",
        "From a flush being asked for to its result being known",
        |c| &c.flush_latency,
    ),
    (
        "nvdimm_sync_latency",
        "From a sync's begin to its end",
        |c| &c.sync_latency,
    ),
];

/// Upper bounds of the histograms' buckets: every other power of two, from 16 µs to 67 s; always the same, as Prometheus needs.
const BOUNDS_LOG2: std::ops::RangeInclusive<u32> = 4..=26;

/// The buckets of a histogram, not cumulative, the last without a bound.
fn buckets(histogram: &HistogramSnapshot) -> Vec<(f64, u64)> {
    let bounded = BOUNDS_LOG2.step_by(2).map(|power| {
        let bound = 1_u64 << power;
        let below = if power == *BOUNDS_LOG2.start() {
            0
        } else {
            bound >> 2
        };
        let counted = histogram
            .buckets
            .iter()
            .filter(|(floor, _)| (below..bound).contains(floor));
        (bound as f64 / 1e6, counted.map(|(_, count)| count).sum())
    });
    let mut buckets: Vec<(f64, u64)> = bounded.collect();
    let counted: u64 = buckets.iter().map(|(_, count)| count).sum();
    buckets.push((f64::INFINITY, histogram.count.saturating_sub(counted)));
    buckets
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let machine = [
            (
                "instructions",
                "Guest instructions executed, as of each vCPU's last exit",
                self.instructions,
            ),
            ("hypercalls", "Hypercalls made", self.hypercalls),
            ("resets", "Resets and reboots of the guest", self.resets),
        ];
        for (name, help, value) in machine {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let paused = ConstGauge::new(i64::from(self.paused));
        paused.encode(encoder.encode_descriptor(
            "paused",
            "1 while the guest is paused",
            None,
            MetricType::Gauge,
        )?)?;
        if self.nvdimms.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(
            "nvdimm_failed",
            "1 where the backing failed to make data durable",
            None,
            MetricType::Gauge,
        )?;
        for nvdimm in &self.nvdimms {
            ConstGauge::new(i64::from(nvdimm.failed))
                .encode(family.encode_family(&nvdimm.label())?)?;
        }
        for (name, help, value) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for nvdimm in &self.nvdimms {
                ConstCounter::new(value(&nvdimm.flush))
                    .encode(family.encode_family(&nvdimm.label())?)?;
            }
        }
        for (name, help, value) in LATENCIES {
            let mut family = encoder.encode_descriptor(
                name,
                help,
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?;
            for nvdimm in &self.nvdimms {
                let histogram = value(&nvdimm.flush);
                let sum = histogram.sum_micros as f64 / 1e6;
                family
                    .encode_family(&nvdimm.label())?
                    .encode_histogram::<NoLabelSet>(
                        sum,
                        histogram.count,
                        &buckets(histogram),
                        None,
                    )?;
            }
        }
        Ok(())
    }
}

impl NvdimmMetrics {
    fn label(&self) -> [(&'static str, &str); 1] {
        [("nvdimm", &self.id)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let histogram = HistogramSnapshot {
            count: 6,
            sum_micros: 1_000_100,
            max_micros: 1_000_000,
            buckets: vec![(14, 1), (16, 2), (96, 1), (786_432, 1), (1 << 27, 1)],
        };
        let flush = FlushCounters {
            hypercalls: 9,
            flushes: 6,
            answered_at_once: 0,
            busy: 0,
            long_busy: 0,
            refused_full: 0,
            syncs: 4,
            coalesced: 2,
            failed_flushes: 0,
            failed_syncs: 0,
            label_writes: 0,
            flush_latency: histogram.clone(),
            sync_latency: histogram,
        };
        let nvdimms = vec![NvdimmMetrics {
            id: "a\"b".into(),
            failed: true,
            flush,
        }];
        Metrics {
            instructions: 1 << 40,
            hypercalls: 7,
            resets: 1,
            paused: false,
            nvdimms,
        }
    }

    #[test]
    fn every_duration_is_in_one_bucket_with_fixed_bounds() {
        let Metrics { nvdimms, .. } = metrics();
        let buckets = buckets(&nvdimms[0].flush.flush_latency);
        let counts: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(buckets[0].0, 16e-6);
        assert!(buckets.last().is_some_and(|(bound, _)| bound.is_infinite()));
    }

    #[test]
    fn the_text_has_types_labels_and_an_end() {
        let text = metrics().text().expect("text");
        for line in [
            "# TYPE paprika_instructions counter",
            "paprika_instructions_total 1099511627776",
            "paprika_nvdimm_failed{nvdimm=\"a\\\"b\"} 1",
            "paprika_nvdimm_flushes_total{nvdimm=\"a\\\"b\"} 6",
            "# TYPE paprika_nvdimm_flush_latency_seconds histogram",
            "paprika_nvdimm_flush_latency_seconds_bucket{le=\"+Inf\",nvdimm=\"a\\\"b\"} 6",
            "paprika_nvdimm_flush_latency_seconds_count{nvdimm=\"a\\\"b\"} 6",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_json_names_each_device_beside_its_counters() {
        let json = serde_json::to_value(metrics()).expect("JSON");
        assert_eq!(json["nvdimms"][0]["id"], "a\"b");
        assert_eq!(json["nvdimms"][0]["flushes"], 6);
    }
}
