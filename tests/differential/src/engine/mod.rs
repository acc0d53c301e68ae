//! The engines under test.
//!
//! An [`Engine`] runs a case as [`crate::Case`] describes and says what is left of it, as the peer does.

mod ending;
mod interpreter;
mod machine;
#[allow(unsafe_code)]
mod ram;
mod translated;

pub use interpreter::Interpreter;
pub use translated::Translated;

use power::msr;

use crate::state::{Case, Outcome};

/// Something of ours that carries out instructions.
pub trait Engine {
    /// For reports.
    fn name(&self) -> &'static str;

    /// How many cases there are for each that this engine is given: more than 1 for one that needs long.
    fn one_in(&self) -> usize {
        1
    }

    /// Runs a case. None where the case has an instruction that this engine leaves to another.
    ///
    /// Cases don't depend on those before them: registers, memory and reservation start as the case says.
    fn run(&mut self, case: &Case) -> Option<Outcome>;
}

/// MSR of a case: 64-bit, little-endian, problem state, everything available, floating-point exceptions precise.
const MSR: u64 = msr::SF
    | msr::LE
    | msr::PR
    | msr::EE
    | msr::IR
    | msr::DR
    | msr::ME
    | msr::FP
    | msr::VEC
    | msr::VSX
    | msr::FE0
    | msr::FE1;
