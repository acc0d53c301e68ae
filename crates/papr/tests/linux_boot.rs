//! A monitor that knows this crate from outside, and the calls that Linux makes while it boots, in
//! Linux's order: what it needs must be reachable, and every call must succeed.

use std::sync::{Arc, Mutex};

use fdt::Fdt;
use papr::host::{GuestMemory, GuestMemoryError, Host, InterruptLocation, ProcessTable};
use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use papr::{Action, ConsoleBackend, LMB_SIZE, MachineExit, Platform, PlatformConfig};

const VTY: u64 = 0x7100_0000;
const DEVICE_TREE: u64 = 0x100_0000;
const RTAS: u64 = 0x200_0000;

/// RAM of one memory block.
struct Ram(Mutex<Vec<u8>>);

impl Ram {
    fn with<R>(
        &self,
        address: u64,
        length: usize,
        work: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, GuestMemoryError> {
        let mut ram = self.0.lock().expect("no test thread died");
        let range = usize::try_from(address)
            .ok()
            .and_then(|start| Some(start..start.checked_add(length)?));
        let bytes = range.and_then(|range| ram.get_mut(range));
        bytes.map(work).ok_or(GuestMemoryError { address, length })
    }
}

impl GuestMemory for Ram {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        self.with(address, buffer.len(), |bytes| buffer.copy_from_slice(bytes))
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        self.with(address, bytes.len(), |to| to.copy_from_slice(bytes))
    }
}

/// What a monitor keeps of its vCPUs.
#[derive(Default)]
struct Processors {
    interrupt_lines: [bool; 2],
    stopped: [bool; 2],
    started: Option<(VcpuId, StartState)>,
    little_endian: bool,
    location: Option<InterruptLocation>,
    table: Option<ProcessTable>,
}

struct Monitor {
    ram: Ram,
    processors: Mutex<Processors>,
}

impl Monitor {
    fn processors(&self) -> std::sync::MutexGuard<'_, Processors> {
        self.processors.lock().expect("no test thread died")
    }
}

impl Host for Monitor {
    fn memory(&self) -> &dyn GuestMemory {
        &self.ram
    }
    fn set_external_interrupt(&self, vcpu: VcpuId, asserted: bool) {
        self.processors().interrupt_lines[vcpu.0 as usize] = asserted;
    }
    fn prod(&self, _: VcpuId) {}
    fn start(&self, vcpu: VcpuId, state: StartState) {
        let mut processors = self.processors();
        processors.stopped[vcpu.0 as usize] = false;
        processors.started = Some((vcpu, state));
    }
    fn is_stopped(&self, vcpu: VcpuId) -> bool {
        self.processors().stopped[vcpu.0 as usize]
    }
    fn system_reset(&self, _: VcpuId) {}
    fn set_interrupt_little_endian(&self, little: bool) {
        self.processors().little_endian = little;
    }
    fn set_interrupt_location(&self, location: InterruptLocation) {
        self.processors().location = Some(location);
    }
    fn set_process_table(&self, table: Option<ProcessTable>) {
        self.processors().table = table;
    }
    fn time_base(&self) -> u64 {
        512_000_000
    }
    fn random(&self) -> u64 {
        4
    }
}

struct Cpu {
    id: u32,
    gprs: [u64; 32],
}

impl Vcpu for Cpu {
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
        false
    }
    fn external_interrupts_enabled(&self) -> bool {
        false
    }
    fn enable_external_interrupts(&mut self) {}
    fn set_special(&mut self, _: Special, _: u64) {}
    fn reset(&mut self, _: &StartState) {}
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl ConsoleBackend for Output {
    fn write(&mut self, bytes: &[u8]) -> bool {
        self.0
            .lock()
            .expect("no test thread died")
            .extend_from_slice(bytes);
        true
    }
}

struct Guest {
    platform: Platform,
    monitor: Arc<Monitor>,
    output: Output,
}

impl Guest {
    fn new() -> Guest {
        let processors = Processors {
            stopped: [false, true],
            ..Processors::default()
        };
        let ram = Ram(Mutex::new(vec![0; LMB_SIZE as usize]));
        let monitor = Arc::new(Monitor {
            ram,
            processors: Mutex::new(processors),
        });
        let config = PlatformConfig {
            machine: "pseries".parse().expect("it is the default"),
            vcpus: 2,
            max_vcpus: 2,
            memory: LMB_SIZE,
            cmdline: String::new(),
            initrd: None,
            kernel_start: 0,
            rtas_base: RTAS,
            uuid: uuid::Uuid::nil(),
            name: "guest".into(),
            rng_seed: [0; 32],
        };
        let output = Output::default();
        let platform = Platform::new(
            monitor.clone(),
            config,
            Box::new(output.clone()),
            Vec::new(),
        );
        let platform = platform.expect("there can be such a machine");
        let tree = platform.device_tree().expect("it fits");
        monitor
            .ram
            .write(DEVICE_TREE, &tree)
            .expect("it lies in RAM");
        monitor
            .ram
            .write(RTAS, &platform.rtas_stub())
            .expect("it lies in RAM");
        Guest {
            platform,
            monitor,
            output,
        }
    }

    /// Makes a hypercall; answers r3, r4 and what becomes of the caller.
    fn call(&self, cpu: u32, opcode: u64, args: &[u64]) -> (i64, u64, Action) {
        let mut cpu = Cpu {
            id: cpu,
            gprs: [0; 32],
        };
        cpu.gprs[3] = opcode;
        cpu.gprs[4..4 + args.len()].copy_from_slice(args);
        let action = self.platform.hypercall(&mut cpu);
        (cpu.gprs[3] as i64, cpu.gprs[4], action)
    }

    /// Makes a hypercall that has to succeed; answers r4.
    fn succeed(&self, cpu: u32, opcode: u64, args: &[u64]) -> u64 {
        let (status, output, action) = self.call(cpu, opcode, args);
        assert_eq!(
            (status, action),
            (0, Action::Resume),
            "{opcode:#x} {args:x?}"
        );
        output
    }

    /// Calls the service whose token the tree in guest memory tells; answers the results and what
    /// becomes of the caller.
    fn rtas(&self, name: &str, args: &[u32], results: usize) -> (Vec<u32>, Action) {
        const BLOCK: u64 = 0x8000;
        let mut tree = vec![0; 0x1_0000];
        self.monitor
            .ram
            .read(DEVICE_TREE, &mut tree)
            .expect("it lies in RAM");
        let tree = Fdt::new(&tree).expect("it is a tree");
        let node = tree.find_node("/rtas").expect("it exists");
        let token = node
            .property(name)
            .and_then(|token| token.as_usize())
            .expect(name) as u32;
        let header = [token, args.len() as u32, results as u32];
        let words: Vec<u8> = header
            .iter()
            .chain(args)
            .flat_map(|word| word.to_be_bytes())
            .collect();
        self.monitor
            .ram
            .write(BLOCK, &words)
            .expect("it lies in RAM");
        let (status, _, action) = self.call(0, 0xF000, &[BLOCK]);
        assert_eq!(status, 0, "{name}");
        let mut bytes = vec![0; results * 4];
        self.monitor
            .ram
            .read(BLOCK + words.len() as u64, &mut bytes)
            .expect("it lies in RAM");
        let results = bytes
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().expect("4 bytes")));
        (results.collect(), action)
    }
}

#[test]
fn the_calls_of_a_booting_linux_succeed_in_order() {
    let guest = Guest::new();

    // Early setup of the boot CPU: console, VPA, endianness, interrupt location, translation.
    let text = u64::from_be_bytes(*b"Linux!\n\0");
    guest.succeed(0, 0x58, &[0, 7, text, 0]);
    let vpa = 0x3_0000;
    guest
        .monitor
        .ram
        .write(vpa + 4, &1024_u16.to_be_bytes())
        .expect("it lies in RAM");
    guest.succeed(0, 0xDC, &[1 << 45, 0, vpa]);
    guest.succeed(0, 0x31C, &[1, 4, 0, 0]);
    guest.succeed(0, 0x31C, &[3, 3, 0, 0]);
    guest.succeed(0, 0x37C, &[0x1D, 0x80_0000, 0, 4]);
    guest.succeed(0, 0x1C8, &[]);

    // Time, interrupts, the console's interrupt.
    let (time, _) = guest.rtas("get-time-of-day", &[], 8);
    assert!(time[0] == 0 && time[1] > 2000);
    guest.succeed(0, 0x68, &[0xFF]);
    assert_eq!(guest.rtas("ibm,get-xive", &[0x1100], 3).0, [0, 0, 0xFF]);
    assert_eq!(guest.rtas("ibm,set-xive", &[0x1100, 0, 5], 1).0, [0]);
    assert_eq!(guest.rtas("ibm,int-on", &[0x1100], 1).0, [0]);

    // The second CPU.
    assert_eq!(guest.rtas("query-cpu-stopped-state", &[1], 2).0, [0, 0]);
    assert_eq!(guest.rtas("start-cpu", &[1, 0x60, 1], 1).0, [0]);
    guest.succeed(1, 0x68, &[0xFF]);
    guest.succeed(0, 0x6C, &[1, 4]);
    assert!(guest.monitor.processors().interrupt_lines[1]);
    assert_eq!(guest.succeed(1, 0x74, &[]), 0xFF00_0002);
    guest.succeed(1, 0x6C, &[1, 0xFF]);
    guest.succeed(1, 0x64, &[0xFF00_0002]);
    assert!(!guest.monitor.processors().interrupt_lines[1]);

    // A user types, the guest idles and reads.
    assert_eq!(guest.call(0, 0xE0, &[]).2, Action::Cede);
    assert_eq!(guest.platform.console_input(b"x"), 1);
    assert!(guest.monitor.processors().interrupt_lines[0]);
    assert_eq!(guest.succeed(0, 0x74, &[]), 0xFF00_1100);
    assert_eq!(guest.succeed(0, 0x54, &[VTY]), 1);
    guest.succeed(0, 0x64, &[0xFF00_1100]);

    // The end.
    let (_, action) = guest.rtas("power-off", &[u32::MAX, u32::MAX], 1);
    assert_eq!(action, Action::Exit(MachineExit::PowerOff));

    let processors = guest.monitor.processors();
    assert!(processors.little_endian);
    assert_eq!(processors.location, Some(InterruptLocation::Relocated));
    let table = ProcessTable {
        base: 0x80_0000,
        size_log2: 16,
        radix: true,
        gtse: true,
    };
    assert_eq!(processors.table, Some(table));
    assert_eq!(
        processors.started.map(|(vcpu, state)| (vcpu, state.nia)),
        Some((VcpuId(1), 0x60))
    );
    assert_eq!(
        *guest.output.0.lock().expect("no test thread died"),
        b"Linux!\n"
    );
}

#[test]
fn after_a_reset_the_machine_boots_again() {
    let guest = Guest::new();
    guest.succeed(0, 0x31C, &[1, 4, 0, 0]);
    guest.succeed(0, 0x37C, &[0x1D, 0x80_0000, 0, 4]);
    guest.succeed(0, 0x68, &[0xFF]);
    guest.succeed(0, 0x6C, &[0, 4]);
    assert!(guest.monitor.processors().interrupt_lines[0]);
    let (_, action) = guest.rtas("system-reboot", &[], 1);
    assert_eq!(action, Action::Exit(MachineExit::Reboot));
    guest.platform.reset();
    let processors = guest.monitor.processors();
    assert_eq!(
        (
            processors.interrupt_lines,
            processors.little_endian,
            processors.table
        ),
        ([false; 2], false, None)
    );
    drop(processors);
    assert_eq!(
        guest.succeed(0, 0x74, &[]),
        0,
        "nothing is presented, and CPPR is 0"
    );
}
