//! The packed decimal operations (Power ISA 3.0B, Book I, 6.17): addition, conversion, shifting,
//! truncation and signs.
//!
//! All of them record: the second value of an answer is the nibble for CR field 6, `LT GT EQ SO`.
//! An invalid operand (a digit above 9, or a sign below 10) answers `0b0001`, and the register,
//! which the ISA leaves undefined, is then the documented [`UNDEFINED`].

mod arithmetic;
mod convert;
mod packed;
mod shift;

pub use arithmetic::{bcdadd, bcdcpsgn, bcdsetsgn, bcdsub};
pub use convert::{bcdcfn, bcdcfsq, bcdcfz, bcdctn, bcdctsq, bcdctz};
pub use packed::UNDEFINED;
pub use shift::{bcds, bcdsr, bcdtrunc, bcdus, bcdutrunc};
