//! What happens when the host can't give a byte of an NVDIMM's file: the file shrank, or its storage failed (SIGBUS).
//!
//! The access can't be undone and must not be believed. The handler puts a page of zeros under it, so that the vCPU's thread
//! reaches its next instruction boundary, and says so through [`failure`]; the monitor looks there before it does any hypercall, so
//! that nothing is acknowledged after it, and ends the guest with words.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Host address of the first access that failed; 0: none.
static FAILED: AtomicUsize = AtomicUsize::new(0);
/// Regions watched: start and end of each; 0 is a free entry.
static REGIONS: [(AtomicUsize, AtomicUsize); REGIONS_MAX] =
    [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; REGIONS_MAX];
/// As many as there can be NVDIMMs, and as many again for other machines of the same process.
const REGIONS_MAX: usize = 512;
const PAGE: usize = 4096;

/// Watches a stretch of mapped memory while it lives.
#[derive(Debug)]
pub struct Guard(Option<usize>);

impl Guard {
    /// Watches `len` bytes at `start`.
    ///
    /// # Errors
    /// Where the signal handler can't be installed.
    pub fn new(start: usize, len: usize) -> io::Result<Self> {
        install()?;
        for (index, (from, to)) in REGIONS.iter().enumerate() {
            if from
                .compare_exchange(0, start, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok()
            {
                to.store(start.saturating_add(len), Ordering::SeqCst);
                return Ok(Self(Some(index)));
            }
        }
        // Unwatched: a failure there ends the process as it would without this module.
        Ok(Self(None))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(index) = self.0 {
            REGIONS[index].1.store(0, Ordering::SeqCst);
            REGIONS[index].0.store(0, Ordering::SeqCst);
        }
    }
}

/// The host address of an access to a watched region that failed since the program started. Nothing makes it forget.
pub fn failure() -> Option<usize> {
    match FAILED.load(Ordering::SeqCst) {
        0 => None,
        address => Some(address),
    }
}

fn install() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        // SAFETY: an all-zero sigaction is a valid value to fill in.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_sigbus
            as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void)
            as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the handler is async-signal-safe (atomics, mmap, sigaction) and lives as long as the program.
        if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) } != 0 {
            result = Err(io::Error::last_os_error());
        }
    });
    result
}

extern "C" fn on_sigbus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo to an SA_SIGINFO handler.
    let address = unsafe { (*info).si_addr() } as usize;
    let watched = REGIONS.iter().any(|(from, to)| {
        let from = from.load(Ordering::SeqCst);
        from != 0 && (from..to.load(Ordering::SeqCst)).contains(&address)
    });
    if watched {
        let page = address & !(PAGE - 1);
        // SAFETY: the page lies in a region that is mapped for a guest; nothing but guest accesses reach it.
        let mapped = unsafe {
            libc::mmap(
                page as *mut libc::c_void,
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if mapped != libc::MAP_FAILED {
            let _ = FAILED.compare_exchange(0, address, Ordering::SeqCst, Ordering::Relaxed);
            return;
        }
    }
    // None of ours: the default action, at the same access again.
    // SAFETY: resetting a signal to its default is always allowed.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use power::memory::HostMapping;

    use super::*;
    use crate::memory::PmemRegion;

    #[test]
    fn a_file_that_shrinks_is_told_and_does_not_end_the_process() {
        let path = std::env::temp_dir().join(format!("paprika-guard-{}", std::process::id()));
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .expect("a temporary file");
        std::fs::remove_file(&path).expect("it was just made");
        file.set_len(1 << 20).expect("room for a megabyte");
        let host =
            papr_scm::backing::HostRegion::map(&file, 1 << 20, true).expect("it can be mapped");
        let host = Arc::new(host);
        let region = PmemRegion::new(Arc::clone(&host)).expect("the handler can be installed");
        assert_eq!(region.len(), 1 << 20);
        file.set_len(0).expect("files shrink");
        let mut bytes = [1; 8];
        host.read(0x8000, &mut bytes).expect("inside the region");
        assert_eq!(bytes, [0; 8]);
        assert_eq!(
            failure().map(|a| a & !(PAGE - 1)),
            Some(host.as_ptr() as usize + 0x8000)
        );
    }
}
