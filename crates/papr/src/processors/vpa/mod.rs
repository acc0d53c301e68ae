//! H_REGISTER_VPA: the areas that a vCPU shares with the hypervisor (PAPR, "Virtual Processor
//! Area"): the VPA itself, the SLB shadow buffer and the dispatch trace log.
//!
//! The platform marks the VPA as that of a shared processor, which a vCPU that is a host thread is,
//! and keeps its yield count: odd while the vCPU waits for a prod, even otherwise, so that guests
//! do not spin for it. It moves on at each dispatch, by two where the vCPU has ceded. The SLB
//! shadow and the trace log are registered and checked; a radix guest has no SLB, and no dispatch
//! is logged, as the platform sees no preemption of its threads.

mod state;

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hcall::abi::{H_HARDWARE, H_PARAMETER, H_RESOURCE};
use crate::hcall::{Call, Hypercall, Reply, abi};
use crate::host::GuestMemory;
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::vcpu::VcpuId;
use papr_dr::sync::lock;

/// Smallest VPA in bytes.
const VPA_SIZE: u64 = 640;
/// Where the size lies in a VPA and a trace log: 16 bits in the former, 32 in the latter.
const SIZE_OFFSET: u64 = 4;
/// Where the status byte lies in a VPA, and the bit that says "shared processor".
const STATUS_OFFSET: u64 = 9;
const SHARED_PROCESSOR: u8 = 2;
/// Where the yield count lies in a VPA.
const YIELD_COUNT_OFFSET: u64 = 0x100;
/// The areas are aligned to a cache line, and a VPA and an SLB shadow do not cross a page.
const ALIGNMENT: u64 = 128;
const PAGE: u64 = 4096;
/// Smallest SLB shadow: a header and one entry pair.
const SLB_SHADOW_SIZE: u64 = 8;
/// Smallest trace log: one entry.
const TRACE_LOG_SIZE: u64 = 48;

/// What one vCPU has registered: real addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VcpuAreas {
    /// The virtual processor area.
    pub vpa: Option<u64>,
    /// The SLB shadow buffer.
    pub slb_shadow: Option<u64>,
    /// The dispatch trace log.
    pub trace_log: Option<u64>,
}

/// What all vCPUs have registered.
#[derive(Debug)]
pub(crate) struct SharedAreas {
    /// vCPUs that the guest finds; `areas` has one more for each that there can be.
    vcpus: u32,
    areas: Vec<Mutex<VcpuAreas>>,
}

impl SharedAreas {
    /// Nothing registered, for so many vCPUs now and at most.
    pub(crate) fn new(vcpus: u32, max_vcpus: u32) -> Self {
        SharedAreas {
            vcpus,
            areas: (0..max_vcpus).map(|_| Mutex::default()).collect(),
        }
    }

    /// Forgets what was registered.
    pub(crate) fn reset(&self) {
        self.areas
            .iter()
            .for_each(|areas| *lock(areas) = VcpuAreas::default());
    }

    /// The yield count of a vCPU, if it has a VPA.
    pub(crate) fn yield_count(&self, memory: &dyn GuestMemory, vcpu: VcpuId) -> Option<u32> {
        let vpa = lock(self.areas.get(vcpu.0 as usize)?).vpa?;
        read_u32(memory, vpa + YIELD_COUNT_OFFSET)
    }

    /// Notes in a vCPU's VPA that it waits, or runs. Only its own thread may.
    pub(crate) fn set_waiting(&self, memory: &dyn GuestMemory, vcpu: VcpuId, waiting: bool) {
        self.change_count(memory, vcpu, |count| {
            count.wrapping_add(u32::from((count % 2 == 1) != waiting))
        });
    }

    /// Notes in a vCPU's VPA that it cedes, and is dispatched anew after it. Only its own thread
    /// may. An odd count, which the guest may have made, becomes even.
    pub(crate) fn note_cede(&self, memory: &dyn GuestMemory, vcpu: VcpuId) {
        self.change_count(memory, vcpu, |count| count.wrapping_add(2 - count % 2));
    }

    fn change_count(&self, memory: &dyn GuestMemory, vcpu: VcpuId, to: impl Fn(u32) -> u32) {
        let areas = self.areas.get(vcpu.0 as usize);
        let Some(vpa) = areas.and_then(|areas| lock(areas).vpa) else {
            return;
        };
        let Some(count) = read_u32(memory, vpa + YIELD_COUNT_OFFSET) else {
            return;
        };
        let new = to(count);
        if new != count {
            // Registration checked the range, and RAM does not go away while its guest runs in it:
            // where it did, there is nobody to tell.
            let _ = memory.write(vpa + YIELD_COUNT_OFFSET, &new.to_be_bytes());
        }
    }
}

impl Part for SharedAreas {
    fn name(&self) -> &'static str {
        "virtual-processor-areas"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![Hypercall::new(abi::H_REGISTER_VPA, &self, register)]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-splpar"]
    }

    fn reset(&self) {
        SharedAreas::reset(self);
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    fn export(&self) -> Value {
        to_value(&SharedAreas::export(self))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let state: Vec<VcpuAreas> = from_value(state)?;
        if !self.accepts(&state) {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || SharedAreas::import(self, state)))
    }
}

fn read_u32(memory: &dyn GuestMemory, address: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes).ok()?;
    Some(u32::from_be_bytes(bytes))
}

/// H_REGISTER_VPA: r4 flags with the function in bits 16 to 18, r5 vCPU, r6 real address.
fn register(shared: &SharedAreas, call: &mut Call<'_>) -> Reply {
    let function = (call.arg(0) >> (63 - 18)) & 7;
    let target = u32::try_from(call.arg(1))
        .ok()
        .map(VcpuId)
        .filter(|id| id.0 < shared.vcpus);
    let Some(areas) = target.and_then(|id| shared.areas.get(id.0 as usize)) else {
        return Reply::status(H_PARAMETER);
    };
    let memory = call.memory;
    let address = call.arg(2);
    let mut areas = lock(areas);
    let result = match function {
        1 => check_vpa(memory, address).map(|()| areas.vpa = Some(address)),
        2 if areas.vpa.is_none() => Err(H_RESOURCE),
        2 => check_trace_log(memory, address).map(|()| areas.trace_log = Some(address)),
        3 if areas.vpa.is_none() => Err(H_RESOURCE),
        3 => check_slb_shadow(memory, address).map(|()| areas.slb_shadow = Some(address)),
        // The others need the VPA.
        5 if areas.slb_shadow.is_some() || areas.trace_log.is_some() => Err(H_RESOURCE),
        5 => {
            areas.vpa = None;
            Ok(())
        }
        6 => {
            areas.trace_log = None;
            Ok(())
        }
        7 => {
            areas.slb_shadow = None;
            Ok(())
        }
        _ => Err(H_PARAMETER),
    };
    result.map_or_else(Reply::status, |()| Reply::SUCCESS)
}

/// Address 0 is what a guest passes that has no area: PAPR leaves the answer open, existing
/// hypervisors say H_HARDWARE.
fn check_address(address: u64) -> Result<(), i64> {
    match address {
        0 => Err(H_HARDWARE),
        _ if !address.is_multiple_of(ALIGNMENT) => Err(H_PARAMETER),
        _ => Ok(()),
    }
}

/// Checks that an area of at least `minimum` bytes lies in memory and, where it has to, within a
/// page.
fn check_extent(
    memory: &dyn GuestMemory,
    address: u64,
    size: u64,
    minimum: u64,
    one_page: bool,
) -> Result<(), i64> {
    let last = address.checked_add(size.max(1) - 1).ok_or(H_PARAMETER)?;
    if size < minimum || (one_page && address / PAGE != last / PAGE) {
        return Err(H_PARAMETER);
    }
    memory.read(last, &mut [0]).map_err(|_| H_PARAMETER)
}

fn check_vpa(memory: &dyn GuestMemory, address: u64) -> Result<(), i64> {
    check_address(address)?;
    let mut head = [0; STATUS_OFFSET as usize + 1];
    memory.read(address, &mut head).map_err(|_| H_PARAMETER)?;
    let size = u64::from(u16::from_be_bytes([head[4], head[5]]));
    check_extent(memory, address, size, VPA_SIZE, true)?;
    let status = head[STATUS_OFFSET as usize] | SHARED_PROCESSOR;
    memory
        .write(address + STATUS_OFFSET, &[status])
        .map_err(|_| H_PARAMETER)
}

fn check_slb_shadow(memory: &dyn GuestMemory, address: u64) -> Result<(), i64> {
    check_address(address)?;
    let size = read_u32(memory, address + SIZE_OFFSET).ok_or(H_PARAMETER)?;
    check_extent(memory, address, size.into(), SLB_SHADOW_SIZE, true)
}

fn check_trace_log(memory: &dyn GuestMemory, address: u64) -> Result<(), i64> {
    check_address(address)?;
    let size = read_u32(memory, address + SIZE_OFFSET).ok_or(H_PARAMETER)?;
    check_extent(memory, address, size.into(), TRACE_LOG_SIZE, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{H_CEDE, H_CONFER, H_REGISTER_VPA, H_SUCCESS};
    use crate::host::Host;
    use crate::testing::{MEMORY, Machine};

    const VPA: u64 = 0x1_0000;

    fn function(number: u64) -> u64 {
        number << (63 - 18)
    }

    /// Lays an area with its size field out in memory.
    fn area(m: &Machine, address: u64, size: &[u8]) {
        m.host
            .memory()
            .write(address + SIZE_OFFSET, size)
            .expect("in memory");
    }

    #[test]
    fn a_vpa_says_shared_and_counts_waits() {
        let m = Machine::new(1);
        m.register_vpa(0, VPA);
        let mut status = [0];
        m.host
            .memory()
            .read(VPA + STATUS_OFFSET, &mut status)
            .expect("in memory");
        assert_eq!(status, [SHARED_PROCESSOR]);
        let count = || {
            m.platform
                .processors
                .areas
                .yield_count(m.host.memory(), VcpuId(0))
        };
        assert_eq!(count(), Some(0));
        let _ = m.hcall(0, H_CEDE, &[]);
        assert_eq!(
            count(),
            Some(2),
            "dispatched anew, and even: it can run at any time"
        );
        let _ = m.hcall(0, H_CONFER, &[0, 0]);
        assert_eq!(count(), Some(3));
        m.platform.wait_ended(VcpuId(0));
        m.platform.wait_ended(VcpuId(0));
        assert_eq!(count(), Some(4));
        m.platform.reset();
        assert_eq!(count(), None);
    }

    #[test]
    fn a_vpa_that_is_misplaced_or_too_small_is_refused() {
        let m = Machine::new(1);
        let register = |address| m.hcall(0, H_REGISTER_VPA, &[function(1), 0, address]).0;
        assert_eq!(register(0), H_HARDWARE);
        assert_eq!(register(VPA + 64), H_PARAMETER, "misaligned");
        area(&m, VPA, &639u16.to_be_bytes());
        assert_eq!(register(VPA), H_PARAMETER, "too small");
        area(&m, VPA + 0xF00, &640u16.to_be_bytes());
        assert_eq!(register(VPA + 0xF00), H_PARAMETER, "crosses a page");
        for outside in [MEMORY, u64::MAX - 127] {
            assert_eq!(register(outside), H_PARAMETER);
        }
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(1), 1, VPA]).0,
            H_PARAMETER,
            "no such CPU"
        );
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(4), 0, VPA]).0,
            H_PARAMETER,
            "no such function"
        );
    }

    #[test]
    fn the_other_areas_need_the_vpa_and_keep_it() {
        let m = Machine::new(1);
        let register = |number, address| {
            m.hcall(0, H_REGISTER_VPA, &[function(number), 0, address])
                .0
        };
        let (log, shadow) = (0x2_0000, 0x3_0000);
        area(&m, log, &4096u32.to_be_bytes());
        area(&m, shadow, &128u32.to_be_bytes());
        assert_eq!(register(2, log), H_RESOURCE);
        assert_eq!(register(3, shadow), H_RESOURCE);
        m.register_vpa(0, VPA);
        assert_eq!(register(2, log), H_SUCCESS);
        assert_eq!(register(3, shadow), H_SUCCESS);
        assert_eq!(register(5, 0), H_RESOURCE);
        assert_eq!(register(6, 0), H_SUCCESS);
        assert_eq!(register(7, 0), H_SUCCESS);
        assert_eq!(register(5, 0), H_SUCCESS);
    }

    #[test]
    fn logs_and_shadows_must_fit_memory() {
        let m = Machine::new(1);
        m.register_vpa(0, VPA);
        area(&m, 0x2_0000, &u32::MAX.to_be_bytes());
        area(&m, 0x3_0000, &47u32.to_be_bytes());
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(2), 0, 0x2_0000]).0,
            H_PARAMETER
        );
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(2), 0, 0x3_0000]).0,
            H_PARAMETER
        );
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(3), 0, 0x2_0000]).0,
            H_PARAMETER
        );
        assert_eq!(
            m.hcall(0, H_REGISTER_VPA, &[function(3), 0, u64::MAX - 127])
                .0,
            H_PARAMETER
        );
    }
}
