//! The demonstrations: what Paprika does, shown on a real guest and checked.
//!
//! - [`scm`]: persistent memory with and without the flush hypercall, on Linux; [`boot`]: the Linux itself;
//! - [`power_loss`]: stops machines dead and looks for what they had acknowledged;
//! - [`steps`]: commands in a guest and what is claimed of them; [`checklist`]: what was expected, and whether it was so;
//!   [`table`]: numbers side by side.

pub mod boot;
pub mod checklist;
pub mod power_loss;
pub mod scm;
pub mod steps;
pub mod table;

pub use checklist::Checklist;
pub use steps::Step;
pub use table::Table;
