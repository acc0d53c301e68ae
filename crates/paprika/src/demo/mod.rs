//! The demonstrations: what Paprika does, shown on a real guest and checked.
//!
//! - [`boot`]: boots Linux, runs commands in it, and powers off;
//! - [`checklist`]: what was expected, and whether it was so.

pub mod boot;
pub mod checklist;

pub use checklist::Checklist;
