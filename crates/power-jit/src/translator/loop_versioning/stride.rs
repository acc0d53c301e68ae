//! By how much the addresses of a fast loop's streams change each round, where that is always the
//! same.

use std::collections::BTreeMap;

use super::{CTR, Counter, FastLoop, SPAN};
use crate::slot::Slot;
use crate::translator::linear::Linear;

/// By how much a stream's address changes each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stride {
    By(i64),
    /// By what a register holds, which the loop does not change, and a constant.
    Register(Slot, i64),
}

impl FastLoop {
    /// The stride of each stream, where all have one that a fast loop is good for.
    pub(super) fn strides(&self) -> Option<Vec<Stride>> {
        let ended = self.ended.as_ref().filter(|_| self.sound)?;
        if let Counter::Ctr = self.counter {
            let counts = Linear {
                terms: vec![CTR],
                constant: -1,
            };
            if ended.get(&CTR.index()) != Some(&counts) {
                return None;
            }
        }
        if self.streams.is_empty() {
            return None;
        }
        let strides: Vec<Stride> = self
            .streams
            .iter()
            .map(|stream| {
                let stride = self.stride(ended, &stream.terms)?;
                let steady = stream.rounded == 1
                    || matches!(stride, Stride::By(by) if by as u64 & (stream.rounded - 1) == 0);
                let short = match stride {
                    Stride::By(by) => by.unsigned_abs() <= SPAN as u64 * 4,
                    Stride::Register(..) => true,
                };
                (steady && short).then_some(stride)
            })
            .collect::<Option<_>>()?;
        // A loop of several blocks whose accesses stand still does something else than to walk through memory.
        let walks = strides.iter().any(|&stride| stride != Stride::By(0));
        (walks || self.blocks == 1).then_some(strides)
    }

    fn stride(&self, ended: &BTreeMap<usize, Linear>, terms: &[Slot]) -> Option<Stride> {
        let mut by = 0i64;
        let mut register = None;
        for &slot in terms.iter().filter(|&&slot| self.writes.contains(slot)) {
            let Linear { terms, constant } = ended.get(&slot.index())?;
            by = by.checked_add(*constant)?;
            let mut terms = terms.clone();
            let itself = terms.iter().position(|&term| term == slot)?;
            terms.remove(itself);
            for term in terms {
                if self.writes.contains(term) || register.replace(term).is_some() {
                    return None;
                }
            }
        }
        Some(match register {
            None => Stride::By(by),
            Some(register) => Stride::Register(register, by),
        })
    }
}
