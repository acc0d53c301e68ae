//! The hypercalls of persistent memory: [`papr_scm::Scm`] does them, this file passes registers and memory.

use papr_scm::GuestMemoryError;

use super::{Call, Reply};
use crate::host::{GuestMemory, OutOfMemory};
use crate::platform::Platform;
use crate::vcpu::Vcpu;

/// A vCPU and guest memory as that crate wants them.
struct Caller<'a> {
    memory: &'a dyn GuestMemory,
    cpu: &'a dyn Vcpu,
}

/// The two crates' errors say the same.
fn convert(OutOfMemory { address, length }: OutOfMemory) -> GuestMemoryError {
    GuestMemoryError { address, length }
}

impl papr_scm::GuestMemory for Caller<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        self.memory.read(address, buffer).map_err(convert)
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        self.memory.write(address, bytes).map_err(convert)
    }
}

impl papr_scm::Caller for Caller<'_> {
    fn is_wanted(&self) -> bool {
        self.cpu.is_wanted()
    }
}

/// Does hypercall `opcode` if it is one of persistent memory and the machine has any.
pub(super) fn call(platform: &Platform, opcode: u64, call: &mut Call<'_>) -> Option<Reply> {
    let args: [u64; Call::ARGUMENTS] = std::array::from_fn(|n| call.arg(n));
    let caller = Caller {
        memory: platform.host.memory(),
        cpu: call.cpu,
    };
    let answer = platform.scm.as_ref()?.hypercall(opcode, &args, &caller)?;
    for (n, value) in answer.outputs().iter().enumerate() {
        call.output(n, *value);
    }
    Some(Reply::status(answer.status))
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
