//! A part of the platform that this crate does not know: what it registers is answered, announced
//! and carried. No file of the crate is changed for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use device_tree::Node;
use papr::hcall::{Call, Hypercall, Reply};
use papr::host::{GuestMemory, GuestMemoryError, Host, InterruptLocation, ProcessTable};
use papr::part::{Commit, Part, PartStateError, from_value, to_value};
use papr::rtas::{Answer, Request, Service};
use papr::state::{ImportError, PlatformState};
use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use papr::{Action, ConfigError, ConsoleBackend, LMB_SIZE, Platform, PlatformConfig};
use serde_json::Value;

/// An opcode and a token that no part of the crate has.
const H_COUNT: u64 = 0xE000;
const COUNT_TOKEN: u32 = 0x2F00;
const H_RTAS: u64 = 0xF000;

/// A counter: a hypercall adds to it, an RTAS service reads it.
#[derive(Default)]
struct Counter(AtomicU64);

impl Counter {
    const LIMIT: u64 = 1000;

    fn add(&self, call: &mut Call<'_>) -> Reply {
        let sum = self.0.fetch_add(call.arg(0), Ordering::Relaxed) + call.arg(0);
        call.output(0, sum);
        Reply::SUCCESS
    }

    fn read(&self, request: &Request<'_>) -> Answer {
        let factor = request.args.first().copied().unwrap_or(0);
        Answer::values([self.0.load(Ordering::Relaxed) as u32 * factor])
    }
}

impl Part for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![Hypercall::new(H_COUNT, &self, Counter::add)]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-count"]
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![Service::new(
            COUNT_TOKEN,
            "paprika,count",
            1..=1,
            2,
            &self,
            Counter::read,
        )]
    }

    fn device_tree(&self) -> Vec<Node> {
        let node = Node::new("counter").string("compatible", "paprika,counter");
        vec![node, Node::new("chosen").u32("paprika,counts", 1)]
    }

    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn state_version(&self) -> Option<u32> {
        Some(3)
    }

    fn export(&self) -> Value {
        to_value(&self.0.load(Ordering::Relaxed))
    }

    fn import<'a>(&'a self, version: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        // Versions below 3 counted in tens.
        let unit = if version < 3 { 10 } else { 1 };
        let count: u64 = from_value(state)?;
        match count
            .checked_mul(unit)
            .filter(|count| *count <= Self::LIMIT)
        {
            Some(count) => Ok(Box::new(move || self.0.store(count, Ordering::Relaxed))),
            None => Err(PartStateError::Refused(format!("{count} is too many"))),
        }
    }
}

/// RAM of one memory block, and no processors.
struct Monitor(Mutex<Vec<u8>>);

impl GuestMemory for Monitor {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), GuestMemoryError> {
        let (ram, length) = (self.0.lock().expect("no panic"), buffer.len());
        let bytes = ram.get(address as usize..address as usize + length);
        buffer.copy_from_slice(bytes.ok_or(GuestMemoryError { address, length })?);
        Ok(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<(), GuestMemoryError> {
        let (mut ram, length) = (self.0.lock().expect("no panic"), bytes.len());
        let to = ram.get_mut(address as usize..address as usize + length);
        to.ok_or(GuestMemoryError { address, length })?
            .copy_from_slice(bytes);
        Ok(())
    }
}

impl Host for Monitor {
    fn memory(&self) -> &dyn GuestMemory {
        self
    }
    fn set_external_interrupt(&self, _: VcpuId, _: bool) {}
    fn prod(&self, _: VcpuId) {}
    fn start(&self, _: VcpuId, _: StartState) {}
    fn is_stopped(&self, _: VcpuId) -> bool {
        false
    }
    fn system_reset(&self, _: VcpuId) {}
    fn set_interrupt_little_endian(&self, _: bool) {}
    fn set_interrupt_location(&self, _: InterruptLocation) {}
    fn set_process_table(&self, _: Option<ProcessTable>) {}
    fn time_base(&self) -> u64 {
        1
    }
    fn random(&self) -> u64 {
        4
    }
}

struct Cpu([u64; 32]);

impl Vcpu for Cpu {
    fn id(&self) -> VcpuId {
        VcpuId(0)
    }
    fn gpr(&self, n: usize) -> u64 {
        self.0[n]
    }
    fn set_gpr(&mut self, n: usize, value: u64) {
        self.0[n] = value;
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

struct Nowhere;

impl ConsoleBackend for Nowhere {
    fn write(&mut self, _: &[u8]) -> bool {
        true
    }
}

fn monitor() -> Arc<Monitor> {
    Arc::new(Monitor(Mutex::new(vec![0; 0x1_0000])))
}

fn machine(host: Arc<Monitor>, parts: Vec<Arc<dyn Part>>) -> Result<Platform, ConfigError> {
    let config = PlatformConfig {
        machine: Default::default(),
        vcpus: 1,
        max_vcpus: 1,
        memory: LMB_SIZE,
        cmdline: String::new(),
        initrd: None,
        kernel_start: 0,
        rtas_base: 0x200_0000,
        uuid: uuid::Uuid::nil(),
        name: "guest".into(),
        rng_seed: [0; 32],
    };
    Platform::new(host, config, Box::new(Nowhere), parts)
}

fn counting() -> Platform {
    machine(monitor(), vec![Arc::new(Counter::default())]).expect("there can be such a machine")
}

fn count(platform: &Platform, number: u64) -> (u64, u64) {
    let mut cpu = Cpu([0; 32]);
    (cpu.0[3], cpu.0[4]) = (H_COUNT, number);
    assert_eq!(platform.hypercall(&mut cpu), Action::Resume);
    (cpu.0[3], cpu.0[4])
}

#[test]
fn its_hypercall_is_answered_and_without_it_there_is_none() {
    let platform = counting();
    assert_eq!(count(&platform, 5), (0, 5));
    assert_eq!(count(&platform, 2), (0, 7));
    platform.reset();
    assert_eq!(count(&platform, 1), (0, 1));
    let without = machine(monitor(), Vec::new()).expect("there can be such a machine");
    assert_eq!(count(&without, 5).0 as i64, -2, "H_FUNCTION");
}

#[test]
fn its_service_has_a_token_in_the_tree_and_answers_and_its_nodes_are_there() {
    const BLOCK: u64 = 0x8000;
    let host = monitor();
    let platform = machine(host.clone(), vec![Arc::new(Counter::default())]);
    let platform = platform.expect("there can be such a machine");
    count(&platform, 7);
    let blob = platform.device_tree().expect("it fits");
    let tree = fdt::Fdt::new(&blob).expect("it is a tree");
    let property = |node: &str, name: &str| {
        let node = tree.find_node(node).expect(node);
        node.property(name).expect(name).value.to_vec()
    };
    assert_eq!(property("/counter", "compatible"), b"paprika,counter\0");
    assert_eq!(property("/chosen", "paprika,counts"), [0, 0, 0, 1]);
    let groups = property("/rtas", "ibm,hypertas-functions");
    let groups = String::from_utf8(groups).expect("text");
    assert!(groups.split('\0').any(|group| group == "hcall-count"));
    let token = property("/rtas", "paprika,count");
    assert_eq!(token, COUNT_TOKEN.to_be_bytes());

    let words = [&token[..], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 6]].concat();
    host.write(BLOCK, &words).expect("in memory");
    let mut cpu = Cpu([0; 32]);
    (cpu.0[3], cpu.0[4]) = (H_RTAS, BLOCK);
    assert_eq!(platform.hypercall(&mut cpu), Action::Resume);
    let mut results = [0xFF; 8];
    host.read(BLOCK + 16, &mut results).expect("in memory");
    assert_eq!(results, [0, 0, 0, 0, 0, 0, 0, 42]);
}

#[test]
fn its_state_survives_export_and_import_and_a_platform_without_it_refuses_it() {
    let saved = counting();
    count(&saved, 9);
    let text = serde_json::to_string(&saved.export()).expect("plain data");
    let state: PlatformState = serde_json::from_str(&text).expect("what was written");
    let restored = counting();
    assert_eq!(restored.import(state.clone()), Ok(()));
    assert_eq!(count(&restored, 1), (0, 10));

    let without = machine(monitor(), Vec::new()).expect("there can be such a machine");
    let refused = without.import(state).expect_err("it has no counter");
    assert_eq!(refused, ImportError::UnknownPart("counter".into()));
    assert_eq!(
        refused.to_string(),
        "the saved machine has a counter, and this one has none; start it as it was saved"
    );
    let refused = restored
        .import(without.export())
        .expect_err("it lacks a counter");
    assert_eq!(refused, ImportError::MissingPart("counter".into()));
    assert_eq!(
        refused.to_string(),
        "the saved machine has no counter, and this one has; start it as it was saved"
    );
    assert_eq!(count(&restored, 0), (0, 10), "a refusal changes nothing");
}

#[test]
fn an_older_state_is_understood_a_newer_and_a_wrong_one_refused_with_the_reason() {
    let platform = counting();
    let mut state = platform.export();
    platform.console_input(b"typed");
    let before = platform.export();
    state.replace("counter", 2, &5);
    assert_eq!(platform.import(state.clone()), Ok(()));
    assert_eq!(count(&platform, 0), (0, 50));
    platform.import(before.clone()).expect("its own");
    for (version, number, sentence) in [
        (4, 5, "of version 4, and this program reads versions 1 to 3"),
        (0, 5, "of version 0"),
        (3, 5000, "5000 is too many"),
    ] {
        state.replace("counter", version, &number);
        let refused = platform
            .import(state.clone())
            .expect_err("it can't be")
            .to_string();
        assert!(refused.contains(sentence), "{refused}");
        assert_eq!(platform.export(), before, "nothing has changed");
    }
    state.replace("counter", 3, &"five");
    let damaged = ImportError::Damaged("counter".into());
    assert_eq!(platform.import(state), Err(damaged));
}

/// Something that registers what others have already.
struct Intruder(Registers);

type Registers = fn(&Arc<Intruder>) -> (Vec<Hypercall>, Vec<Service>);

impl Part for Intruder {
    fn name(&self) -> &'static str {
        "intruder"
    }
    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        (self.0)(&self).0
    }
    fn services(self: Arc<Self>) -> Vec<Service> {
        (self.0)(&self).1
    }
}

fn with_intruder(registers: Registers) -> String {
    let parts: Vec<Arc<dyn Part>> =
        vec![Arc::new(Counter::default()), Arc::new(Intruder(registers))];
    let refused = machine(monitor(), parts).err();
    refused.expect("two parts have the same").to_string()
}

#[test]
fn what_two_parts_register_is_refused_with_a_sentence() {
    const SERVICE: fn(u32, &'static str, &Arc<Intruder>) -> Service =
        |token, name, part| Service::new(token, name, 0..=0, 1, part, |_, _| Answer::SUCCESS);
    let refused = with_intruder(|part| {
        let hypercall = Hypercall::new(H_COUNT, part, |_, _| Reply::SUCCESS);
        (vec![hypercall], Vec::new())
    });
    assert_eq!(
        refused,
        "the hypercall 0xe000 is both that of counter and of intruder; leave one of these parts out"
    );
    let rtas = with_intruder(|part| {
        let hypercall = Hypercall::new(H_RTAS, part, |_, _| Reply::SUCCESS);
        (vec![hypercall], Vec::new())
    });
    assert!(rtas.contains("0xf000"), "{rtas}");
    let name = with_intruder(|part| (Vec::new(), vec![SERVICE(0x2F01, "paprika,count", part)]));
    assert!(
        name.contains("paprika,count") && name.contains("counter"),
        "{name}"
    );
    let token = with_intruder(|part| (Vec::new(), vec![SERVICE(COUNT_TOKEN, "other", part)]));
    assert!(
        token.contains("0x2f00") && token.contains("intruder"),
        "{token}"
    );
    let shape = with_intruder(|part| {
        let service = Service::new(0x2F01, "big", 0..=16, 1, part, |_, _| Answer::SUCCESS);
        (Vec::new(), vec![service])
    });
    assert!(
        shape.contains("more arguments and results than a call can have"),
        "{shape}"
    );
    let twice = (0..2).map(|_| Arc::new(Counter::default()) as Arc<dyn Part>);
    let twice = machine(monitor(), twice.collect()).err();
    assert_eq!(twice, Some(ConfigError::DuplicatePart("counter")));
}
