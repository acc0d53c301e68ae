//! Row 0: what every undefined word decodes to.

use crate::decode::pattern::Pattern;
use crate::decode::pattern::Suffix::Plain;
use crate::semantics::system;

// A mask of all ones: it matches the all-zero word, which the ISA reserves as illegal for good.
insns! {
    "illegal" Pattern { mask: 0xffff_ffff, value: 0, suffix: Plain }, "" => system::illegal;
}
