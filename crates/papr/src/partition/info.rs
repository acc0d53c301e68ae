//! Hypercalls that tell the guest something: H_GET_PPP, H_PIC, H_GET_CPU_CHARACTERISTICS,
//! H_HOME_NODE_ASSOCIATIVITY, H_RANDOM.

use super::Partition;
use crate::fdt::vcpu_associativity;
use crate::hcall::abi::{H_AUTHORITY, H_P2, H_PARAMETER};
use crate::hcall::{Call, Reply};
use crate::vcpu::VcpuId;

/// H_RANDOM: answers r4 a random number.
pub(super) fn random(partition: &Partition, call: &mut Call<'_>) -> Reply {
    call.output(0, partition.host.random());
    Reply::SUCCESS
}

/// H_GET_PPP: answers r4 entitlement and r5 unallocated entitlement in hundredths of a processor,
/// r6 group and pool, r7 weights and processor counts.
pub(super) fn performance_parameters(partition: &Partition, call: &mut Call<'_>) -> Reply {
    let vcpus = u64::from(partition.config.vcpus);
    const CAPPED: u64 = 1 << 48;
    call.output(0, vcpus * 100);
    call.output(1, 0);
    call.output(2, 0);
    call.output(3, CAPPED | vcpus << 16 | vcpus);
    Reply::SUCCESS
}

/// H_PIC: how long the processor pool was idle. It would tell a guest about its neighbours; PAPR
/// lets a hypervisor withhold it. Linux shows the outputs without a look at the status, so they are
/// cleared.
pub(super) fn pool_idle_count(_: &Partition, call: &mut Call<'_>) -> Reply {
    call.output(0, 0);
    call.output(1, 0);
    Reply::status(H_AUTHORITY)
}

/// H_GET_CPU_CHARACTERISTICS: answers r4 what the processor can do against speculation attacks, r5
/// what the guest should.
///
/// The barrier and flush instructions by which a guest would mitigate them do nothing to the host's
/// caches and predictors, so the guest is told to leave them out: a false sense of safety that
/// costs time would be worse.
pub(super) fn cpu_characteristics(_: &Partition, call: &mut Call<'_>) -> Reply {
    const NO_L1D_FLUSH_ENTRY: u64 = 1 << (63 - 7);
    const NO_L1D_FLUSH_USER_ACCESS: u64 = 1 << (63 - 8);
    const NO_STORE_FORWARDING_BARRIER: u64 = 1 << (63 - 9);
    call.output(0, 0);
    call.output(
        1,
        NO_L1D_FLUSH_ENTRY | NO_L1D_FLUSH_USER_ACCESS | NO_STORE_FORWARDING_BARRIER,
    );
    Reply::SUCCESS
}

/// H_HOME_NODE_ASSOCIATIVITY: r4 what r5 names (1: a vCPU), r5 the vCPU; answers r4 to r9 its
/// associativity list.
///
/// The list comes as a stream of 16-bit fields: a number below 2^15 with the top bit set, a larger
/// one as 32 bits in two fields, all ones for the end.
pub(super) fn home_node_associativity(partition: &Partition, call: &mut Call<'_>) -> Reply {
    const VIRTUAL_PROCESSOR: u64 = 1;
    const FIELDS_PER_REGISTER: usize = 4;
    const REGISTERS: usize = 6;
    if call.arg(0) != VIRTUAL_PROCESSOR {
        return Reply::status(H_PARAMETER);
    }
    let vcpu = u32::try_from(call.arg(1))
        .ok()
        .map(VcpuId)
        .filter(|id| id.0 < partition.config.vcpus);
    let Some(vcpu) = vcpu else {
        return Reply::status(H_P2);
    };
    // Domains and vCPUs are numbered far below 2^15.
    let mut fields = vcpu_associativity(vcpu)
        .into_iter()
        .map(|domain| 0x8000 | u64::from(domain & 0x7FFF));
    for register in 0..REGISTERS {
        let packed = (0..FIELDS_PER_REGISTER).fold(0, |packed, _| {
            packed << 16 | fields.next().unwrap_or(0xFFFF)
        });
        call.output(register, packed);
    }
    Reply::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{
        H_GET_CPU_CHARACTERISTICS, H_GET_PPP, H_HOME_NODE_ASSOCIATIVITY, H_PIC, H_RANDOM, H_SUCCESS,
    };
    use crate::testing::Machine;

    #[test]
    fn random_numbers_come_from_the_host() {
        let m = Machine::new(1);
        let draw = || m.hcall_outputs(0, H_RANDOM, &[]).1[0];
        assert_ne!(draw(), draw());
    }

    #[test]
    fn the_partition_is_entitled_to_all_its_processors() {
        let m = Machine::new(3);
        let (status, out) = m.hcall_outputs(0, H_GET_PPP, &[]);
        assert_eq!(
            (status, out[0], out[1], out[3] & 0xFFFF),
            (H_SUCCESS, 300, 0, 3)
        );
    }

    #[test]
    fn the_pool_is_none_of_the_guests_business() {
        let (status, out) = Machine::new(1).hcall_outputs(0, H_PIC, &[7, 7]);
        assert_eq!((status, out[..2].to_vec()), (H_AUTHORITY, vec![0, 0]));
    }

    #[test]
    fn no_mitigation_is_asked_for() {
        let (status, out) = Machine::new(1).hcall_outputs(0, H_GET_CPU_CHARACTERISTICS, &[]);
        assert_eq!((status, out[0]), (H_SUCCESS, 0));
        assert_eq!(out[1] >> 63, 0, "favour security");
    }

    #[test]
    fn a_vcpus_home_is_packed_in_16_bit_fields() {
        let m = Machine::new(2);
        let (status, out) = m.hcall_outputs(0, H_HOME_NODE_ASSOCIATIVITY, &[1, 1]);
        assert_eq!(
            (status, out[0], out[1]),
            (H_SUCCESS, 0x8000_8000_8000_8000, 0x8001_FFFF_FFFF_FFFF)
        );
        assert_eq!(out[2..6], [u64::MAX; 4]);
        assert_eq!(
            m.hcall(0, H_HOME_NODE_ASSOCIATIVITY, &[2, 1]).0,
            H_PARAMETER
        );
        assert_eq!(m.hcall(0, H_HOME_NODE_ASSOCIATIVITY, &[1, 2]).0, H_P2);
    }
}
