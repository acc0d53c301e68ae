//! A histogram of durations that many threads fill at once: four buckets to each power of two, from
//! 1 µs to an hour.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

const STEPS: u64 = 4;
const BUCKETS: usize = 128;

/// Counts durations.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
    max_micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_micros: AtomicU64::new(0),
            max_micros: AtomicU64::new(0),
        }
    }
}

/// The bucket of a number of microseconds. Numbers below 4 have a bucket each; above, the two bits
/// below the leading one choose one of four.
fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2());
    let step = (micros >> (power - 2)) & (STEPS - 1);
    (((power - 1) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The least number of microseconds of a bucket.
fn floor(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let power = bucket / STEPS + 1;
    (STEPS + bucket % STEPS) << (power - 2)
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
        self.max_micros.fetch_max(micros, Ordering::Relaxed);
    }

    /// The counts as they are now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        let counts = self
            .counts
            .iter()
            .map(|c| c.load(Ordering::Relaxed))
            .collect::<Vec<_>>();
        let buckets = counts
            .iter()
            .enumerate()
            .filter(|&(_, &n)| n > 0)
            .map(|(b, &n)| (floor(b), n))
            .collect();
        HistogramSnapshot {
            count: counts.iter().sum(),
            sum_micros: self.sum_micros.load(Ordering::Relaxed),
            max_micros: self.max_micros.load(Ordering::Relaxed),
            buckets,
        }
    }
}

/// What a histogram held at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistogramSnapshot {
    /// How many durations were counted.
    pub count: u64,
    /// Their sum in microseconds.
    pub sum_micros: u64,
    /// The longest in microseconds.
    pub max_micros: u64,
    /// The buckets that are not empty: least microseconds, count.
    pub buckets: Vec<(u64, u64)>,
}

impl HistogramSnapshot {
    /// The duration, in microseconds, that `percent` of those counted did not exceed, to the
    /// bucket's lower edge. 0 where nothing was counted.
    pub fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.count.saturating_mul(percent).div_ceil(100)).max(1);
        let mut seen = 0;
        for &(floor, count) in &self.buckets {
            seen += count;
            if seen >= wanted {
                return floor;
            }
        }
        0
    }

    /// How many of those counted lasted at least this many microseconds; exact where a bucket
    /// begins there (as at every power of two), else without those of that bucket.
    pub fn at_least(&self, micros: u64) -> u64 {
        let long = self.buckets.iter().filter(|(floor, _)| *floor >= micros);
        long.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_begins_where_the_one_before_ends() {
        for b in 0..BUCKETS - 1 {
            assert_eq!(bucket(floor(b)), b);
            assert_eq!(bucket(floor(b + 1) - 1), b);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_within_a_quarter_of_the_truth() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|n| histogram.record(Duration::from_micros(n)));
        let snapshot = histogram.snapshot();
        assert!(
            (400..=500).contains(&snapshot.percentile(50)),
            "{}",
            snapshot.percentile(50)
        );
        assert!(
            (750..=990).contains(&snapshot.percentile(99)),
            "{}",
            snapshot.percentile(99)
        );
        assert_eq!(
            (snapshot.count, snapshot.max_micros, snapshot.sum_micros),
            (1000, 1000, 500_500)
        );
    }

    #[test]
    fn the_long_ones_are_those_from_a_power_of_two_on() {
        let histogram = Histogram::default();
        for micros in [1, 1023, 1024, 1025, 5000] {
            histogram.record(Duration::from_micros(micros));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.at_least(1024), 3);
        assert_eq!(snapshot.at_least(0), 5);
        assert_eq!(snapshot.at_least(1 << 20), 0);
    }

    #[test]
    fn an_empty_histogram_has_no_percentile() {
        assert_eq!(Histogram::default().snapshot().percentile(50), 0);
    }
}
