//! What is said when the two engines part.

use std::fmt;

use power::{Exit, Registers};

use crate::comparison::{self, Mismatch};
use crate::io::IoMismatch;
use crate::listing::Line;
use crate::mirror::MemoryMismatch;

/// Where the JIT and the interpreter were first seen to differ, and all that is known about it.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The number of the stretch, from 1.
    pub stretch: u64,
    /// Why each of them returned, where that differs.
    pub exits: Option<[Exit; 2]>,
    /// Registers that differ.
    pub registers: Vec<Mismatch>,
    /// Memory that differs.
    pub memory: Vec<MemoryMismatch>,
    /// The first access to a device that the two did not share.
    pub io: Option<IoMismatch>,
    /// The state in which both began the stretch.
    pub start: Registers,
    /// The JIT's state where they were found to differ.
    pub jit: Registers,
    /// The interpreter's at the same place.
    pub interpreter: Registers,
    /// The code that the interpreter ran since they were last equal, block by block.
    pub path: Vec<Line>,
    /// The code around the interpreter's next instruction.
    pub around: Vec<Line>,
}

impl std::error::Error for Difference {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the JIT and the interpreter differ, in stretch {} that began at {:#x}",
            self.stretch, self.start.nia
        )?;
        if let Some([jit, interpreter]) = self.exits {
            writeln!(
                f,
                "the JIT ended with {jit:?}, the interpreter with {interpreter:?}"
            )?;
        }
        for mismatch in &self.registers {
            writeln!(
                f,
                "  {}: JIT {:#x}, interpreter {:#x}",
                mismatch.name, mismatch.jit, mismatch.interpreter
            )?;
        }
        for line in &self.memory {
            write!(f, "  memory at {:#x}: JIT ", line.address)?;
            line.jit
                .iter()
                .try_for_each(|byte| write!(f, "{byte:02x}"))?;
            f.write_str(", interpreter ")?;
            line.interpreter
                .iter()
                .try_for_each(|byte| write!(f, "{byte:02x}"))?;
            writeln!(f)?;
        }
        if let Some(mismatch) = &self.io {
            writeln!(f, "  {mismatch}")?;
        }
        writeln!(f, "code that ran since they were last equal:")?;
        self.path
            .iter()
            .try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "code around the interpreter's next instruction:")?;
        self.around
            .iter()
            .try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "registers when the stretch began:")?;
        table(f, &comparison::named(&self.start), None)?;
        writeln!(
            f,
            "registers now, where there are two values JIT/interpreter:"
        )?;
        let interpreter = comparison::named(&self.interpreter);
        table(f, &comparison::named(&self.jit), Some(&interpreter))?;
        Ok(())
    }
}

/// Registers, four in a row; those of the other side as well where they differ.
fn table(
    f: &mut fmt::Formatter<'_>,
    registers: &[(String, u128)],
    others: Option<&[(String, u128)]>,
) -> fmt::Result {
    for (n, (name, value)) in registers.iter().enumerate() {
        let start = if n % 4 == 0 { " " } else { "" };
        write!(f, "{start} {name}={value:#x}")?;
        let other = others.and_then(|others| others.get(n));
        if let Some((_, other)) = other.filter(|(_, other)| other != value) {
            write!(f, "/{other:#x}")?;
        }
        if n % 4 == 3 || n + 1 == registers.len() {
            writeln!(f)?;
        }
    }
    Ok(())
}
