//! What the fuzz targets share. A target is a file in `fuzz_targets`; docs/testing.md says how they
//! are run.
//!
//! - [`bytes`]: small numbers and pieces from a fuzzer's bytes;
//! - [`frames`]: the migration protocol with right checksums and wrong contents;
//! - [`guest`]: a stand-in host and a vCPU that is only registers, for the platform;
//! - [`json`]: changes to JSON documents that leave them JSON.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod frames;
pub mod guest;
pub mod json;
