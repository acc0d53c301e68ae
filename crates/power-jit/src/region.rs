//! A translated region, and when it may run.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::host_code::HostCode;
use crate::mode::Mode;

/// Host code for blocks of one page that reach each other.
pub(crate) struct Region {
    pub(crate) code: HostCode,
    pub(crate) facts: RegionFacts,
    named: AtomicBool,
}

/// What is known of a region beside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegionFacts {
    /// The mode that it was translated for.
    pub(crate) mode: Mode,
    /// The parts of the mode that count.
    pub(crate) depends: Mode,
    /// With a smaller budget nothing is carried out.
    pub(crate) entry_charge: u32,
}

impl Region {
    /// A region of finished code.
    pub(crate) fn new(code: HostCode, facts: RegionFacts) -> Self {
        Self {
            code,
            facts,
            named: AtomicBool::new(false),
        }
    }

    /// Whether nobody has asked this before.
    pub(crate) fn first_named(&self) -> bool {
        !self.named.load(Ordering::Relaxed) && !self.named.swap(true, Ordering::Relaxed)
    }

    /// Whether it may run in `mode`.
    pub(crate) fn suits(&self, mode: Mode) -> bool {
        self.facts.mode.agrees(mode, self.facts.depends)
    }
}
