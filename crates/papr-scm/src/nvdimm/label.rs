//! The label area of a device, and when what is written to it is durable.
//!
//! The hypercall that writes labels has no busy answer, and Linux writes in steps of eight bytes:
//! making each step durable before it is answered would hold the vCPU for thousands of syncs. But
//! the label format relies on order: a label is written before the index that names it. So:
//!
//! - steps that follow one another without a gap are a *run*, as a label or an index is;
//! - the first step of a new run waits until the run before is durable (for a limited time: a vCPU
//!   is waiting);
//! - a sync is asked for after each step, in the background, so that the last run becomes durable
//!   too, without any flush;
//! - the next flush that succeeds makes durable whatever is not yet.

use std::io;
use std::time::Duration;

use super::device::Nvdimm;
use crate::flush::counters::count;
use crate::sync::lock;

/// How long a vCPU waits for the run before. Storage that takes longer loses the order of labels,
/// and the log says so.
const ORDER_LIMIT: Duration = Duration::from_secs(2);

/// The steps that were written last.
#[derive(Debug, Default)]
pub(crate) struct LabelRun {
    /// Where the next step of the same run would begin.
    end: u64,
    /// Something of the run may not be durable yet.
    pending: bool,
    /// The log has a word about labels already. One is enough: a guest decides how often there
    /// would be more.
    logged: bool,
}

impl Nvdimm {
    /// Is a range within the label area?
    pub(crate) fn in_label_area(&self, offset: u64, length: usize) -> bool {
        offset
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.label_size())
    }

    /// Reads labels; `None` where the range is not within the label area.
    pub(crate) fn read_label(&self, offset: u64, buf: &mut [u8]) -> Option<io::Result<()>> {
        self.in_label_area(offset, buf.len())
            .then(|| self.engine().backing().read_label(offset, buf))
    }

    /// Writes labels; `None` where the range is not within the label area.
    pub(crate) fn write_label(&self, offset: u64, data: &[u8]) -> Option<io::Result<()>> {
        self.in_label_area(offset, data.len())
            .then(|| self.write_step(offset, data))
    }

    fn write_step(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let engine = self.engine();
        let new_run = {
            let run = lock(&self.label_run);
            run.pending && run.end != offset
        };
        // No lock is held here: others read and write labels meanwhile, in no order to this step.
        if new_run && let Err(failure) = engine.flush_and_wait(ORDER_LIMIT) {
            if self.failure().is_some() {
                return Err(io::Error::other(failure));
            }
            self.log_once("labels are written out of order: the host's storage is too slow");
        }
        engine.backing().write_label(offset, data)?;
        {
            let mut run = lock(&self.label_run);
            run.end = offset + data.len() as u64;
            run.pending = true;
        }
        count(&engine.counting().label_writes, 1);
        engine.flush_in_background();
        Ok(())
    }

    /// The first trouble with the label area goes to the log.
    pub(crate) fn log_once(&self, trouble: &str) {
        if !std::mem::replace(&mut lock(&self.label_run).logged, true) {
            tracing::error!(device = self.id(), "{trouble}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use crate::abi::opcode::H_SCM_WRITE_METADATA as WRITE;
    use crate::abi::status::{H_HARDWARE, H_SUCCESS};
    use crate::backing::Fault;
    use crate::hcall::testing::{DRC, Machine};

    #[test]
    fn a_new_run_of_steps_begins_after_the_run_before_is_durable() {
        let machine = Machine::new();
        machine.backing().hold();
        for step in 0..4 {
            let answer = machine.call(WRITE, &[DRC, 512 + step * 8, u64::MAX, 8]);
            assert_eq!(answer.status, H_SUCCESS, "a step of a run does not wait");
        }
        thread::scope(|scope| {
            let index = scope.spawn(|| machine.call(WRITE, &[DRC, 0, 1, 8]).status);
            machine.backing().release();
            assert_eq!(index.join().expect("no panic"), H_SUCCESS);
        });
        for step in 0..4 {
            assert_eq!(machine.durable_label(512 + step * 8), 0xFF);
        }
    }

    #[test]
    fn a_run_that_could_not_be_made_durable_is_followed_by_none() {
        let machine = Machine::new();
        machine.backing().inject(Fault::Error(5));
        assert_eq!(machine.call(WRITE, &[DRC, 512, 1, 8]).status, H_SUCCESS);
        assert_eq!(machine.call(WRITE, &[DRC, 0, 1, 8]).status, H_HARDWARE);
    }
}
