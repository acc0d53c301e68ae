//! The demonstrations: what Paprika does, shown on a real guest and checked.
//!
//! - [`boot`]: boots Linux, runs commands in it, and powers off;
//! - [`power_loss`]: stops machines dead and looks for what they had acknowledged;
//! - [`checklist`]: what was expected, and whether it was so; [`table`]: numbers side by side.

pub mod boot;
pub mod checklist;
pub mod power_loss;
pub mod table;

pub use checklist::Checklist;
pub use table::Table;
