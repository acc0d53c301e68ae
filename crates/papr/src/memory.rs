//! Hypercalls that touch memory for a guest in real mode: H_PAGE_INIT, H_LOGICAL_CI_LOAD and
//! H_LOGICAL_CI_STORE.

use std::sync::Arc;

use crate::hcall::abi::H_PARAMETER;
use crate::hcall::{Call, Hypercall, Reply, abi};
use crate::part::Part;

const PAGE: usize = 4096;

/// These hypercalls as a part of the platform.
pub(crate) struct RealModeMemory;

impl Part for RealModeMemory {
    fn name(&self) -> &'static str {
        "real-mode-memory"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![
            Hypercall::new(abi::H_PAGE_INIT, &self, page_init),
            Hypercall::new(abi::H_LOGICAL_CI_LOAD, &self, logical_load),
            Hypercall::new(abi::H_LOGICAL_CI_STORE, &self, logical_store),
        ]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-copy"]
    }
}

// Flags of H_PAGE_INIT; bits are numbered from the most significant.
const ZERO: u64 = 1 << (63 - 48);
const COPY: u64 = 1 << (63 - 49);
/// Hints on caches and on what the hypervisor may do with the page. Guest memory is coherent here,
/// instruction fetch included, and no page is taken away, so there is nothing to do for them.
const HINTS: u64 = 1 << (63 - 40) | 1 << (63 - 41) | 0xF << (63 - 31);

/// H_PAGE_INIT: r4 flags, r5 a page, r6 the page to copy from.
fn page_init(_: &RealModeMemory, call: &mut Call<'_>) -> Reply {
    let (flags, to, from) = (call.arg(0), call.arg(1), call.arg(2));
    let memory = call.memory;
    if flags & !(ZERO | COPY | HINTS) != 0 || !to.is_multiple_of(PAGE as u64) {
        return Reply::status(H_PARAMETER);
    }
    let mut page = [0; PAGE];
    if flags & COPY != 0
        && (!from.is_multiple_of(PAGE as u64) || memory.read(from, &mut page).is_err())
    {
        return Reply::status(H_PARAMETER);
    }
    // With neither flag the page must exist all the same.
    let done = if flags & (COPY | ZERO) != 0 {
        memory.write(to, &page)
    } else {
        memory.read(to, &mut page)
    };
    if done.is_ok() {
        Reply::SUCCESS
    } else {
        Reply::status(H_PARAMETER)
    }
}

/// The number of bytes that a load or store moves, if it is one.
fn width(argument: u64) -> Option<usize> {
    matches!(argument, 1 | 2 | 4 | 8).then_some(argument as usize)
}

/// H_LOGICAL_CI_LOAD: r4 bytes (1, 2, 4 or 8), r5 real address; answers r4 the big-endian number
/// there.
fn logical_load(_: &RealModeMemory, call: &mut Call<'_>) -> Reply {
    let Some(width) = width(call.arg(0)) else {
        return Reply::status(H_PARAMETER);
    };
    let mut bytes = [0; 8];
    if call
        .memory
        .read_uncached(call.arg(1), &mut bytes[8 - width..])
        .is_err()
    {
        return Reply::status(H_PARAMETER);
    }
    call.output(0, u64::from_be_bytes(bytes));
    Reply::SUCCESS
}

/// H_LOGICAL_CI_STORE: r4 bytes (1, 2, 4 or 8), r5 real address, r6 the number to store big-endian.
fn logical_store(_: &RealModeMemory, call: &mut Call<'_>) -> Reply {
    let Some(width) = width(call.arg(0)) else {
        return Reply::status(H_PARAMETER);
    };
    let bytes = call.arg(2).to_be_bytes();
    match call.memory.write_uncached(call.arg(1), &bytes[8 - width..]) {
        Ok(()) => Reply::SUCCESS,
        Err(_) => Reply::status(H_PARAMETER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{H_LOGICAL_CI_LOAD, H_LOGICAL_CI_STORE, H_PAGE_INIT, H_SUCCESS};
    use crate::host::Host;
    use crate::testing::{MEMORY, Machine};

    #[test]
    fn a_page_is_copied_and_zeroed() {
        let m = Machine::new(1);
        m.host.memory().write(0x1FFC, &[7; 8]).expect("in memory");
        assert_eq!(
            m.hcall(0, H_PAGE_INIT, &[COPY, 0x4000, 0x1000]).0,
            H_SUCCESS
        );
        let mut end = [0; 8];
        m.host.memory().read(0x4FFC, &mut end).expect("in memory");
        assert_eq!(end, [7, 7, 7, 7, 0, 0, 0, 0]);
        assert_eq!(
            m.hcall(0, H_PAGE_INIT, &[ZERO | HINTS, 0x4000, u64::MAX]).0,
            H_SUCCESS
        );
        m.host.memory().read(0x4FFC, &mut end).expect("in memory");
        assert_eq!(end, [0; 8]);
        assert_eq!(m.hcall(0, H_PAGE_INIT, &[0, 0x4000, 0]).0, H_SUCCESS);
    }

    #[test]
    fn pages_that_are_none_are_refused() {
        let m = Machine::new(1);
        let cases = [
            [ZERO, 0x4008, 0],
            [ZERO, MEMORY, 0],
            [0, MEMORY, 0],
            [ZERO, u64::MAX - 4095, 0],
            [COPY, 0x4000, 0x1008],
            [COPY, 0x4000, MEMORY],
            [1, 0x4000, 0],
        ];
        for args in cases {
            assert_eq!(m.hcall(0, H_PAGE_INIT, &args).0, H_PARAMETER, "{args:x?}");
        }
    }

    #[test]
    fn what_is_stored_is_loaded_in_every_width() {
        let m = Machine::new(1);
        for (width, value) in [
            (1, 0xF1),
            (2, 0xF1F2),
            (4, 0xF1F2_F3F4),
            (8, 0xF1F2_F3F4_F5F6_F7F8),
        ] {
            let store = m
                .hcall(0, H_LOGICAL_CI_STORE, &[width, 0x2000, value | 1 << 63])
                .0;
            let (load, out) = m.hcall_outputs(0, H_LOGICAL_CI_LOAD, &[width, 0x2000]);
            assert_eq!((store, load, out[0]), (H_SUCCESS, H_SUCCESS, value));
        }
    }

    #[test]
    fn widths_and_addresses_that_are_none_are_refused() {
        let m = Machine::new(1);
        for (width, address) in [
            (0, 0),
            (3, 0),
            (16, 0),
            (u64::MAX, 0),
            (8, MEMORY - 7),
            (4, u64::MAX),
        ] {
            assert_eq!(
                m.hcall(0, H_LOGICAL_CI_LOAD, &[width, address]).0,
                H_PARAMETER
            );
            assert_eq!(
                m.hcall(0, H_LOGICAL_CI_STORE, &[width, address, 0]).0,
                H_PARAMETER
            );
        }
    }
}
