//! Guest RAM as host memory.

#[allow(unsafe_code)]
mod ram;

pub use ram::Ram;
