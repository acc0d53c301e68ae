//! What this crate and a monitor exchange at a hypercall: guest memory, who calls, and the answer.
//!
//! The crate knows no CPU: a monitor hands it the argument registers and a way to reach guest
//! memory, and gets the registers to set.

use papr_dr::GuestMemory;

/// The vCPU that makes a hypercall: what it reaches, and whether it is wanted elsewhere.
pub trait Caller: GuestMemory {
    /// Has the vCPU anything else to do: an interrupt to take, a monitor that wants it to stand
    /// still?
    ///
    /// Looked at from time to time by a hypercall that waits, which then answers that it is busy.
    /// Who can't tell says true: hypercalls then wait for half a millisecond at most.
    fn is_wanted(&self) -> bool {
        true
    }
}

/// How many output registers an answer can set: r4, r5, r6 and r7, as many as Linux's `plpar_hcall`
/// reads.
pub const MAX_OUTPUTS: usize = 4;

/// What a hypercall answers: r3, and the first `count` of r4 … r7. Registers beyond those keep
/// their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// For r3: one of [`abi::status`](crate::abi::status).
    pub status: i64,
    /// For r4 on.
    pub outputs: [u64; MAX_OUTPUTS],
    /// How many of `outputs` are to be set.
    pub count: usize,
}

impl Answer {
    /// An answer without outputs.
    pub const fn status(status: i64) -> Self {
        Answer {
            status,
            outputs: [0; MAX_OUTPUTS],
            count: 0,
        }
    }

    /// An answer with outputs for r4 on.
    pub fn with<const N: usize>(status: i64, values: [u64; N]) -> Self {
        const { assert!(N <= MAX_OUTPUTS) };
        let mut outputs = [0; MAX_OUTPUTS];
        outputs[..N].copy_from_slice(&values);
        Answer {
            status,
            outputs,
            count: N,
        }
    }

    /// The outputs that are to be set.
    pub fn outputs(&self) -> &[u64] {
        &self.outputs[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_sets_only_the_registers_it_names() {
        assert_eq!(Answer::status(-4).outputs(), &[] as &[u64]);
        assert_eq!(Answer::with(0, [7, 8]).outputs(), &[7, 8]);
    }
}
