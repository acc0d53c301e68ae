//! Guest memory as host memory: RAM, and the data regions of NVDIMMs.

#[allow(unsafe_code)]
mod guard;
#[allow(unsafe_code)]
mod ram;
#[allow(unsafe_code)]
mod region;
mod touched;

pub use guard::failure;
pub use ram::{OutOfRam, Ram};
pub use region::PmemRegion;
pub use touched::{Touched, prepare};
