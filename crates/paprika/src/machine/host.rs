//! What the platform may ask of the monitor: guest memory, wires to vCPUs, processor settings of the whole partition.

use std::sync::Arc;

use papr::host::{GuestMemory, GuestMemoryError, Host, InterruptLocation, ProcessTable};
use papr::vcpu::{StartState, VcpuId};
use power::Partition;
use power::signals::{EXTERNAL, PROD, SYSTEM_RESET};

use super::vcpu::VcpuControl;

/// Guest memory, as the platform sees it.
struct Memory(Arc<Partition>);

impl GuestMemory for Memory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        let length = buffer.len();
        self.0
            .memory
            .read(address, buffer)
            .map_err(|_| GuestMemoryError { address, length })
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        self.0
            .memory
            .write(address, bytes)
            .map_err(|_| GuestMemoryError {
                address,
                length: bytes.len(),
            })
    }

    fn read_uncached(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        if self.0.memory.read_io(address, buffer) {
            return Ok(());
        }
        self.read(address, buffer)
    }

    fn write_uncached(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        if self.0.memory.write_io(address, bytes) {
            return Ok(());
        }
        self.write(address, bytes)
    }
}

/// The monitor, in the platform's hands.
pub(super) struct Carrier {
    partition: Arc<Partition>,
    memory: Memory,
    vcpus: Vec<Arc<VcpuControl>>,
}

impl Carrier {
    pub(super) fn new(partition: &Arc<Partition>, vcpus: Vec<Arc<VcpuControl>>) -> Self {
        Self {
            partition: Arc::clone(partition),
            memory: Memory(Arc::clone(partition)),
            vcpus,
        }
    }

    fn raise(&self, vcpu: VcpuId, flags: u32) {
        if let Some(signals) = self.partition.signals(vcpu.0) {
            signals.raise(flags);
        }
    }
}

impl Host for Carrier {
    fn memory(&self) -> &dyn GuestMemory {
        &self.memory
    }

    fn set_external_interrupt(&self, vcpu: VcpuId, asserted: bool) {
        if asserted {
            self.raise(vcpu, EXTERNAL);
        } else if let Some(signals) = self.partition.signals(vcpu.0) {
            signals.clear(EXTERNAL);
        }
    }

    fn prod(&self, vcpu: VcpuId) {
        self.raise(vcpu, PROD);
    }

    fn start(&self, vcpu: VcpuId, state: StartState) {
        if let Some(control) = self.vcpus.get(vcpu.0 as usize) {
            control.start(state);
        }
    }

    fn is_stopped(&self, vcpu: VcpuId) -> bool {
        self.vcpus
            .get(vcpu.0 as usize)
            .is_none_or(|control| control.is_stopped())
    }

    fn system_reset(&self, vcpu: VcpuId) {
        self.raise(vcpu, SYSTEM_RESET);
    }

    fn set_interrupt_little_endian(&self, little: bool) {
        self.partition.set_interrupt_little_endian(little);
    }

    fn set_interrupt_location(&self, location: InterruptLocation) {
        self.partition
            .set_interrupts_relocated(location == InterruptLocation::Relocated);
    }

    fn set_process_table(&self, table: Option<ProcessTable>) {
        self.partition
            .set_process_table(table.map(|t| (t.base, t.size_log2)));
    }

    fn time_base(&self) -> u64 {
        self.partition.time_base.now()
    }

    fn random(&self) -> u64 {
        // Where the host has no randomness left to give, the time base is what remains: a guest mixes it with its own.
        getrandom::u64().unwrap_or_else(|_| {
            self.partition
                .time_base
                .now()
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    }
}
