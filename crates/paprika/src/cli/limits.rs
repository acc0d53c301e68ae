//! Limits of the host on a process (setrlimit(2)), where meeting one would end the process instead
//! of failing a call.

use signal_hook::consts::SIGXFSZ;

/// From now on a write past the limit on the size of files (`ulimit -f`) fails with EFBIG, as any
/// other write that fails, and does not end the monitor and its guest with SIGXFSZ.
///
/// The signal is handled and not ignored: programs that are started from here do not inherit that.
/// (The standard library does the same for SIGPIPE and EPIPE.)
pub(super) fn start() {
    if let Err(error) = signal_hook::flag::register(SIGXFSZ, Default::default()) {
        tracing::warn!(%error, "a limit on the size of files, where there is one, ends the guest");
    }
}
