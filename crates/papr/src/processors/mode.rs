//! Modes of the processor: H_SET_MODE and H_REGISTER_PROC_TBL (PAPR, "Set Processor Mode",
//! "Register Process Table").

use super::Processors;
use crate::hcall::abi::{H_P2, H_P3, H_P4, H_PARAMETER, H_UNSUPPORTED_FLAG};
use crate::hcall::{Call, Reply};
use crate::host::{InterruptLocation, ProcessTable};
use crate::vcpu::Special;

const RESOURCE_CIABR: u64 = 1;
const RESOURCE_DAWR0: u64 = 2;
const RESOURCE_INTERRUPT_LOCATION: u64 = 3;
const RESOURCE_ENDIAN: u64 = 4;

/// CIABR\[PRIV\]: 3 would match in hypervisor state, which a guest may not ask for.
const CIABR_PRIVILEGE: u64 = 3;
/// DAWRX\[HYP\]: match in hypervisor state.
const DAWRX_HYPERVISOR: u64 = 4;

/// H_SET_MODE: r4 flags, r5 resource, r6 and r7 values.
pub(super) fn set_mode(processors: &Processors, call: &mut Call<'_>) -> Reply {
    let (flags, resource, first, second) = (call.arg(0), call.arg(1), call.arg(2), call.arg(3));
    match resource {
        RESOURCE_CIABR => {
            if flags != 0 {
                return Reply::status(H_UNSUPPORTED_FLAG);
            }
            if first & CIABR_PRIVILEGE == CIABR_PRIVILEGE {
                return Reply::status(H_P3);
            }
            if second != 0 {
                return Reply::status(H_P4);
            }
            call.cpu.set_special(Special::Ciabr, first);
        }
        RESOURCE_DAWR0 => {
            if flags != 0 {
                return Reply::status(H_UNSUPPORTED_FLAG);
            }
            if second & DAWRX_HYPERVISOR != 0 {
                return Reply::status(H_P4);
            }
            call.cpu.set_special(Special::Dawr0, first);
            call.cpu.set_special(Special::Dawrx0, second);
        }
        RESOURCE_INTERRUPT_LOCATION | RESOURCE_ENDIAN if first != 0 => return Reply::status(H_P3),
        RESOURCE_INTERRUPT_LOCATION | RESOURCE_ENDIAN if second != 0 => return Reply::status(H_P4),
        RESOURCE_INTERRUPT_LOCATION => match flags {
            0 => processors
                .host
                .set_interrupt_location(InterruptLocation::Real),
            3 => processors
                .host
                .set_interrupt_location(InterruptLocation::Relocated),
            _ => return Reply::status(H_UNSUPPORTED_FLAG),
        },
        RESOURCE_ENDIAN => match flags {
            0 => processors.host.set_interrupt_little_endian(false),
            1 => processors.host.set_interrupt_little_endian(true),
            _ => return Reply::status(H_UNSUPPORTED_FLAG),
        },
        _ => return Reply::status(H_P2),
    }
    Reply::SUCCESS
}

/// H_PERFMON: r4 modes to set, r5 modes to reset; r4 then has those in use. The only mode is the
/// performance monitor itself (bit 0), which costs nothing while its counters are frozen, and so is
/// always on.
pub(super) fn performance_monitor(_: &Processors, call: &mut Call<'_>) -> Reply {
    const ENABLED: u64 = 1 << 63;
    let (set, reset) = (call.arg(0), call.arg(1));
    if (set | reset) & !ENABLED != 0 || set & reset != 0 {
        return Reply::status(H_PARAMETER);
    }
    call.output(0, ENABLED);
    Reply::SUCCESS
}

// Flags of H_REGISTER_PROC_TBL.
const FLAGS: u64 = 0x1F;
const MODIFY: u64 = 0x10;
const REGISTER: u64 = 0x08;
const RADIX: u64 = 0x04;
const GTSE: u64 = 0x01;

/// A process table is aligned to a page at least.
const TABLE_ALIGNMENT: u64 = 4096;
/// log2 of the smallest table; the hypercall gives the size relative to it.
const TABLE_SIZE_BASE: u64 = 12;
/// The largest table is 64 GiB.
const TABLE_SIZE_MAX: u64 = 24;

/// H_REGISTER_PROC_TBL: r4 flags, r5 table, r6 page size (0 for radix), r7 log2 of the size less
/// 12.
///
/// Only radix translation is granted (`ibm,architecture-vec-5` says so), so a hashed table is
/// refused.
pub(super) fn register_process_table(processors: &Processors, call: &mut Call<'_>) -> Reply {
    let (flags, base, page_size, size) = (call.arg(0), call.arg(1), call.arg(2), call.arg(3));
    if flags & !FLAGS != 0 || flags & (MODIFY | REGISTER) == REGISTER {
        return Reply::status(H_PARAMETER);
    }
    if flags & REGISTER == 0 {
        // Unregister, or leave as it is: there are no other arguments.
        let wrong = [(base, H_P2), (page_size, H_P3), (size, H_P4)]
            .into_iter()
            .find(|(argument, _)| *argument != 0);
        if let Some((_, status)) = wrong {
            return Reply::status(status);
        }
        if flags & MODIFY != 0 {
            processors.host.set_process_table(None);
        }
        return Reply::SUCCESS;
    }
    if flags & RADIX == 0 {
        return Reply::status(H_PARAMETER);
    }
    if page_size != 0 {
        return Reply::status(H_P3);
    }
    if size > TABLE_SIZE_MAX {
        return Reply::status(H_P4);
    }
    let size_log2 = TABLE_SIZE_BASE + size;
    let memory = call.memory;
    let in_memory = |address: u64| memory.read(address, &mut [0]).is_ok();
    let last = base.checked_add((1 << size_log2) - 1);
    if !base.is_multiple_of(TABLE_ALIGNMENT) || !in_memory(base) || !last.is_some_and(in_memory) {
        return Reply::status(H_P2);
    }
    processors.host.set_process_table(Some(ProcessTable {
        base,
        size_log2: size_log2 as u32,
        radix: true,
        gtse: flags & GTSE != 0,
    }));
    Reply::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{H_PERFMON, H_REGISTER_PROC_TBL, H_SET_MODE, H_SUCCESS};
    use crate::testing::{Event, MEMORY, Machine};

    #[test]
    fn endianness_and_location_of_interrupts_are_set() {
        let m = Machine::new(1);
        assert_eq!(
            m.hcall(0, H_SET_MODE, &[1, RESOURCE_ENDIAN, 0, 0]).0,
            H_SUCCESS
        );
        assert_eq!(
            m.hcall(0, H_SET_MODE, &[3, RESOURCE_INTERRUPT_LOCATION, 0, 0])
                .0,
            H_SUCCESS
        );
        assert_eq!(
            m.hcall(0, H_SET_MODE, &[0, RESOURCE_ENDIAN, 0, 0]).0,
            H_SUCCESS
        );
        assert_eq!(
            m.hcall(0, H_SET_MODE, &[0, RESOURCE_INTERRUPT_LOCATION, 0, 0])
                .0,
            H_SUCCESS
        );
        let expected = [
            Event::LittleEndian(true),
            Event::Location(InterruptLocation::Relocated),
            Event::LittleEndian(false),
            Event::Location(InterruptLocation::Real),
        ];
        assert_eq!(m.host.events(), expected);
    }

    #[test]
    fn modes_that_do_not_exist_are_refused_by_the_argument_that_is_wrong() {
        let m = Machine::new(1);
        let cases = [
            ([0, 0, 0, 0], H_P2),
            ([0, 5, 0, 0], H_P2),
            ([2, RESOURCE_INTERRUPT_LOCATION, 0, 0], H_UNSUPPORTED_FLAG),
            ([2, RESOURCE_ENDIAN, 0, 0], H_UNSUPPORTED_FLAG),
            ([1, RESOURCE_ENDIAN, 1, 0], H_P3),
            ([1, RESOURCE_ENDIAN, 0, 1], H_P4),
            ([3, RESOURCE_INTERRUPT_LOCATION, 1, 0], H_P3),
            ([3, RESOURCE_INTERRUPT_LOCATION, 0, 1], H_P4),
            ([1, RESOURCE_CIABR, 0, 0], H_UNSUPPORTED_FLAG),
            ([0, RESOURCE_CIABR, 0x1003, 0], H_P3),
            ([0, RESOURCE_CIABR, 0x1001, 1], H_P4),
            ([1, RESOURCE_DAWR0, 0, 0], H_UNSUPPORTED_FLAG),
            ([0, RESOURCE_DAWR0, 0x1000, DAWRX_HYPERVISOR], H_P4),
        ];
        for (args, status) in cases {
            assert_eq!(m.hcall(0, H_SET_MODE, &args).0, status, "{args:?}");
        }
        assert_eq!(m.host.events(), []);
    }

    #[test]
    fn the_performance_monitor_is_on_whatever_is_asked() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        for (set, reset) in [(1 << 63, 0), (0, 1 << 63), (0, 0)] {
            cpu.gprs[3..6].copy_from_slice(&[H_PERFMON, set, reset]);
            let _ = m.platform.hypercall(&mut cpu);
            assert_eq!((cpu.gprs[3] as i64, cpu.gprs[4]), (H_SUCCESS, 1 << 63));
        }
        for arguments in [[1 << 62, 0], [1 << 63, 1 << 63], [0, 1]] {
            assert_eq!(m.hcall(0, H_PERFMON, &arguments).0, H_PARAMETER);
        }
    }

    #[test]
    fn breakpoint_registers_are_set_in_the_caller() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        cpu.gprs[3..8].copy_from_slice(&[H_SET_MODE, 0, RESOURCE_DAWR0, 0x1000, 3]);
        let _ = m.platform.hypercall(&mut cpu);
        cpu.gprs[3..8].copy_from_slice(&[H_SET_MODE, 0, RESOURCE_CIABR, 0x2002, 0]);
        let _ = m.platform.hypercall(&mut cpu);
        assert_eq!(
            cpu.specials,
            [
                (Special::Dawr0, 0x1000),
                (Special::Dawrx0, 3),
                (Special::Ciabr, 0x2002)
            ]
        );
    }

    #[test]
    fn a_radix_process_table_is_registered_and_unregistered() {
        let m = Machine::new(1);
        let flags = MODIFY | REGISTER | RADIX | GTSE;
        assert_eq!(
            m.hcall(0, H_REGISTER_PROC_TBL, &[flags, 0x10_0000, 0, 4]).0,
            H_SUCCESS
        );
        assert_eq!(m.hcall(0, H_REGISTER_PROC_TBL, &[0, 0, 0, 0]).0, H_SUCCESS);
        assert_eq!(
            m.hcall(0, H_REGISTER_PROC_TBL, &[MODIFY, 0, 0, 0]).0,
            H_SUCCESS
        );
        let table = ProcessTable {
            base: 0x10_0000,
            size_log2: 16,
            radix: true,
            gtse: true,
        };
        assert_eq!(
            m.host.events(),
            [Event::ProcessTable(Some(table)), Event::ProcessTable(None)]
        );
    }

    #[test]
    fn a_malformed_process_table_is_refused() {
        let m = Machine::new(1);
        let radix = MODIFY | REGISTER | RADIX;
        let cases = [
            ([radix | 0x20, 0x10_0000, 0, 4], H_PARAMETER),
            ([REGISTER | RADIX, 0x10_0000, 0, 4], H_PARAMETER),
            ([MODIFY | REGISTER, 0x10_0000, 0, 4], H_PARAMETER),
            ([radix, 0x10_0010, 0, 4], H_P2),
            ([radix, MEMORY, 0, 0], H_P2),
            ([radix, MEMORY - 4096, 0, 1], H_P2),
            ([radix, u64::MAX - 4095, 0, 24], H_P2),
            ([radix, 0x10_0000, 16, 4], H_P3),
            ([radix, 0x10_0000, 0, 25], H_P4),
            ([radix, 0x10_0000, 0, u64::MAX], H_P4),
            ([MODIFY, 1, 0, 0], H_P2),
            ([MODIFY, 0, 1, 0], H_P3),
            ([MODIFY, 0, 0, 1], H_P4),
        ];
        for (args, status) in cases {
            assert_eq!(
                m.hcall(0, H_REGISTER_PROC_TBL, &args).0,
                status,
                "{args:x?}"
            );
        }
        assert_eq!(m.host.events(), []);
    }
}
