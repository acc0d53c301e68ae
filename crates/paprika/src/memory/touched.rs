//! Which pages of RAM have ever been touched: asked of the host's kernel, so that looking for data does not touch the others.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use power::memory::HostMapping;

use super::Ram;

/// Bytes of an entry of `pagemap`.
const ENTRY: u64 = 8;
/// The page is in memory, or swapped out (Linux, Documentation/admin-guide/mm/pagemap.rst).
const PRESENT_OR_SWAPPED: u64 = 0b11 << 62;

/// Of this process, for as long as it lives: a process that gives up core dumps can't open it any
/// more, unless it is root's.
static PAGEMAP: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/pagemap").ok());

/// Opens now what looking at RAM needs, and not when it is looked at.
pub fn prepare() {
    LazyLock::force(&PAGEMAP);
}

/// A look at what pages of some RAM there are. Pages that the guest touches later may not show.
#[derive(Debug)]
pub struct Touched {
    /// None: the host does not tell.
    pagemap: Option<&'static File>,
    start: u64,
    page: u64,
}

impl Touched {
    /// For this RAM, while it lives.
    pub fn of(ram: &Ram) -> Self {
        Self {
            pagemap: PAGEMAP.as_ref(),
            start: ram.start().as_ptr() as u64,
            page: rustix::param::page_size() as u64,
        }
    }

    /// Whether any byte of the range may be other than zero.
    pub fn any(&self, range: &Range<u64>) -> bool {
        let Some(pagemap) = self.pagemap else {
            return true;
        };
        let first = (self.start + range.start) / self.page;
        let last = (self.start + range.end).div_ceil(self.page);
        let mut entries = vec![0; ((last - first) * ENTRY) as usize];
        if pagemap.read_exact_at(&mut entries, first * ENTRY).is_err() {
            return true;
        }
        entries.chunks_exact(ENTRY as usize).any(|entry| {
            let entry = entry.try_into().map_or(u64::MAX, u64::from_ne_bytes);
            entry & PRESENT_OR_SWAPPED != 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_touched() {
        let ram = Ram::new(64 << 20).expect("memory");
        ram.write(40 << 20, &[1]).expect("inside");
        let touched = Touched::of(&ram);
        assert!(touched.any(&(40 << 20..41 << 20)));
        assert!(touched.any(&(0..64 << 20)));
        if touched.pagemap.is_some() {
            assert!(!touched.any(&(0..16 << 20)));
        }
    }
}
