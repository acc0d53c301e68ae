//! Guest real memory: which host memory stands behind which real addresses.
//!
//! RAM is one mapping; each NVDIMM region is the shared mapping of its file, so that a guest store
//! *is* a store to the file's pages. Registers of devices are I/O regions ([`RealMemory::map_io`]).
//! Host memory is reached only through [`host`], the one place with unsafe code for it.

mod code;
mod dirty;
#[allow(unsafe_code)]
mod host;
mod io;
#[allow(unsafe_code)]
mod quad;
mod real;

pub(crate) use code::CODE_PAGE;
pub use dirty::{DIRTY_PAGE, DirtyPages};
pub(crate) use host::Scalar;
pub use host::{HostMapping, HostSpan};
pub use io::IoRegion;
pub(crate) use io::IoTarget;
pub use real::{GRANULE, MapError, OutOfMemory, RealMemory};
