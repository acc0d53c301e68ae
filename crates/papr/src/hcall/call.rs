//! A hypercall in progress: its arguments, its outputs, and the answer.

use crate::action::Action;
use crate::host::GuestMemory;
use crate::vcpu::{Vcpu, VcpuId};

use super::abi::H_SUCCESS;

/// A hypercall that a vCPU makes. Arguments are r4 to r12, outputs r4 on.
pub struct Call<'a> {
    /// The calling vCPU.
    pub cpu: &'a mut dyn Vcpu,
    /// Guest memory.
    pub memory: &'a dyn GuestMemory,
}

impl Call<'_> {
    /// First argument register, which is also the first output register.
    const FIRST: usize = 4;
    /// Number of argument registers.
    pub const ARGUMENTS: usize = 9;

    /// Argument `n`, from 0 (r4) to 8 (r12).
    pub fn arg(&self, n: usize) -> u64 {
        debug_assert!(n < Self::ARGUMENTS);
        self.cpu.gpr(Self::FIRST + n)
    }

    /// Sets output `n`, from 0 (r4).
    pub fn output(&mut self, n: usize, value: u64) {
        debug_assert!(n < Self::ARGUMENTS);
        self.cpu.set_gpr(Self::FIRST + n, value);
    }

    /// The calling vCPU's number.
    pub fn caller(&self) -> VcpuId {
        self.cpu.id()
    }
}

/// How a hypercall ends: r3, and what becomes of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    /// For r3.
    pub status: i64,
    /// For the monitor.
    pub action: Action,
}

impl Reply {
    /// H_SUCCESS, and the caller goes on.
    pub const SUCCESS: Reply = Reply::status(H_SUCCESS);

    /// The caller goes on with `status` in r3.
    pub const fn status(status: i64) -> Reply {
        Reply {
            status,
            action: Action::Resume,
        }
    }

    /// H_SUCCESS, once the monitor has done what `action` says.
    pub const fn then(action: Action) -> Reply {
        Reply {
            status: H_SUCCESS,
            action,
        }
    }
}
