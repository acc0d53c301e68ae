//! The VMX (AltiVec) and VSX operations of Power ISA 3.0B that are not floating-point
//! arithmetic, as pure functions over 128-bit register values.
//!
//! Nothing here knows a CPU: no register file, no `VSCR`, no condition register, no memory. A
//! function is named by its mnemonic and takes its operands in assembly order, so that an
//! instruction table can bind the two one to one:
//!
//! - an instruction that also *reads* its target register takes the old target first
//!   (`vinsertb(t, b, uim)`, `vrlwmi(t, a, b)`, `xxperm(t, a, b)`);
//! - a saturating instruction answers `(Vector, bool)`: the flag is what it ORs into `VSCR[SAT]`;
//! - a decimal instruction answers `(Vector, u8)`: the second value is the nibble for CR field 6;
//! - a compare answers its mask, and [`cr6_of_mask`] makes the nibble of its recording form.
//!
//! Where the ISA leaves a result undefined (an element that would reach past the register, an
//! invalid decimal digit) the functions still answer some fixed value; each says which.
#![forbid(unsafe_code)]

mod lanes;
mod swar;

pub mod add;
pub mod compare;
pub mod count;
pub mod crypto;
pub mod decimal;
pub mod element;
pub mod fixed;
pub mod logic;
pub mod multiply;
pub mod pack;
pub mod permute;
pub mod shift;
pub mod vsx;

pub use add::*;
pub use compare::*;
pub use count::*;
pub use crypto::*;
pub use decimal::*;
pub use element::*;
pub use fixed::*;
pub use logic::*;
pub use multiply::*;
pub use pack::*;
pub use permute::*;
pub use shift::*;
pub use vsx::*;

/// The value of a vector register as one number.
///
/// Element 0 in the ISA's numbering is the most significant byte, halfword, word or doubleword,
/// whatever the endianness of the program: that only shows in loads and stores.
pub type Vector = u128;
