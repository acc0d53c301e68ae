//! Which instructions are tested: every row of the CPU's instruction table, or a reason why not.
//!
//! [`rows`] makes templates of the table; [`exclusions`] is the one list of the rows that are left out.

pub mod exclusions;
mod rows;

pub use rows::{Plan, Planned, is_privileged};
