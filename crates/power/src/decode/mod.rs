//! Decoding: from an instruction word to a row of the instruction table, and to text.
//!
//! The table is in [`table`], one file per family; each row gives mnemonic, pattern, operands and the semantic function.
//! Everything else that needs to know instructions (interpreter, JIT, disassembler, differential test) reads it from there.

mod disasm;
pub mod pattern;
pub mod table;
mod tree;

pub use disasm::disassemble;
pub use table::{Opcode, Row, Traced, handlers, rows};
pub use tree::decode;
