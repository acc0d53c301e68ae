//! The host's program: threads that write 4 KiB and make it durable, over and over, each in a slot of its own, as
//! guest/programs/flushbench.c does in the guest. What a guest without any cost of its own would reach.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::outcome::Outcome;

const BLOCK: usize = 4096;
const SLOT: usize = 1 << 20;

/// How the bytes get into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    /// Stores to a shared mapping, then fdatasync: what a monitor that cost nothing would do for its guest.
    Mmap,
    /// pwrite, then fdatasync.
    Pwrite,
}

impl Method {
    /// In the order in which they are measured.
    pub(crate) const ALL: [Self; 2] = [Self::Mmap, Self::Pwrite];

    /// As in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mmap => "mmap + fdatasync",
            Self::Pwrite => "pwrite + fdatasync",
        }
    }
}

/// Measures `writers` threads for `seconds`, on a new file in `directory`.
pub(crate) fn run(method: Method, writers: u32, seconds: f64, directory: &Path) -> Result<Outcome> {
    let path = directory.join("host");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .with_context(|| format!("creating {}", path.display()))?;
    // The file gets its room before the clock starts: allocation is not what is measured.
    let zeros = vec![0; SLOT];
    for writer in 0..writers {
        file.write_all_at(&zeros, offset(writer))
            .with_context(|| format!("writing to {}", path.display()))?;
    }
    file.sync_all()
        .with_context(|| format!("syncing {}", path.display()))?;
    // Large writes leave large folios in the page cache, and a store through a mapping dirties a whole one.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)
        .with_context(|| format!("dropping {} from the page cache", path.display()))?;

    let duration = Duration::from_secs_f64(seconds);
    let latencies = match method {
        Method::Pwrite => race(
            &file,
            writers,
            duration,
            (0..writers).collect(),
            |writer, at, block| file.write_all_at(block, offset(*writer) + at as u64),
        ),
        Method::Mmap => {
            let mut mapping = map(&file).with_context(|| format!("mapping {}", path.display()))?;
            let slots = mapping.chunks_exact_mut(SLOT).collect();
            race(
                &file,
                writers,
                duration,
                slots,
                |slot: &mut &mut [u8], at, block| {
                    slot[at..at + BLOCK].copy_from_slice(block);
                    Ok(())
                },
            )
        }
    };
    let mut latencies =
        latencies.with_context(|| format!("{} of {}", method.name(), path.display()))?;
    latencies.sort_unstable();
    let percentile = |part: f64| {
        let place = (part * latencies.len().saturating_sub(1) as f64) as usize;
        latencies
            .get(place)
            .map(|latency| latency.as_secs_f64() * 1e6)
    };
    let nothing = || anyhow!("no flush ended within {seconds} s");
    Ok(Outcome {
        rate: latencies.len() as f64 / seconds,
        p50_us: percentile(0.50).ok_or_else(nothing)?,
        p99_us: percentile(0.99).ok_or_else(nothing)?,
        costs: None,
    })
}

fn offset(writer: u32) -> u64 {
    u64::from(writer) * SLOT as u64
}

/// A thread per slot, all started at once, each calling `store` and fdatasync in turn. Gives every latency.
fn race<S: Send>(
    file: &File,
    writers: u32,
    duration: Duration,
    slots: Vec<S>,
    store: impl Fn(&mut S, usize, &[u8]) -> std::io::Result<()> + Sync,
) -> Result<Vec<Duration>> {
    let start_line = Barrier::new(writers as usize);
    thread::scope(|scope| {
        let writer = |mut slot: S| {
            let (start_line, store) = (&start_line, &store);
            scope.spawn(move || -> std::io::Result<Vec<Duration>> {
                let mut latencies = Vec::new();
                start_line.wait();
                let began = Instant::now();
                let mut before = began;
                while before - began < duration {
                    let round = latencies.len();
                    store(
                        &mut slot,
                        round % (SLOT / BLOCK) * BLOCK,
                        &[round as u8; BLOCK],
                    )?;
                    file.sync_data()?;
                    let after = Instant::now();
                    latencies.push(after - before);
                    before = after;
                }
                Ok(latencies)
            })
        };
        let threads: Vec<_> = slots.into_iter().map(writer).collect();
        let mut all = Vec::new();
        for thread in threads {
            let latencies = thread.join().map_err(|_| anyhow!("a writer panicked"))?;
            all.extend(latencies?);
        }
        Ok(all)
    })
}

#[allow(unsafe_code)]
fn map(file: &File) -> std::io::Result<memmap2::MmapMut> {
    // SAFETY: the file is new and this process's own, and is neither truncated nor written by other means while mapped.
    unsafe { memmap2::MmapMut::map_mut(file) }
}
