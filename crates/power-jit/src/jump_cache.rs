//! Where compiled code goes on: a table that code looks into itself, so that regions jump to each other, through branches to
//! known addresses and to those in registers alike, without leaving for the dispatcher.
//!
//! An entry is good while what its region was found by is as it was. That is boiled down to one
//! number, a *context id*: two of them are current, one for addresses of the kernel's quadrant and
//! one for the others, so that the kernel's entries outlive a switch of process. Numbers are never
//! used again for something else.

use std::sync::Arc;

use power::Cpu;
use power::code_tier::CodeContextId;

use crate::mode::Mode;
use crate::region::Region;

/// log2 of the number of entries. A kernel and a process at work are some thousand regions, in two or three modes; an entry that another
/// region has taken costs a way through the dispatcher each time.
pub(crate) const BITS: u32 = 16;
/// Entries of the table.
const ENTRIES: usize = 1 << BITS;
/// Address bits that are folded into the index are this far above it.
pub(crate) const FOLD: u32 = 16;

/// An entry. Generated code reads it, hence the layout.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct JumpEntry {
    nia: u64,
    /// 0: none.
    context_id: u64,
    /// The host address of the region.
    code: u64,
}

impl JumpEntry {
    const NONE: Self = Self {
        nia: 0,
        context_id: 0,
        code: 0,
    };
    /// Bytes of an entry.
    pub(crate) const BYTES: usize = size_of::<Self>();
    /// Offset of the guest address.
    pub(crate) const NIA: i32 = std::mem::offset_of!(Self, nia) as i32;
    /// Offset of the context id.
    pub(crate) const CONTEXT_ID: i32 = std::mem::offset_of!(Self, context_id) as i32;
    /// Offset of the code's address.
    pub(crate) const CODE: i32 = std::mem::offset_of!(Self, code) as i32;
}

/// The table of one vCPU, and the regions in it.
pub(crate) struct JumpCache {
    entries: Box<[JumpEntry]>,
    /// What entries lead to; it keeps the code alive.
    regions: Box<[Option<Arc<Region>>]>,
}

impl JumpCache {
    pub(crate) fn new() -> Self {
        Self {
            entries: vec![JumpEntry::NONE; ENTRIES].into_boxed_slice(),
            regions: vec![None; ENTRIES].into_boxed_slice(),
        }
    }

    /// The table, for generated code.
    pub(crate) fn table(&self) -> *const JumpEntry {
        self.entries.as_ptr()
    }

    /// Remembers the region at an address, which suits the current mode.
    pub(crate) fn insert(&mut self, nia: u64, now: LookupContext, region: &Arc<Region>) {
        // In quadrant 2 the top bit does not tell the space.
        if nia >> 62 == 2 {
            return;
        }
        let context_id = now.context_id(nia);
        let index = index(nia, context_id);
        self.entries[index] = JumpEntry {
            nia,
            context_id,
            code: region.code.address() as u64,
        };
        self.regions[index] = Some(Arc::clone(region));
    }

    /// The region at an address.
    pub(crate) fn find(&self, nia: u64, now: LookupContext) -> Option<&Arc<Region>> {
        let context_id = now.context_id(nia);
        let index = index(nia, context_id);
        let entry = self.entries[index];
        let found = (entry.nia, entry.context_id) == (nia, context_id);
        self.regions[index].as_ref().filter(|_| found)
    }

    /// Forgets all regions.
    pub(crate) fn clear(&mut self) {
        self.entries.fill(JumpEntry::NONE);
        self.regions.fill(None);
    }
}

/// Which entry an address has under a context id; generated code computes the same. Processes have
/// the same addresses, and the kernel runs in several modes: the context id keeps them apart.
fn index(nia: u64, context_id: u64) -> usize {
    ((nia ^ nia >> FOLD ^ context_id) >> 2) as usize % ENTRIES
}

/// What code is found by now, and the context ids that stand for it.
#[derive(Clone, Copy)]
pub(crate) struct LookupContext {
    /// By the top bit of an address.
    pub(crate) context_ids: [u64; 2],
    code: [CodeContextId; 2],
    pub(crate) mode: Mode,
}

impl LookupContext {
    /// The context id of an address.
    pub(crate) fn context_id(&self, nia: u64) -> u64 {
        self.context_ids[(nia >> 63) as usize]
    }

    /// Whether it is still so.
    pub(crate) fn holds(&self, cpu: &Cpu) -> bool {
        (self.code, self.mode) == (cpu.code_context_ids(), Mode::of(cpu))
    }
}

/// Numbers for what code is found by.
pub(crate) struct ContextIds {
    known: Box<[[(CodeContextId, Mode, u64); WAYS]]>,
    newest: u64,
}

/// Groups of context ids that are remembered. What falls out gets a new number when it comes again,
/// and all jumps are to be learnt anew, so those that take turns must not drive each other out.
const GROUPS: usize = 256;
/// Context ids of a group.
const WAYS: usize = 4;

impl Default for ContextIds {
    fn default() -> Self {
        let none = (CodeContextId::default(), Mode::from_msr(0), 0);
        Self {
            known: vec![[none; WAYS]; GROUPS].into_boxed_slice(),
            newest: 0,
        }
    }
}

impl ContextIds {
    /// What is current.
    pub(crate) fn now(&mut self, cpu: &Cpu) -> LookupContext {
        let (code, mode) = (cpu.code_context_ids(), Mode::of(cpu));
        LookupContext {
            context_ids: code.map(|context_id| self.of(context_id, mode)),
            code,
            mode,
        }
    }

    fn of(&mut self, context_id: CodeContextId, mode: Mode) -> u64 {
        let group = &mut self.known[(context_id.digest() ^ mode.digest()) as usize % GROUPS];
        let known = group
            .iter()
            .position(|known| known.2 != 0 && (known.0, known.1) == (context_id, mode));
        // The last used comes first.
        group[..=known.unwrap_or(WAYS - 1)].rotate_right(1);
        if known.is_none() {
            self.newest += 1;
            // An odd factor: no two products are alike, and their bits are spread.
            let number = self.newest.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            group[0] = (context_id, mode, number);
        }
        group[0].2
    }
}

#[cfg(test)]
mod tests {
    use power::msr;

    use super::*;

    #[test]
    fn what_differs_in_anything_has_another_stamp_and_keeps_its_own() {
        let mut context_ids = ContextIds::default();
        let [a, b] = [msr::SF, msr::SF | msr::LE].map(Mode::from_msr);
        let first = context_ids.of(CodeContextId::default(), a);
        let second = context_ids.of(CodeContextId::default(), b);
        assert_ne!(first, second);
        assert_ne!(first, 0);
        assert_eq!(context_ids.of(CodeContextId::default(), a), first);
        assert_eq!(context_ids.of(CodeContextId::default(), b), second);
    }

    #[test]
    fn stamps_that_share_a_group_and_take_turns_keep_their_numbers() {
        const BITS: [u64; 6] = [msr::SF, msr::VEC, msr::VSX, msr::PR, msr::FP, msr::LE];
        let modes = (0..1u32 << BITS.len()).map(|set| {
            let chosen = BITS.iter().enumerate().filter(|(n, _)| set >> n & 1 != 0);
            Mode::from_msr(chosen.map(|(_, bit)| bit).sum())
        });
        let mut groups = vec![Vec::new(); GROUPS];
        for mode in modes {
            groups[mode.digest() as usize % GROUPS].push(mode);
        }
        let shared = groups.iter().max_by_key(|modes| modes.len());
        let shared = shared.expect("there are groups");
        assert!(shared.len() > 1, "with so many modes some share a group");
        let mut context_ids = ContextIds::default();
        let mut numbers = || -> Vec<u64> {
            let taken = shared.iter().take(WAYS);
            taken
                .map(|mode| context_ids.of(CodeContextId::default(), *mode))
                .collect()
        };
        assert_eq!(numbers(), numbers());
    }
}
