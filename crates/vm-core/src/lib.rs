//! What the parts of a virtual machine ask of one another: traits and small types, no behaviour.
//! Each trait states its contract: which thread calls, what holds before, what holds after.
//!
//! - [`MmioDevice`]: a device that a guest reaches by loads and stores.
#![forbid(unsafe_code)]

mod mmio;

pub use mmio::MmioDevice;
