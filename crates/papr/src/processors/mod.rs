//! The processors of the machine, as far as they are the platform's: waiting and waking, starting
//! and stopping, modes that hypercalls set. What a processor is and does is the monitor's
//! ([`crate::vcpu`], [`crate::host`]).
//!
//! - `hcall`: H_CEDE, H_PROD, H_CONFER, H_JOIN and so on; `mode`: H_SET_MODE, the process table;
//! - `rtas`: start-cpu, stop-self, query-cpu-stopped-state;
//! - `vpa`: the areas that a vCPU shares with the hypervisor, a part of its own.

mod hcall;
mod mode;
mod rtas;
mod vpa;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use papr_dr::sync::lock;
use serde_json::Value;

use crate::hcall::{Hypercall, abi};
use crate::host::{GuestMemory, Host, InterruptLocation};
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::rtas::Service;
use crate::vcpu::VcpuId;

pub(crate) use vpa::SharedAreas;
pub use vpa::VcpuAreas;

/// The processors of a machine.
pub(crate) struct Processors {
    host: Arc<dyn Host>,
    vcpus: u32,
    pub(crate) areas: Arc<SharedAreas>,
    /// vCPUs that wait in H_JOIN.
    joined: Mutex<BTreeSet<VcpuId>>,
}

impl Processors {
    /// So many, none of which waits.
    pub(crate) fn new(host: &Arc<dyn Host>, vcpus: u32, areas: &Arc<SharedAreas>) -> Self {
        Processors {
            host: Arc::clone(host),
            vcpus,
            areas: Arc::clone(areas),
            joined: Mutex::default(),
        }
    }

    /// The vCPUs of the machine.
    fn vcpus(&self) -> impl Iterator<Item = VcpuId> {
        (0..self.vcpus).map(VcpuId)
    }

    /// The vCPUs that are not stopped.
    fn running_vcpus(&self) -> impl Iterator<Item = VcpuId> {
        self.vcpus().filter(|id| !self.host.is_stopped(*id))
    }

    /// Whether the machine has such a vCPU.
    fn has_vcpu(&self, id: VcpuId) -> bool {
        id.0 < self.vcpus
    }

    /// A vCPU is about to wait.
    fn wait_begins(&self, memory: &dyn GuestMemory, vcpu: VcpuId) {
        self.areas.set_waiting(memory, vcpu, true);
    }

    /// A vCPU's wait is over, and it is about to go on.
    pub(crate) fn wait_ended(&self, vcpu: VcpuId) {
        self.release_from_join(vcpu);
        self.areas.set_waiting(self.host.memory(), vcpu, false);
    }

    /// A vCPU does not wait in H_JOIN any more, if it did.
    fn release_from_join(&self, vcpu: VcpuId) {
        lock(&self.joined).remove(&vcpu);
    }
}

impl Part for Processors {
    fn name(&self) -> &'static str {
        "processors"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![
            Hypercall::new(abi::H_CEDE, &self, hcall::cede),
            Hypercall::new(abi::H_CONFER, &self, hcall::confer),
            Hypercall::new(abi::H_PROD, &self, hcall::prod),
            Hypercall::new(abi::H_JOIN, &self, hcall::join),
            Hypercall::new(abi::H_SIGNAL_SYS_RESET, &self, hcall::signal_system_reset),
            Hypercall::new(abi::H_SET_SPRG0, &self, hcall::set_sprg0),
            Hypercall::new(abi::H_PERFMON, &self, mode::performance_monitor),
            Hypercall::new(abi::H_SET_MODE, &self, mode::set_mode),
            Hypercall::new(
                abi::H_REGISTER_PROC_TBL,
                &self,
                mode::register_process_table,
            ),
        ]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-join", "hcall-set-mode", "hcall-sprg0"]
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(
                0x2005,
                "query-cpu-stopped-state",
                1..=1,
                2,
                &self,
                rtas::query_stopped,
            ),
            Service::new(0x2006, "start-cpu", 3..=3, 1, &self, rtas::start),
            Service::new(0x2007, "stop-self", 0..=0, 1, &self, rtas::stop_self),
        ]
    }

    /// The partition-wide settings of the host's processors included; the vCPUs themselves are the
    /// monitor's to reset.
    fn reset(&self) {
        lock(&self.joined).clear();
        self.host.set_interrupt_little_endian(false);
        self.host.set_interrupt_location(InterruptLocation::Real);
        self.host.set_process_table(None);
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    /// The vCPUs that wait in H_JOIN.
    fn export(&self) -> Value {
        to_value(&*lock(&self.joined))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let joined: BTreeSet<VcpuId> = from_value(state)?;
        if !joined.iter().all(|id| self.has_vcpu(*id)) {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || *lock(&self.joined) = joined))
    }
}
