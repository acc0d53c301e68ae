//! What a run cost, and what carried it out, in some lines on standard error: `--stats`.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::machine::{Done, Machine};

/// Counts from its making on.
pub(super) struct Stats {
    start: Instant,
}

impl Stats {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Says what `machine`, which has ended, has cost.
    pub(super) fn report(&self, machine: &Machine) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let instructions = machine.instructions_executed() as f64 / 1e6;
        let cpu = process_cpu_time().as_secs_f64();
        let rate = if cpu > 0.0 { instructions / cpu } else { 0.0 };
        let memory =
            peak_memory().map_or_else(|| "unknown".into(), |bytes| format!("{} MiB", bytes >> 20));
        format!(
            "ran {elapsed:.2} s; host CPU {cpu:.2} s; {instructions:.1} million guest instructions \
             ({rate:.1} million per second of host CPU); peak memory {memory}{}",
            engine(&machine.done())
        )
    }
}

/// What ran where.
fn engine(done: &Done) -> String {
    let cpu = &done.cpu;
    let mut text = format!(
        "\nvCPUs: {} TLB misses, {} code page misses, {} interrupts",
        cpu.tlb_misses, cpu.code_misses, cpu.interrupts
    );
    if let Some(jit) = &done.jit {
        let share = 100.0 * jit.executed as f64 / cpu.instructions.max(1) as f64;
        text += &format!(
            "\nJIT: {share:.1} % of the instructions in compiled code; {} regions of {} instructions compiled to {} KiB in \
             {:.2} s, {} regions of earlier runs, {} requests dropped, {} times all code evicted\nJIT runs: {} begun; ended at unknown code {}, \
             the interpreter's instructions {}, changes {}, interrupts {}, polls {}",
            jit.regions,
            jit.translated,
            jit.code_bytes >> 10,
            jit.compile_time.as_secs_f64(),
            jit.loaded,
            jit.dropped,
            jit.evictions,
            jit.entries,
            jit.unknown,
            jit.interpreted,
            jit.changes,
            jit.interrupts,
            jit.polls,
        );
    }
    text
}

/// CPU time of this process, of all threads, in the host's user and kernel mode.
fn process_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// Most bytes of host memory that this process has ever used at once; `None` where the host does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
