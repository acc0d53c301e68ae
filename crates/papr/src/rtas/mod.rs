//! Run-time abstraction services (PAPR, "RTAS"): what in guest memory is a stub of five
//! instructions, and here a table of the services that the parts of the platform register.
//!
//! A guest that calls with a token that is not in the table, with counts that are not the
//! service's, or with arguments that make no sense gets status -3 (parameter error).

mod block;
mod service;
mod stub;
mod table;

pub use service::{Answer, Request, Service};
pub(crate) use stub::stub;
pub(crate) use table::ServiceTable;

/// Bytes that the RTAS area takes in guest memory, and `rtas-size` says.
pub const RTAS_SIZE: u32 = 0x1000;

/// Status words that all services share.
pub mod status {
    /// Done.
    pub const SUCCESS: i32 = 0;
    /// event-scan, check-exception: nothing to report.
    pub const NO_EVENT: i32 = 1;
    /// The hardware, or what stands for it, failed.
    pub const HARDWARE: i32 = -1;
    /// A parameter is wrong.
    pub const PARAMETER: i32 = -3;
    /// The partition may not do this.
    pub const NOT_AUTHORIZED: i32 = -9002;
    /// System parameters: the buffer is wrong.
    pub const PARAMETER_BUFFER: i32 = -9999;
}
