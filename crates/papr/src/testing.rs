//! Stand-ins for tests: a host with 256 MiB of sparse memory that notes what it is told, a vCPU
//! that is only registers, a screen, and a machine made of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use papr_scm::nvdimm::{NvdimmConfig, Plan};
use papr_scm::{Plug, Scm, ScmOptions};

use crate::action::Action;
use crate::config::PlatformConfig;
use crate::console::ConsoleBackend;
use crate::hcall::abi::{H_REGISTER_VPA, H_RTAS, H_SUCCESS};
use crate::host::{GuestMemory, GuestMemoryError, Host, InterruptLocation, ProcessTable};
use crate::platform::Platform;
use crate::scm::PersistentMemory;
use crate::vcpu::{Special, StartState, Vcpu, VcpuId};
use papr_dr::sync::lock;

/// Bytes of RAM.
pub(crate) const MEMORY: u64 = 256 << 20;

const PAGE: u64 = 4096;

/// RAM that holds only the pages that were written.
#[derive(Default)]
pub(crate) struct SparseMemory {
    pages: Mutex<BTreeMap<u64, Box<[u8; PAGE as usize]>>>,
}

impl SparseMemory {
    fn check(address: u64, length: usize) -> Result<(), GuestMemoryError> {
        let end = address.checked_add(length as u64);
        if end.is_some_and(|end| end <= MEMORY) {
            Ok(())
        } else {
            Err(GuestMemoryError { address, length })
        }
    }
}

impl GuestMemory for SparseMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        Self::check(address, buffer.len())?;
        let pages = lock(&self.pages);
        for (at, byte) in (address..).zip(buffer) {
            *byte = pages
                .get(&(at / PAGE))
                .map_or(0, |page| page[(at % PAGE) as usize]);
        }
        Ok(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        Self::check(address, bytes.len())?;
        let mut pages = lock(&self.pages);
        for (at, byte) in (address..).zip(bytes) {
            pages
                .entry(at / PAGE)
                .or_insert_with(|| Box::new([0; PAGE as usize]))[(at % PAGE) as usize] = *byte;
        }
        Ok(())
    }
}

/// What a host was told, interrupt lines aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Prod(u32),
    Start(u32, StartState),
    SystemReset(u32),
    LittleEndian(bool),
    Location(InterruptLocation),
    ProcessTable(Option<ProcessTable>),
}

/// A host that takes notes.
#[derive(Default)]
pub(crate) struct FakeHost {
    memory: SparseMemory,
    interrupt_lines: Mutex<Vec<(u32, bool)>>,
    events: Mutex<Vec<Event>>,
    stopped: Mutex<Vec<u32>>,
    ticks: AtomicU64,
}

impl FakeHost {
    pub(crate) fn new() -> Arc<FakeHost> {
        Arc::new(FakeHost::default())
    }

    /// A host with the same memory, stopped vCPUs and time, and no notes yet.
    pub(crate) fn copy(&self) -> Arc<FakeHost> {
        Arc::new(FakeHost {
            memory: SparseMemory {
                pages: Mutex::new(lock(&self.memory.pages).clone()),
            },
            stopped: Mutex::new(lock(&self.stopped).clone()),
            ticks: AtomicU64::new(self.ticks.load(Ordering::Relaxed)),
            ..FakeHost::default()
        })
    }

    /// How interrupt lines were driven, in order.
    pub(crate) fn interrupt_lines(&self) -> Vec<(u32, bool)> {
        lock(&self.interrupt_lines).clone()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.events).clone()
    }

    pub(crate) fn stop(&self, vcpu: u32) {
        lock(&self.stopped).push(vcpu);
    }

    /// Forgets its notes, so that a long run does not pile them up.
    pub(crate) fn forget(&self) {
        lock(&self.events).clear();
        lock(&self.interrupt_lines).clear();
    }

    fn note(&self, event: Event) {
        lock(&self.events).push(event);
    }
}

impl Host for FakeHost {
    fn memory(&self) -> &dyn GuestMemory {
        &self.memory
    }

    fn set_external_interrupt(&self, vcpu: VcpuId, asserted: bool) {
        lock(&self.interrupt_lines).push((vcpu.0, asserted));
    }

    fn prod(&self, vcpu: VcpuId) {
        self.note(Event::Prod(vcpu.0));
    }

    fn start(&self, vcpu: VcpuId, state: StartState) {
        lock(&self.stopped).retain(|stopped| *stopped != vcpu.0);
        self.note(Event::Start(vcpu.0, state));
    }

    fn is_stopped(&self, vcpu: VcpuId) -> bool {
        lock(&self.stopped).contains(&vcpu.0)
    }

    fn system_reset(&self, vcpu: VcpuId) {
        self.note(Event::SystemReset(vcpu.0));
    }

    fn set_interrupt_little_endian(&self, little: bool) {
        self.note(Event::LittleEndian(little));
    }

    fn set_interrupt_location(&self, location: InterruptLocation) {
        self.note(Event::Location(location));
    }

    fn set_process_table(&self, table: Option<ProcessTable>) {
        self.note(Event::ProcessTable(table));
    }

    fn time_base(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn random(&self) -> u64 {
        self.time_base().wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// A vCPU that is only registers.
pub(crate) struct FakeCpu {
    id: u32,
    pub(crate) gprs: [u64; 32],
    pub(crate) problem_state: bool,
    pub(crate) external_interrupts: bool,
    pub(crate) specials: Vec<(Special, u64)>,
}

impl Vcpu for FakeCpu {
    fn id(&self) -> VcpuId {
        VcpuId(self.id)
    }

    fn gpr(&self, n: usize) -> u64 {
        self.gprs[n]
    }

    fn set_gpr(&mut self, n: usize, value: u64) {
        self.gprs[n] = value;
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

    fn set_special(&mut self, register: Special, value: u64) {
        self.specials.push((register, value));
    }

    fn reset(&mut self, _: &StartState) {
        self.gprs = [0; 32];
    }
}

/// A screen that remembers what was written to it.
#[derive(Clone, Default)]
pub(crate) struct Screen {
    state: Arc<Mutex<ScreenState>>,
}

#[derive(Default)]
struct ScreenState {
    text: Vec<u8>,
    refuses: bool,
    reads: usize,
}

impl Screen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.state).text).into_owned()
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        lock(&self.state).refuses = refuses;
    }

    /// How often the guest read input.
    pub(crate) fn reads(&self) -> usize {
        lock(&self.state).reads
    }
}

impl ConsoleBackend for Screen {
    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut state = lock(&self.state);
        if !state.refuses {
            state.text.extend_from_slice(bytes);
        }
        !state.refuses
    }

    fn input_read(&mut self) {
        lock(&self.state).reads += 1;
    }
}

/// A usual machine's configuration.
pub(crate) fn config(vcpus: u32) -> PlatformConfig {
    PlatformConfig {
        machine: Default::default(),
        vcpus,
        max_vcpus: vcpus,
        memory: MEMORY,
        cmdline: "console=hvc0".into(),
        initrd: Some(0x800_0000..0x900_0000),
        kernel_start: 0x40_0000,
        rtas_base: 0xF00_0000,
        uuid: uuid::Uuid::from_u128(0x1234),
        name: "test".into(),
        rng_seed: [7; 32],
    }
}

/// A machine whose vCPUs all run.
pub(crate) struct Machine {
    pub(crate) platform: Platform,
    pub(crate) host: Arc<FakeHost>,
    pub(crate) screen: Screen,
}

impl Machine {
    /// Where this module puts RTAS argument blocks.
    const BLOCK: u64 = 0x7000;

    pub(crate) fn new(vcpus: u32) -> Machine {
        Self::with_scm(vcpus, None)
    }

    /// A machine with persistent memory.
    pub(crate) fn with_scm(vcpus: u32, scm: Option<Arc<Scm>>) -> Machine {
        Self::on(FakeHost::new(), config(vcpus), scm)
    }

    /// A machine on a host.
    pub(crate) fn on(
        host: Arc<FakeHost>,
        config: PlatformConfig,
        scm: Option<Arc<Scm>>,
    ) -> Machine {
        let screen = Screen::default();
        let parts = scm.iter().map(PersistentMemory::part).collect();
        let platform = Platform::new(host.clone(), config, Box::new(screen.clone()), parts);
        Machine {
            platform: platform.expect("it is a usual machine"),
            host,
            screen,
        }
    }

    pub(crate) fn cpu(&self, id: u32) -> FakeCpu {
        FakeCpu {
            id,
            gprs: [0; 32],
            problem_state: false,
            external_interrupts: false,
            specials: Vec::new(),
        }
    }

    /// Makes a hypercall; answers the status and r4 on.
    pub(crate) fn hcall_outputs(&self, cpu: u32, opcode: u64, args: &[u64]) -> (i64, [u64; 9]) {
        let mut cpu = self.cpu(cpu);
        cpu.gprs[3] = opcode;
        cpu.gprs[4..4 + args.len()].copy_from_slice(args);
        let _ = self.platform.hypercall(&mut cpu);
        (cpu.gprs[3] as i64, std::array::from_fn(|n| cpu.gprs[4 + n]))
    }

    /// Makes a hypercall; answers the status and what becomes of the caller.
    pub(crate) fn hcall(&self, cpu: u32, opcode: u64, args: &[u64]) -> (i64, Action) {
        let mut cpu = self.cpu(cpu);
        cpu.gprs[3] = opcode;
        cpu.gprs[4..4 + args.len()].copy_from_slice(args);
        let action = self.platform.hypercall(&mut cpu);
        (cpu.gprs[3] as i64, action)
    }

    pub(crate) fn write_words(&self, address: u64, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.host
            .memory()
            .write(address, &bytes)
            .expect("in memory");
    }

    pub(crate) fn read_words(&self, address: u64, count: usize) -> Vec<u32> {
        let mut bytes = vec![0; count * 4];
        self.host
            .memory()
            .read(address, &mut bytes)
            .expect("in memory");
        bytes
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().expect("4 bytes")))
            .collect()
    }

    /// Calls RTAS; answers what becomes of the caller.
    fn rtas_call(&self, cpu: u32, token: u32, args: &[u32], results: usize) -> Action {
        let header = [token, args.len() as u32, results as u32];
        self.write_words(
            Self::BLOCK,
            &[&header, args, &vec![0xDEAD_BEEF; results]].concat(),
        );
        let (status, action) = self.hcall(cpu, H_RTAS, &[Self::BLOCK]);
        assert_eq!(status, H_SUCCESS);
        action
    }

    /// Calls RTAS by token; answers the results, the status first.
    pub(crate) fn rtas(&self, cpu: u32, token: u32, args: &[u32], results: usize) -> Vec<i32> {
        let _ = self.rtas_call(cpu, token, args, results);
        let at = Self::BLOCK + 12 + args.len() as u64 * 4;
        self.read_words(at, results)
            .into_iter()
            .map(|word| word as i32)
            .collect()
    }

    /// The token of a service.
    pub(crate) fn token(&self, name: &str) -> u32 {
        let mut services = self.platform.rtas.services();
        let service = services.find(|service| service.name() == name);
        service.expect("there is such a service").token()
    }

    /// Calls RTAS by name; answers the results, the status first.
    pub(crate) fn rtas_named(
        &self,
        cpu: u32,
        name: &str,
        args: &[u32],
        results: usize,
    ) -> Vec<i32> {
        self.rtas(cpu, self.token(name), args, results)
    }

    /// Calls RTAS by name; answers what becomes of the caller.
    pub(crate) fn rtas_action(&self, cpu: u32, name: &str, args: &[u32], results: usize) -> Action {
        self.rtas_call(cpu, self.token(name), args, results)
    }

    /// Routes a source to a vCPU and lets it through.
    pub(crate) fn open_interrupts(&self, cpu: u32, source: u32) {
        assert_eq!(
            self.rtas_named(cpu, "ibm,set-xive", &[source, cpu, 5], 1),
            [0]
        );
        self.platform.xics.set_cppr(cpu, 0xFF);
    }

    /// Registers a VPA at `address`.
    pub(crate) fn register_vpa(&self, cpu: u32, address: u64) {
        self.host
            .memory()
            .write(address + 4, &1024u16.to_be_bytes())
            .expect("in memory");
        let args = [1 << (63 - 18), cpu.into(), address];
        assert_eq!(self.hcall(cpu, H_REGISTER_VPA, &args).0, H_SUCCESS);
    }
}

/// Where the device of [`with_nvdimm`] lies.
pub(crate) const NVDIMM_ADDRESS: u64 = MEMORY;

/// A machine of one vCPU with one persistent-memory device in slot 0, backed by a file that is
/// deleted already.
pub(crate) fn with_nvdimm(plug: Plug) -> Machine {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("nvdimm.img");
    let config: NvdimmConfig = format!("id=n,path={},size=256M", path.display())
        .parse()
        .expect("it is well-formed");
    let options = ScmOptions {
        slots: 4,
        ..ScmOptions::default()
    };
    let scm = Scm::new(options).expect("an executor");
    for nvdimm in Plan::new(vec![config])
        .expect("it can be")
        .open()
        .expect("it can be made")
    {
        let spec = nvdimm.spec(NVDIMM_ADDRESS);
        scm.plug(spec, nvdimm.backing, plug)
            .expect("the slot is free");
    }
    Machine::with_scm(1, Some(Arc::new(scm)))
}
