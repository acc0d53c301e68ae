//! A device tree as plain data, and its flattened form (Devicetree Specification, chapter 5).
//!
//! - `node`: a node with its properties and children, built in chained style;
//! - `blob`: the writer of the flattened form.
//!
//! It knows no platform: which nodes there are is its users' to say.
#![forbid(unsafe_code)]

mod blob;
mod node;

pub use blob::{FlattenError, flatten};
pub use node::{Conflict, Node};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
