//! A persistent-memory device (NVDIMM): what a user says of it, what it is made of, and what the
//! guest is told of it.
//!
//! - `config`: the user's words (`--nvdimm id=…,path=…`), checked one by one;
//! - `plan`: all devices of a machine checked against each other and against the host, before
//!   anything is created;
//! - `undo`: what opening has done to files, undone where it fails;
//! - `device`: a plugged device;
//! - `bound`: which of its blocks the guest has bound;
//! - `label`: its label area;
//! - `health`: its health bitmap;
//! - `tree`: its device-tree node.

pub(crate) mod bound;
pub(crate) mod config;
pub(crate) mod device;
pub(crate) mod health;
pub(crate) mod label;
pub(crate) mod plan;
pub(crate) mod tree;
mod undo;

pub use config::{
    ConfigError, DEFAULT_LABEL_SIZE, MAX_LABEL_SIZE, MIN_LABEL_SIZE, NvdimmConfig, parse_size,
};
pub use device::{DeviceSpec, Nvdimm, Region};
pub use plan::{OpenNvdimm, Plan, PlanError, Warning};
