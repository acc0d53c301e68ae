//! Live migration: this monitor's machines as what [`paprika_migration`] moves.
//!
//! - [`MigrationSource`]: a machine whose guest is to go on in another process;
//! - [`MigrationTarget`]: a machine that a guest comes to;
//! - `message`: what the two tell each other beside RAM; `backing`: whether a file is the same,
//!   seen from both; `files`: where the files are on the side that the guest comes to;
//! - `throttle`: a guest that runs only part of the time.
//!
//! How a handover can't end with two guests is said in [`paprika_migration::handover`].

mod backing;
mod files;
mod message;
mod source;
mod target;
mod throttle;

use std::time::Duration;

pub use source::MigrationSource;
pub use target::{MigrationTarget, TargetOptions};

/// Bytes of a page, as the dirty log counts.
const PAGE: u64 = power::memory::DIRTY_PAGE;

/// How long the NVDIMMs' syncs may take.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);
