//! The instruction table. A row says everything about an instruction that is not its meaning: mnemonic, fixed bits, operand
//! syntax; and names the semantic function. The operand names are those of [`crate::decode::disassemble`].

use std::sync::LazyLock;

use super::pattern::Pattern;
use crate::engine::{Engine, Handler};

/// A row of the instruction table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Base mnemonic, without the suffixes that optional bits add.
    pub mnemonic: &'static str,
    /// Fixed bits.
    pub pattern: Pattern,
    /// Operands in assembler order, separated by commas: "rt,ra,rb", "rt,d(ra)".
    pub operands: &'static str,
    /// What it is to the trace facility.
    pub traced: Traced,
    /// Whether it acts on the processor as a whole, but seldom changes what compiled code depends
    /// on (mode, address space, translations): such code calls it and goes on.
    pub called_in_line: bool,
}

/// What an instruction that has completed is to the trace facility (Book III, 6.5.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traced {
    /// Traced by MSR\[SE\] alone.
    Plain,
    /// Traced by MSR\[BE\] too, taken or not.
    Branch,
    /// SRR1 says that it has loaded.
    Load,
    /// SRR1 says that it has stored.
    Store,
    /// Never traced: it returns from an interrupt, or saves power.
    Never,
}

/// Index of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Opcode(pub u16);

impl Opcode {
    /// The row that every undefined word decodes to.
    pub const ILLEGAL: Self = Self(0);

    /// The row.
    pub fn row(self) -> &'static Row {
        &rows()[self.0 as usize]
    }
}

/// The column of a row that may be left out.
macro_rules! traced {
    () => {
        $crate::decode::Traced::Plain
    };
    ($traced:ident) => {
        $crate::decode::Traced::$traced
    };
}
use traced;

/// The flag of a row, in brackets behind the columns.
macro_rules! called_in_line {
    () => {
        false
    };
    (called_in_line) => {
        true
    };
}
use called_in_line;

/// Rows of a family beside the semantic functions that they name.
macro_rules! insns {
    ($($mnemonic:literal $pattern:expr, $operands:literal => $semantics:path $(, $traced:ident)? $([$flag:ident])?;)*) => {
        pub(super) const ROWS: &[super::Row] = &[
            $(super::Row {
                mnemonic: $mnemonic,
                pattern: $pattern,
                operands: $operands,
                traced: super::traced!($($traced)?),
                called_in_line: super::called_in_line!($($flag)?),
            },)*
        ];
        pub(super) fn handlers<E: crate::engine::Engine>() -> Vec<crate::engine::Handler<E>> {
            vec![$($semantics,)*]
        }
    };
}

macro_rules! families {
    ($($family:ident),*) => {
        $(mod $family;)*

        static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| [$($family::ROWS),*].concat());

        /// The semantic functions of all rows, in their order, for one engine.
        pub fn handlers<E: Engine>() -> Vec<Handler<E>> {
            let mut all = Vec::with_capacity(ROWS.len());
            $(all.extend($family::handlers::<E>());)*
            all
        }
    };
}

families!(
    illegal,
    integer,
    logical,
    branch,
    storage,
    atomic,
    system,
    float,
    decimal,
    vmx,
    vmx_permute,
    vsx_storage,
    vsx,
    vsx_float
);

/// All rows; a row's index is its [`Opcode`].
pub fn rows() -> &'static [Row] {
    &ROWS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiled_code_calls_and_goes_on_after_is_marked() {
        let marked = rows().iter().filter(|row| row.called_in_line);
        let mut marked: Vec<_> = marked.map(|row| row.mnemonic).collect();
        marked.sort_unstable();
        let expected = [
            "darn", "isync", "ldat", "lqarx", "lwat", "mfmsr", "mfspr", "mftb", "mtspr", "or",
            "stdat", "stqcx.", "stwat", "sync", "tlbiel",
        ];
        assert_eq!(marked, expected);
    }
}
