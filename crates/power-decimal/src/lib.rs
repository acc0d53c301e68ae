//! Decimal floating point of the Power ISA 3.0B (Book I, chapter 5), bit exact, as pure functions.
//!
//! A function takes the [`Fpscr`] and operand bit patterns, updates the FPSCR as the instruction
//! does, and delivers the result, or `None` where an enabled exception leaves the target unwritten.
//! Operands are a [`Format`]'s bits: `u64` for DFP long, `u128` for DFP extended (the even register
//! of the pair is the more significant half), so that `dadd` and `daddq` are [`dadd`] at two types.
//! DFP short is a storage format: [`dctdp`] and [`drsp`] alone know it.
//!
//! - `declet`: three digits in ten bits, densely packed
//! - `format`: the layout of the three formats; `number`: what a bit pattern stands for
//! - `wide`: coefficients of up to 77 digits; `round`: rounding, overflow, underflow and the choice
//!   of the exponent
//! - `arithmetic`, `quantum`, `compare`, `test`, `convert`, `fields`: the instructions

#![forbid(unsafe_code)]

mod arithmetic;
mod compare;
mod convert;
mod declet;
#[cfg(test)]
mod dectest;
mod fields;
mod format;
mod number;
mod outcome;
mod quantum;
mod round;
mod test;
mod wide;

pub use arithmetic::*;
pub use compare::*;
pub use convert::*;
pub use fields::*;
pub use format::Format;
pub use power_float::Fpscr;
pub use quantum::*;
pub use test::*;
