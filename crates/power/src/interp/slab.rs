//! Memory for decoded pages, many at a time: from the allocator's heap they would come page by page of the host, each by a call of it
//! that holds up the other threads' page faults.

use std::cell::Cell;
use std::rc::Rc;

use super::code::WORDS;
use crate::decode::Opcode;
use crate::insn::Insn;

/// Pages of a slab; so many as there are bits in what says which are free.
const PLACES: usize = u32::BITS as usize;

/// An instruction and its row of the table. What is counted of it is here too, and not in a table of its own: most code runs so seldom
/// that each look into a table is one into memory that no cache of the host has.
#[derive(Clone, Copy)]
pub(crate) struct Op {
    pub(crate) insn: Insn,
    pub(crate) opcode: Opcode,
    /// See [`super::code_tier::HotCounters`].
    pub(super) heat: u16,
}

/// Stands for the row of an instruction that is not decoded yet; no row has it.
const UNDECODED: Opcode = Opcode(u16::MAX);

impl Op {
    /// An instruction word alone.
    pub(super) const fn undecoded(insn: Insn) -> Self {
        Self {
            insn,
            opcode: UNDECODED,
            heat: 0,
        }
    }

    /// Whether its row is known.
    #[inline(always)]
    pub(super) fn is_decoded(self) -> bool {
        self.opcode.0 != UNDECODED.0
    }
}

/// Memory for some pages.
pub(super) struct Slab {
    ops: Box<[[Cell<Op>; WORDS]]>,
    codes: Box<[[Cell<u32>; WORDS]]>,
    /// The places that no page has, as bits.
    free: Cell<u32>,
}

impl Slab {
    fn new() -> Self {
        let op = || [const { Cell::new(Op::undecoded(Insn(0))) }; WORDS];
        let codes = || [const { Cell::new(0) }; WORDS];
        Self {
            ops: (0..PLACES).map(|_| op()).collect(),
            codes: (0..PLACES).map(|_| codes()).collect(),
            free: Cell::new(u32::MAX),
        }
    }

    /// A free place.
    fn take(&self) -> Option<usize> {
        let free = self.free.get();
        let place = free.trailing_zeros() as usize;
        self.free.set(free & free.wrapping_sub(1));
        (place < PLACES).then_some(place)
    }

    /// A place is free again.
    pub(super) fn give_back(&self, place: usize) {
        self.free.set(self.free.get() | 1 << place);
    }

    #[inline(always)]
    pub(super) fn ops(&self, place: usize) -> &[Cell<Op>; WORDS] {
        &self.ops[place]
    }

    /// Numbers that the page's words may have.
    #[inline(always)]
    pub(super) fn codes(&self, place: usize) -> &[Cell<u32>; WORDS] {
        &self.codes[place]
    }
}

/// Slabs, as many as pages have needed at once.
#[derive(Default)]
pub(super) struct Slabs(Vec<Rc<Slab>>);

impl Slabs {
    /// A place for a page. What is there is of any page before.
    pub(super) fn take(&mut self) -> (Rc<Slab>, usize) {
        let newest_first = self.0.iter().rev();
        let free = newest_first.filter_map(|slab| Some((Rc::clone(slab), slab.take()?)));
        if let Some(found) = { free }.next() {
            return found;
        }
        let slab = Rc::new(Slab::new());
        let place = slab.take().unwrap_or_default();
        self.0.push(Rc::clone(&slab));
        (slab, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_before_there_is_another_slab() {
        let mut slabs = Slabs::default();
        let taken: Vec<_> = (0..2 * PLACES).map(|_| slabs.take()).collect();
        assert_eq!(slabs.0.len(), 2);
        for (n, (slab, place)) in taken.iter().enumerate() {
            let others = &taken[..n];
            assert!(
                !others
                    .iter()
                    .any(|(s, p)| Rc::ptr_eq(s, slab) && p == place)
            );
        }
        let (slab, place) = &taken[3];
        slab.give_back(*place);
        let (again, at) = slabs.take();
        assert!(Rc::ptr_eq(&again, slab) && at == *place);
        slabs.take();
        assert_eq!(slabs.0.len(), 3);
    }
}
