//! The floating-point arithmetic of the Power ISA 3.0B (POWER9), bit exact, as pure functions.
//!
//! A function takes the [`Fpscr`] and operand bit patterns, updates the FPSCR as the instruction does, and
//! delivers the result, or `None` where an enabled exception leaves the target unwritten. There is no CPU here:
//! which register or element an operand comes from is the caller's business.
//!
//! - [`scalar`]: the classic FPR instructions and the VSX scalar ones (double and single precision)
//! - [`quad`]: quad precision
//! - [`vector`]: the VSX vector forms
//! - [`vmx`]: the AltiVec forms, which know no FPSCR
//! - [`memory`]: the format change of single-precision loads and stores
//! - [`fpscr`]: the register and its instructions

#![forbid(unsafe_code)]

pub mod fpscr;
pub mod memory;
pub mod quad;
pub mod scalar;
mod softfloat;
pub mod vector;
pub mod vmx;

pub use fpscr::{Fpscr, Rounding};
