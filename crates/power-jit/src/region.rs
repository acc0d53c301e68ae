//! A translated region, and when it may run.

use crate::block::ExitKind;
use crate::host_code::HostCode;
use crate::mode::Mode;

/// Host code for blocks of one page that reach each other.
pub(crate) struct Region {
    pub(crate) code: HostCode,
    /// What the code's results mean.
    pub(crate) exits: Box<[ExitKind]>,
    /// The mode that it was translated for.
    pub(crate) mode: Mode,
    /// The parts of the mode that count.
    pub(crate) depends: Mode,
    /// Instructions of the first block: with a smaller budget nothing is carried out.
    pub(crate) first_charge: u32,
    /// Guest instructions in it.
    pub(crate) instructions: usize,
}

impl Region {
    /// Whether it may run in `mode`.
    pub(crate) fn suits(&self, mode: Mode) -> bool {
        self.mode.agrees(mode, self.depends)
    }
}
