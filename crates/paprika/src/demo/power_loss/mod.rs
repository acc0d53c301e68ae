//! Proof of durability: machines that are stopped dead, and what they had acknowledged.
//!
//! - [`device`]: a device whose power can be cut; [`cut`]: when that is;
//! - [`writer`]: guests that write records, of which [`payload`] and [`linux`] are two;
//! - [`harness`]: lives and campaigns;
//! - [`story`]: `paprika demo power-loss`.

pub mod cut;
pub mod device;
pub mod harness;
pub mod linux;
pub mod payload;
pub mod report;
pub mod writer;

pub use cut::{Cut, Moment};
pub use device::Device;
pub use harness::{Campaign, HarnessError, Tally};
pub use linux::{FileSystem, LinuxWriter};
pub use payload::PayloadWriter;
pub use writer::{Records, Writer};
