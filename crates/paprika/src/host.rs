//! The host, as far as the monitor asks about it.

use std::sync::LazyLock;

/// Processors that this process may use, at least 1. Asked of Linux once, at the first call: that
/// opens files in `/proc` and `/sys`, which not every thread may, so the program calls it before it
/// starts threads.
pub fn processors() -> usize {
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *PROCESSORS
}
