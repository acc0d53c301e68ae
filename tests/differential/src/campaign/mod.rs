//! A run of the whole test: cases for every planned instruction, on the peer and on the engines, compared and counted.

mod runner;
mod tally;

pub use runner::Campaign;
pub use tally::Summary;
