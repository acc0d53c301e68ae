//! Persistent memory as a part of the platform: [`papr_scm::Scm`] does all of it, this file passes
//! registers, memory and state. Nothing else of this crate knows that library.

use std::sync::Arc;

use device_tree::Node;
use papr_dr::Connectors;
use papr_scm::abi::opcode;
use papr_scm::{GuestMemoryError, Scm, ScmState};
use serde_json::Value;

use crate::config::{ConfigError, PlatformConfig};
use crate::hcall::{Call, Hypercall, Reply, abi};
use crate::host::GuestMemory;
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::state::{ImportError, PlatformState};
use crate::vcpu::Vcpu;

/// The persistent memory of a machine, as a part of its platform.
pub struct PersistentMemory(Arc<Scm>);

impl PersistentMemory {
    /// Its name among the parts of a platform.
    pub const NAME: &'static str = "persistent-memory";

    const STATE_VERSION: u32 = 1;

    /// The part of `scm`. What is plugged cold must be plugged before the platform's device tree is
    /// asked for.
    pub fn part(scm: &Arc<Scm>) -> Arc<dyn Part> {
        Arc::new(PersistentMemory(Arc::clone(scm)))
    }

    /// The persistent memory in a saved platform; `None` for a machine without.
    ///
    /// # Errors
    /// [`ImportError`] where it is damaged, or of a version that this program does not read.
    pub fn state(platform: &PlatformState) -> Result<Option<ScmState>, ImportError> {
        platform.read(Self::NAME, Self::STATE_VERSION)
    }

    /// Puts another state in the place of the one that a saved platform carries.
    pub fn replace_state(platform: &mut PlatformState, state: &ScmState) {
        platform.replace(Self::NAME, Self::STATE_VERSION, state);
    }
}

/// A vCPU and guest memory as the library wants them.
struct Caller<'a> {
    memory: &'a dyn GuestMemory,
    cpu: &'a dyn Vcpu,
}

impl GuestMemory for Caller<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        self.memory.read(address, buffer)
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        self.memory.write(address, bytes)
    }
}

impl papr_scm::Caller for Caller<'_> {
    fn is_wanted(&self) -> bool {
        self.cpu.is_wanted()
    }
}

impl Part for PersistentMemory {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn check_config(&self, config: &PlatformConfig) -> Result<(), ConfigError> {
        let (machine, flush) = (config.machine, self.0.has_flush());
        if flush == machine.has_scm_flush() {
            Ok(())
        } else {
            Err(ConfigError::FlushMismatch { machine, flush })
        }
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        let opcodes = opcode::ALL.iter();
        let have = |opcode: &&u64| **opcode != opcode::H_SCM_FLUSH || self.0.has_flush();
        opcodes
            .filter(have)
            .map(|opcode| Hypercall::new(*opcode, &self, hypercall))
            .collect()
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-scm"]
    }

    fn connectors(&self) -> Option<&dyn Connectors> {
        Some(&*self.0)
    }

    fn device_tree(&self) -> Vec<Node> {
        vec![self.0.device_tree()]
    }

    fn reset(&self) {
        if let Err(undrained) = self.0.reset() {
            tracing::error!(%undrained, "persistent memory was reset with flushes outstanding");
        }
    }

    fn state_version(&self) -> Option<u32> {
        Some(Self::STATE_VERSION)
    }

    /// Connectors, binds and outstanding calls; the bytes are in the devices' files. Flushes that
    /// run go on here; the machine that the state is imported to runs them again before it answers
    /// them.
    fn export(&self) -> Value {
        to_value(&self.0.export())
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let prepared = self.0.prepare_import(from_value(state)?);
        let prepared = prepared.map_err(|error| PartStateError::Refused(error.to_string()))?;
        Ok(Box::new(move || prepared.commit()))
    }
}

/// Does any hypercall of persistent memory: the library finds out which.
fn hypercall(part: &PersistentMemory, call: &mut Call<'_>) -> Reply {
    let opcode = call.cpu.gpr(3);
    let args: [u64; Call::ARGUMENTS] = std::array::from_fn(|n| call.arg(n));
    let caller = Caller {
        memory: call.memory,
        cpu: call.cpu,
    };
    let Some(answer) = part.0.hypercall(opcode, &args, &caller) else {
        return Reply::status(abi::H_FUNCTION);
    };
    for (n, value) in answer.outputs().iter().enumerate() {
        call.output(n, *value);
    }
    Reply::status(answer.status)
}

#[cfg(test)]
mod tests {
    use papr_scm::Plug;
    use papr_scm::abi::opcode::{H_SCM_BIND_MEM, H_SCM_FLUSH, H_SCM_PERFORMANCE_STATS};
    use papr_scm::abi::status::retry_after;

    use crate::hcall::abi::{H_FUNCTION, H_PARAMETER, H_SUCCESS};
    use crate::host::Host;
    use crate::testing::{Machine, NVDIMM_ADDRESS, with_nvdimm};

    const DRC: u64 = 0x9000_0000;

    #[test]
    fn a_device_is_bound_and_flushed_through_the_registers() {
        let m = with_nvdimm(Plug::Cold);
        let (status, out) = m.hcall_outputs(0, H_SCM_BIND_MEM, &[DRC, 0, 1, u64::MAX, 0]);
        assert_eq!((status, out[1], out[2]), (H_SUCCESS, NVDIMM_ADDRESS, 1));
        let mut token = 0;
        loop {
            let (status, out) = m.hcall_outputs(0, H_SCM_FLUSH, &[DRC, token]);
            let Some(pause) = retry_after(status) else {
                assert_eq!(status, H_SUCCESS);
                break;
            };
            std::thread::sleep(pause);
            token = out[0];
        }
    }

    #[test]
    fn statistics_reach_guest_memory() {
        let m = with_nvdimm(Plug::Cold);
        let (status, out) = m.hcall_outputs(0, H_SCM_PERFORMANCE_STATS, &[DRC, 0, 0]);
        assert_eq!(status, H_SUCCESS);
        let mut buffer = b"SCMSTATS".to_vec();
        buffer.extend([0, 0, 0, 1, 0, 0, 0, 0]);
        m.host.memory().write(0x4000, &buffer).expect("in memory");
        assert_eq!(
            m.hcall(0, H_SCM_PERFORMANCE_STATS, &[DRC, 0x4000, out[0]])
                .0,
            H_SUCCESS
        );
        assert_ne!(m.read_words(0x4010, 1), [0], "the first statistic's name");
    }

    #[test]
    fn without_devices_there_are_no_such_hypercalls() {
        assert_eq!(
            Machine::new(1).hcall(0, H_SCM_FLUSH, &[DRC, 0]).0,
            H_FUNCTION
        );
        assert_eq!(
            with_nvdimm(Plug::Cold)
                .hcall(0, H_SCM_FLUSH, &[DRC + 1, 0])
                .0,
            H_PARAMETER
        );
    }
}
