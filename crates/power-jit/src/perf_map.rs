//! Names of compiled code for Linux's `perf`, which reads them from `/tmp/perf-PID.map` when it reports
//! (tools/perf/Documentation/jit-interface.txt of Linux): a line per region, with host address and size in hexadecimal and a name.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use host_file::Access;

use crate::region::Region;

/// Permissions of a map, as far as the umask lets them be: `perf` may run as another user.
const MODE: u32 = 0o644;

/// The map of this process.
pub(crate) struct PerfMap(Mutex<File>);

/// A map that was made before it was wanted.
static MADE: Mutex<Option<PerfMap>> = Mutex::new(None);

/// Makes the map of this process now, for the compiler that will be asked to name code
/// ([`name_for_perf`](crate::JitService::name_for_perf)): for a process that can't make it any more
/// by then.
///
/// # Errors
/// Where it can't be made.
pub fn make_perf_map() -> io::Result<PathBuf> {
    let place = PerfMap::place();
    let map = PerfMap::create(&place)?;
    *MADE.lock().unwrap_or_else(PoisonError::into_inner) = Some(map);
    Ok(place)
}

impl PerfMap {
    /// Where `perf` looks for the names of this process.
    pub(crate) fn place() -> PathBuf {
        format!("/tmp/perf-{}.map", std::process::id()).into()
    }

    /// The map that was made for this process, else a new one.
    ///
    /// # Errors
    /// Where it can't be made.
    pub(crate) fn take_or_create(path: &Path) -> io::Result<Self> {
        let made = MADE.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.map_or_else(|| Self::create(path), Ok)
    }

    /// A new map. What is there already is somebody else's.
    ///
    /// # Errors
    /// Where it can't be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = host_file::regular(path, Access::WRITE.create_new(MODE))?;
        Ok(Self(Mutex::new(file)))
    }

    /// Names a region by the guest address where it is entered first. A name that can't be written is missed by nobody but `perf`.
    pub(crate) fn name(&self, region: &Region, nia: u64) {
        if region.first_named() {
            let line = format!(
                "{:x} {:x} guest_{nia:016x}\n",
                region.code.address() as usize,
                region.code.len(),
            );
            let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(line.as_bytes());
        }
    }
}
