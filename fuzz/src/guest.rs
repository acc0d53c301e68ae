//! The platform on a host that is none: sparse memory, no threads; and a vCPU that is only
//! registers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use papr::host::{GuestMemory, GuestMemoryError, Host, InterruptLocation, ProcessTable};
use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use papr::{ConsoleBackend, PersistentMemory, Platform, PlatformConfig};
use papr_scm::backing::{Backing, CrashBacking};
use papr_scm::flush::{Executor, ThreadExecutor};
use papr_scm::nvdimm::{DeviceSpec, MIN_LABEL_SIZE, NvdimmConfig};
use papr_scm::{Plug, Scm, ScmOptions};

/// Bytes of RAM: one memory block.
pub const MEMORY: u64 = 256 << 20;
/// vCPUs.
pub const VCPUS: u32 = 4;
/// Bytes of the label area of a device.
pub const LABEL: u64 = MIN_LABEL_SIZE;
/// Bytes of data of a device: two blocks.
pub const DATA: u64 = 2 * papr_scm::abi::BLOCK_SIZE;

const PAGE: u64 = 4096;

/// RAM that holds only the pages that were written.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<u64, Box<[u8; PAGE as usize]>>>);

/// Nobody panics with it and goes on: a panic ends the process.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check(address: u64, length: usize) -> Result<(), GuestMemoryError> {
    let end = address.checked_add(length as u64);
    if end.is_some_and(|end| end <= MEMORY) {
        Ok(())
    } else {
        Err(GuestMemoryError { address, length })
    }
}

impl GuestMemory for Memory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        check(address, buffer.len())?;
        let pages = lock(&self.0);
        for (at, byte) in (address..).zip(buffer) {
            let page = pages.get(&(at / PAGE));
            *byte = page.map_or(0, |page| page[(at % PAGE) as usize]);
        }
        Ok(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        check(address, bytes.len())?;
        let mut pages = lock(&self.0);
        for (at, byte) in (address..).zip(bytes) {
            let page = pages.entry(at / PAGE);
            page.or_insert_with(|| Box::new([0; PAGE as usize]))[(at % PAGE) as usize] = *byte;
        }
        Ok(())
    }
}

/// A host with memory and time, and no vCPUs to wake.
#[derive(Default)]
pub struct StandIn {
    /// Guest memory.
    pub memory: Memory,
    stopped: Mutex<[bool; VCPUS as usize]>,
    ticks: Mutex<u64>,
}

impl StandIn {
    /// Stops or starts a vCPU.
    pub fn set_stopped(&self, vcpu: u32, stopped: bool) {
        if let Some(it) = lock(&self.stopped).get_mut(vcpu as usize) {
            *it = stopped;
        }
    }
}

impl Host for StandIn {
    fn memory(&self) -> &dyn GuestMemory {
        &self.memory
    }
    fn set_external_interrupt(&self, vcpu: VcpuId, _: bool) {
        assert!(vcpu.0 < VCPUS, "there is no vCPU {}", vcpu.0);
    }
    fn prod(&self, vcpu: VcpuId) {
        assert!(vcpu.0 < VCPUS, "there is no vCPU {}", vcpu.0);
    }
    fn start(&self, vcpu: VcpuId, _: StartState) {
        assert!(self.is_stopped(vcpu), "only a stopped vCPU is started");
        self.set_stopped(vcpu.0, false);
    }
    fn is_stopped(&self, vcpu: VcpuId) -> bool {
        lock(&self.stopped)[vcpu.0 as usize]
    }
    fn system_reset(&self, vcpu: VcpuId) {
        assert!(vcpu.0 < VCPUS, "there is no vCPU {}", vcpu.0);
    }
    fn set_interrupt_little_endian(&self, _: bool) {}
    fn set_interrupt_location(&self, _: InterruptLocation) {}
    fn set_process_table(&self, table: Option<ProcessTable>) {
        if let Some(table) = table {
            assert!(
                (12..=36).contains(&table.size_log2),
                "a table of 2^{} bytes",
                table.size_log2
            );
        }
    }
    fn time_base(&self) -> u64 {
        let mut ticks = lock(&self.ticks);
        *ticks += 1;
        *ticks
    }
    fn random(&self) -> u64 {
        self.time_base().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A vCPU that is only registers.
pub struct Registers {
    /// Which one.
    pub id: u32,
    /// General-purpose registers.
    pub gpr: [u64; 32],
    /// MSR\[PR\].
    pub problem_state: bool,
    /// MSR\[EE\].
    pub external_interrupts: bool,
}

impl Vcpu for Registers {
    fn id(&self) -> VcpuId {
        VcpuId(self.id)
    }
    fn gpr(&self, n: usize) -> u64 {
        self.gpr[n]
    }
    fn set_gpr(&mut self, n: usize, value: u64) {
        self.gpr[n] = value;
    }
    fn problem_state(&self) -> bool {
        self.problem_state
    }
    fn external_interrupts_enabled(&self) -> bool {
        self.external_interrupts
    }
    fn enable_external_interrupts(&mut self) {
        self.external_interrupts = true;
    }
    fn set_special(&mut self, _: Special, _: u64) {}
    fn reset(&mut self, _: &StartState) {
        self.gpr = [0; 32];
    }
}

struct Screen;

impl ConsoleBackend for Screen {
    fn write(&mut self, _: &[u8]) -> bool {
        true
    }
}

/// The configuration of a machine, with this command line and this name.
pub fn config(cmdline: &str, name: &str) -> PlatformConfig {
    PlatformConfig {
        machine: Default::default(),
        vcpus: VCPUS,
        max_vcpus: VCPUS,
        memory: MEMORY,
        cmdline: cmdline.into(),
        initrd: Some(0x800_0000..0x900_0000),
        kernel_start: 0x40_0000,
        rtas_base: 0xF00_0000,
        uuid: uuid::Uuid::from_u128(0x1234),
        name: name.into(),
        rng_seed: [7; 32],
    }
}

/// A machine on a stand-in host.
pub struct Guest {
    /// Its host.
    pub host: Arc<StandIn>,
    /// It.
    pub platform: Platform,
    /// Its persistent memory.
    pub scm: Arc<Scm>,
}

impl Guest {
    /// One with a device plugged cold in slot 0 and one plugged hot in slot 1.
    pub fn new() -> Self {
        Self::with(config("console=hvc0", "guest"), &[Plug::Cold, Plug::Hot])
    }

    /// One of a configuration that is valid, with these devices.
    pub fn with(config: PlatformConfig, devices: &[Plug]) -> Self {
        let scm = scm();
        for (number, how) in (0..).zip(devices) {
            plug(&scm, number, *how);
        }
        let host = Arc::new(StandIn::default());
        let platform = Platform::new(
            host.clone(),
            config,
            Box::new(Screen),
            vec![PersistentMemory::part(&scm)],
        );
        Self {
            platform: platform.expect("the configuration is valid"),
            host,
            scm,
        }
    }

    /// A vCPU at a hypercall.
    pub fn call(&self, gpr: [u64; 32]) -> [u64; 32] {
        let mut vcpu = Registers {
            id: 0,
            gpr,
            problem_state: false,
            external_interrupts: false,
        };
        let _ = self.platform.hypercall(&mut vcpu);
        vcpu.gpr
    }

    /// Calls RTAS with a block at 0x7000 that it writes; the results.
    pub fn rtas(&self, token: u32, arguments: &[u32], results: usize) -> Vec<u32> {
        const BLOCK: u64 = 0x7000;
        let header = [token, arguments.len() as u32, results as u32];
        let words: Vec<u8> = header
            .iter()
            .chain(arguments)
            .flat_map(|word| word.to_be_bytes())
            .collect();
        let memory = &self.host.memory;
        memory.write(BLOCK, &words).expect("the block is in RAM");
        let mut gpr = [0; 32];
        (gpr[3], gpr[4]) = (0xF000, BLOCK);
        assert_eq!(self.call(gpr)[3], 0, "H_RTAS with a block in RAM");
        let mut bytes = vec![0; results * 4];
        memory
            .read(BLOCK + words.len() as u64, &mut bytes)
            .expect("the block is in RAM");
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|&word| u32::from_be_bytes(word)).collect()
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

/// Persistent memory without devices. The threads of its executor are shared by all.
pub fn scm() -> Arc<Scm> {
    static EXECUTOR: OnceLock<Arc<dyn Executor>> = OnceLock::new();
    let executor = EXECUTOR.get_or_init(|| Arc::new(ThreadExecutor::new()));
    let options = ScmOptions {
        slots: 4,
        outstanding_limit: 8,
        drain_limit: Duration::from_secs(5),
        ..ScmOptions::default()
    };
    Arc::new(Scm::with_executor(options, Arc::clone(executor)).expect("random numbers"))
}

/// Plugs a device into this slot; what it lies on.
pub fn plug(scm: &Scm, slot: u32, how: Plug) -> Arc<CrashBacking> {
    let backing = Arc::new(CrashBacking::new(DATA, LABEL).expect("memory for a device"));
    let config = NvdimmConfig::new(format!("pmem{slot}"), "");
    let spec = DeviceSpec {
        id: config.id,
        uuid: config.uuid,
        sync_dax: false,
        numa_node: 0,
        slot: Some(slot),
        guest_address: (8 << 30) + u64::from(slot) * DATA,
    };
    let shared: Arc<dyn Backing> = backing.clone();
    scm.plug(spec, shared, how).expect("the slot is free");
    backing
}
