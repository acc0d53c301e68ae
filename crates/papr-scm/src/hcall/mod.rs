//! The SCM hypercalls, a file per family. Each is a function of the machine's SCM and the argument
//! registers.
//!
//! The order in which arguments are validated is part of the interface: it decides which answer a
//! guest sees, and is that of QEMU where QEMU has the call.

mod bind;
mod flush;
mod health;
mod metadata;
mod stats;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use flush::status_of;

use crate::abi::{opcode, status};
use crate::guest::{Answer, Caller};
use crate::scm::Scm;
use papr_dr::DrcIndex;

/// The argument registers r4 … r12.
#[derive(Clone, Copy)]
struct Args<'a>(&'a [u64; 9]);

impl Args<'_> {
    /// The n-th argument, counted from 0.
    fn get(self, n: usize) -> u64 {
        self.0[n]
    }

    /// The n-th argument as a connector's index: registers are cut to 32 bits.
    fn drc(self, n: usize) -> DrcIndex {
        DrcIndex::from_register(self.0[n])
    }
}

/// An answer that ends validation early.
type Validated<T> = Result<T, Answer>;

/// Refuses with a status.
fn refuse<T>(status: i64) -> Validated<T> {
    Err(Answer::status(status))
}

/// Finds and runs a hypercall. `None` where the opcode is none of ours, or this machine does not
/// have the call.
pub(crate) fn dispatch(
    scm: &Scm,
    number: u64,
    args: &[u64; 9],
    caller: &dyn Caller,
) -> Option<Answer> {
    let args = Args(args);
    let answer = match number {
        opcode::H_SCM_READ_METADATA => metadata::read(scm, args),
        opcode::H_SCM_WRITE_METADATA => metadata::write(scm, args),
        opcode::H_SCM_BIND_MEM => bind::bind(scm, args),
        opcode::H_SCM_UNBIND_MEM => bind::unbind(scm, args),
        opcode::H_SCM_UNBIND_ALL => bind::unbind_all(scm, args),
        opcode::H_SCM_QUERY_BLOCK_MEM_BINDING => bind::query_block(scm, args),
        opcode::H_SCM_QUERY_LOGICAL_MEM_BINDING => bind::query_address(scm, args),
        opcode::H_SCM_HEALTH => health::health(scm, args),
        opcode::H_SCM_PERFORMANCE_STATS => stats::stats(scm, args, caller),
        opcode::H_SCM_FLUSH if scm.has_flush() => flush::flush(scm, args, caller),
        _ => return None,
    };
    Some(answer.unwrap_or_else(|refusal| refusal))
}

/// What the first argument of most calls must name: a persistent-memory connector with a device.
fn device(scm: &Scm, drc: DrcIndex) -> Validated<crate::sync::Arc<crate::nvdimm::Nvdimm>> {
    scm.device(drc).ok_or(Answer::status(status::H_PARAMETER))
}
