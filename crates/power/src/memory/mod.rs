//! Guest real memory: which host memory stands behind which real addresses.
//!
//! RAM is one mapping; each NVDIMM region is the shared mapping of its file, so that a guest store *is* a store to the file's
//! pages. Host memory is reached only through [`host`], the one place with unsafe code for it.

mod code;
mod dirty;
#[allow(unsafe_code)]
mod host;
#[allow(unsafe_code)]
mod quad;
mod real;

pub(crate) use code::CODE_PAGE;
pub use dirty::{DIRTY_PAGE, DirtyPages};
pub(crate) use host::Scalar;
pub use host::{HostMapping, HostSpan};
pub use real::{GRANULE, MapError, OutOfMemory, RealMemory};
