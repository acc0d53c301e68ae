//! The engines under test.
//!
//! An [`Engine`] runs a case as [`crate::Case`] describes and says what is left of it, as the peer does.

mod ending;
mod interpreter;
mod machine;
#[allow(unsafe_code)]
mod ram;

pub use interpreter::Interpreter;

use crate::state::{Case, Outcome};

/// Something of ours that carries out instructions.
pub trait Engine {
    /// For reports.
    fn name(&self) -> &'static str;

    /// Runs a case. None where the case has an instruction that this engine leaves to another.
    ///
    /// Cases don't depend on those before them: registers, memory and reservation start as the case says.
    fn run(&mut self, case: &Case) -> Option<Outcome>;
}
