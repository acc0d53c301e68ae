//! Signals while a guest runs: SIGTERM, SIGINT and SIGHUP end it as if its power were cut, so that everything is put back on the way
//! out; a second one ends the program at once. Those that were ignored when the program started (`nohup`) stay ignored.

use std::io;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use thread_role::Role;
use tracing::info;

use super::raw;
use crate::machine::Outside;

/// The thread that waits for signals; ended on drop.
#[derive(Debug)]
pub(crate) struct SignalWatch(Handle);

impl SignalWatch {
    /// From now on signals end the guest.
    ///
    /// # Errors
    /// Where the operating system refuses.
    pub(crate) fn start(outside: Outside) -> io::Result<Self> {
        let ignored = ignored();
        let ending = [SIGTERM, SIGINT, SIGHUP]
            .into_iter()
            .filter(|signal| ignored & 1 << (signal - 1) == 0);
        let mut signals = Signals::new(ending.chain([SIGCONT]))?;
        let handle = signals.handle();
        let body = move || {
            thread_role::begin(Role::Terminal);
            let mut ending = false;
            for signal in &mut signals {
                match signal {
                    SIGCONT => raw::resume(),
                    _ if ending => {
                        raw::restore();
                        // Ends the process as the signal does where nobody listens; comes back only if that is refused.
                        let _ = signal_hook::low_level::emulate_default_handler(signal);
                    }
                    _ => {
                        info!(signal, "a signal ends the guest");
                        ending = true;
                        outside.kill();
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(body)?;
        Ok(Self(handle))
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The signals that this process was told to ignore, bit n for signal n + 1; none where the host has no way to say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or(0)
}
