//! Host memory for finished code. Never is a page writable and executable at once: pieces are written to fresh pages, several at
//! a time, and these become executable and read-only before anybody learns where the pieces are. Pages are never written again,
//! and are unmapped when nobody has code in the space any more.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wasmtime_internal_jit_icache_coherence as icache;

/// Host pages are at most this large.
const PAGE: usize = 65536;
/// Pieces begin at such addresses: a line of the host's cache.
const ALIGN: usize = 64;

/// Why code was not placed.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// There is no room in this space.
    #[error("the space for code is full")]
    Full,
    /// The host refused memory, or to make it executable.
    #[error("the host gave no memory for code: {0}")]
    Host(#[from] std::io::Error),
}

/// Addresses for code.
pub(crate) struct CodeSpace {
    start: NonNull<u8>,
    capacity: usize,
    used: Mutex<usize>,
}

// SAFETY: the space is memory of the process. It is written by `place` alone, one caller at a time, where nobody reads yet.
unsafe impl Send for CodeSpace {}
// SAFETY: as above.
unsafe impl Sync for CodeSpace {}

/// Where a piece of code is: it is finished, and stays while this lives.
#[derive(Clone)]
pub(crate) struct Placed {
    address: NonNull<u8>,
    len: usize,
    _space: Arc<CodeSpace>,
}

// SAFETY: code is only read.
unsafe impl Send for Placed {}
// SAFETY: as above.
unsafe impl Sync for Placed {}

impl Placed {
    /// The host address of its first instruction.
    pub(crate) fn address(&self) -> *const u8 {
        self.address.as_ptr()
    }

    /// Bytes of code.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl CodeSpace {
    /// Reserves `capacity` bytes of addresses, rounded up to pages. Memory is taken as code comes.
    ///
    /// # Errors
    /// The host has none left.
    pub(crate) fn new(capacity: usize) -> std::io::Result<Arc<Self>> {
        let capacity = capacity.max(1).next_multiple_of(PAGE);
        // SAFETY: a mapping at an address that the host chooses touches no other.
        let start = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                capacity,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(std::io::ErrorKind::OutOfMemory)?;
        Ok(Arc::new(Self {
            start,
            capacity,
            used: Mutex::new(0),
        }))
    }

    /// Whether so many bytes still fit.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        bytes <= self.capacity - used
    }

    /// Puts pieces of position-independent code here, together.
    ///
    /// # Errors
    /// [`SpaceError`]; then none is here.
    pub(crate) fn place(self: &Arc<Self>, pieces: &[&[u8]]) -> Result<Vec<Placed>, SpaceError> {
        let page = rustix::param::page_size();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let offsets: Vec<usize> = pieces
            .iter()
            .scan(0usize, |end, piece| {
                let start = end.next_multiple_of(ALIGN);
                *end = start + piece.len();
                Some(start)
            })
            .collect();
        let bytes = match (offsets.last(), pieces.last()) {
            (Some(start), Some(piece)) => (start + piece.len()).next_multiple_of(page),
            _ => return Ok(Vec::new()),
        };
        if bytes > self.capacity - *used {
            return Err(SpaceError::Full);
        }
        // SAFETY: `used` + `bytes` is within the mapping.
        let fresh = unsafe { self.start.add(*used) };
        // Where the host refuses the second change, these pages stay as they are, and are given to nobody.
        *used += bytes;
        let protect = |flags| {
            // SAFETY: whole pages of this mapping, of which nobody knows yet.
            unsafe { mprotect(fresh.as_ptr().cast::<c_void>(), bytes, flags) }
        };
        protect(MprotectFlags::READ | MprotectFlags::WRITE).map_err(std::io::Error::from)?;
        for (&offset, piece) in offsets.iter().zip(pieces) {
            // SAFETY: within the fresh pages, which are writable and overlap no slice that anybody has.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    piece.as_ptr(),
                    fresh.add(offset).as_ptr(),
                    piece.len(),
                );
            }
        }
        // SAFETY: the pages just written.
        unsafe { icache::clear_cache(fresh.as_ptr().cast::<c_void>(), bytes) }
            .map_err(std::io::Error::other)?;
        protect(MprotectFlags::READ | MprotectFlags::EXEC).map_err(std::io::Error::from)?;
        icache::pipeline_flush_mt().map_err(std::io::Error::other)?;
        Ok(offsets
            .iter()
            .zip(pieces)
            .map(|(&offset, piece)| Placed {
                // SAFETY: within the fresh pages.
                address: unsafe { fresh.add(offset) },
                len: piece.len(),
                _space: Arc::clone(self),
            })
            .collect())
    }
}

impl Drop for CodeSpace {
    fn drop(&mut self) {
        // SAFETY: the whole mapping that `new` made; all code here holds the space, so there is none left that could run.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.capacity) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_at(placed: &Placed) -> &[u8] {
        // SAFETY: finished code is readable, and lives as long as `placed`.
        unsafe { std::slice::from_raw_parts(placed.address(), placed.len()) }
    }

    #[test]
    fn pieces_are_where_they_are_said_to_be_and_stay_there() {
        let space = CodeSpace::new(4 * PAGE).expect("the host has memory");
        let first = space.place(&[&[1, 2, 3], &[4; 100]]).expect("they fit");
        let second = space.place(&[&[5; 10]]).expect("it fits");
        assert_eq!(bytes_at(&first[0]), [1, 2, 3]);
        assert_eq!(bytes_at(&first[1]), [4; 100]);
        assert_eq!(bytes_at(&second[0]), [5; 10]);
        for placed in first.iter().chain(&second) {
            assert_eq!(placed.address() as usize % ALIGN, 0);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_does_still_fits() {
        let space = CodeSpace::new(PAGE).expect("the host has memory");
        let all = vec![7; PAGE];
        assert!(matches!(space.place(&[&all, &[1]]), Err(SpaceError::Full)));
        assert!(space.has_room(PAGE));
        assert_eq!(space.place(&[&all]).expect("it fits").len(), 1);
        assert!(!space.has_room(1));
    }

    #[test]
    fn no_page_is_writable_and_executable() {
        let space = CodeSpace::new(PAGE).expect("the host has memory");
        let placed = space.place(&[&[0xc3]]).expect("it fits");
        let address = placed[0].address() as usize;
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
        let rights = maps
            .lines()
            .filter_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (start, end) = range.split_once('-')?;
                let [start, end] = [start, end].map(|s| usize::from_str_radix(s, 16).ok());
                (start?..end?)
                    .contains(&address)
                    .then(|| rest[..3].to_owned())
            })
            .next();
        assert_eq!(rights.as_deref(), Some("r-x"));
    }
}
