//! A thousand random plugs, unplugs, flushes and resets, and a guest that answers as it likes: after each step host, guest and files are of
//! one mind. The guest is this test, which makes the hypercalls and RTAS calls that a kernel makes; NVDIMMs and files are real.

mod common;

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use papr::{Action, ConsoleBackend, PersistentMemory};
use papr_scm::abi::{opcode, rtas, status};
use papr_scm::nvdimm::NvdimmConfig;
use papr_scm::{DrcIndex, LogicalState, drc_of_slot, slot_of_drc};
use paprika::machine::{AddError, Machine, MachineConfig, RemoveError};

const STEPS: u32 = 1000;
const DEVICES: u32 = 4;
const H_RTAS: u64 = 0xf000;
const CHECK_EXCEPTION: u32 = 0x200e;
const SET_INDICATOR: u32 = 0x201a;
const CONFIGURE_CONNECTOR: u32 = 0x201e;
/// Where the argument block and buffers are in RAM.
const BLOCK: u64 = 0x4000;
const BUFFER: u64 = 0x8000;
/// The hot-plug events' bit in check-exception's mask.
const HOT_PLUG: u32 = 0x1000_0000;
/// In the log: type, resource, action, index (the fixed part, the extension, and sections PH and UH come before).
const LOG_TYPE: usize = 3;
const LOG_ACTION: usize = 8 + 16 + 48 + 24 + 8 + 1;
const TYPE_HOT_PLUG: u8 = 0xe5;
const ADD: u8 = 1;

struct Nowhere;

impl ConsoleBackend for Nowhere {
    fn write(&mut self, _: &[u8]) -> bool {
        true
    }
}

/// As much of a processor as hypercalls need.
#[derive(Default)]
struct Registers([u64; 32]);

impl Vcpu for Registers {
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

/// What a device should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Absent,
    /// Plugged; the guest does not hold it.
    Offered,
    /// The guest holds it.
    Held,
}

struct Device {
    config: NvdimmConfig,
    place: Place,
    asked_back: bool,
}

struct Storm {
    machine: Machine,
    random: fastrand::Rng,
    devices: Vec<Device>,
    /// Tokens of flushes that the guest has not heard of again.
    tokens: VecDeque<(u32, u64)>,
    flushed: u32,
}

impl Storm {
    fn drc(slot: u32) -> u64 {
        drc_of_slot(slot).value().into()
    }

    fn hypercall(&self, number: u64, arguments: &[u64]) -> (i64, u64) {
        let mut registers = Registers::default();
        registers.0[3] = number;
        registers.0[4..4 + arguments.len()].copy_from_slice(arguments);
        let action = self.machine.platform().hypercall(&mut registers);
        assert!(matches!(action, Action::Resume), "{action:?}");
        (registers.0[3] as i64, registers.0[4])
    }

    /// An RTAS call with one result, its status.
    fn rtas(&self, token: u32, arguments: &[u32]) -> i32 {
        let words = [&[token, arguments.len() as u32, 1], arguments, &[0]].concat();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let ram = self.machine.ram();
        ram.write(BLOCK, &bytes).expect("RAM");
        assert_eq!(self.hypercall(H_RTAS, &[BLOCK]).0, status::H_SUCCESS);
        let mut result = [0; 4];
        let place = BLOCK + bytes.len() as u64 - 4;
        ram.read(place, &mut result).expect("RAM");
        i32::from_be_bytes(result)
    }

    fn indicator(&self, indicator: u32, slot: u32, value: u32) -> bool {
        let arguments = [indicator, drc_of_slot(slot).value(), value];
        loop {
            let status = self.rtas(SET_INDICATOR, &arguments);
            // Outstanding flushes end first.
            if status != rtas::EXTENDED_DELAY_10_MSEC {
                return status == rtas::SUCCESS;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn add(&mut self, slot: u32) {
        let device = &mut self.devices[slot as usize];
        let added = self
            .machine
            .control()
            .add_nvdimm(device.config.clone(), Duration::ZERO);
        match (device.place, added) {
            (Place::Absent, Ok(added)) => {
                assert!(!added.taken);
                device.place = Place::Offered;
                device.asked_back = false;
            }
            (Place::Absent, Err(AddError::NotListening(_))) | (_, Err(_)) => {}
            (place, Ok(_)) => panic!("slot {slot} was {place:?}"),
        }
    }

    fn remove(&mut self, slot: u32) {
        let device = &mut self.devices[slot as usize];
        let removed = self
            .machine
            .control()
            .remove_nvdimm(&device.config.id, Duration::ZERO);
        match (device.place, removed) {
            (Place::Absent, Err(RemoveError::NoSuchDevice(_))) => {}
            (Place::Offered, Ok(removed)) => {
                assert_eq!((removed.sync_failure, removed.released), (None, true));
                device.place = Place::Absent;
            }
            (Place::Held, Err(RemoveError::Unanswered { .. } | RemoveError::NotListening(_))) => {
                device.asked_back = true;
            }
            (place, removed) => panic!("slot {slot} was {place:?}: {removed:?}"),
        }
    }

    /// The guest fetches an event and does what it says, or says that it does not.
    fn listen(&mut self) {
        let arguments = [0x500, 0, HOT_PLUG, 0, BUFFER as u32, 2048];
        if self.rtas(CHECK_EXCEPTION, &arguments) != 0 {
            return;
        }
        let mut log = [0; 256];
        self.machine.ram().read(BUFFER, &mut log).expect("RAM");
        assert_eq!(log[LOG_TYPE], TYPE_HOT_PLUG);
        let index = &log[LOG_ACTION + 3..LOG_ACTION + 7];
        let index = u32::from_be_bytes(index.try_into().expect("four bytes"));
        let slot = slot_of_drc(DrcIndex::from_register(index.into()));
        let slot = slot.expect("one of ours");
        if log[LOG_ACTION] == ADD {
            self.take(slot);
        } else if self.random.u8(0..10) < 7 {
            self.give(slot);
        } else {
            self.indicator(rtas::INDICATOR_ISOLATION_STATE, slot, rtas::UNISOLATED);
            self.unisolated(slot);
        }
    }

    fn take(&mut self, slot: u32) {
        let taken = self.indicator(rtas::INDICATOR_ALLOCATION_STATE, slot, rtas::USABLE)
            && self.indicator(rtas::INDICATOR_ISOLATION_STATE, slot, rtas::UNISOLATED);
        let place = self.devices[slot as usize].place;
        assert_eq!(taken, place != Place::Absent, "slot {slot} was {place:?}");
        if !taken {
            return;
        }
        self.unisolated(slot);
        let mut area = [0; rtas::WORK_AREA_SIZE];
        area[..4].copy_from_slice(&(Self::drc(slot) as u32).to_be_bytes());
        self.machine.ram().write(BUFFER, &area).expect("RAM");
        while self.rtas(CONFIGURE_CONNECTOR, &[BUFFER as u32, 0]) > 0 {}
        let arguments = [Self::drc(slot), 0, 1, u64::MAX, 0];
        let bound = self.hypercall(opcode::H_SCM_BIND_MEM, &arguments).0;
        assert!(
            [status::H_SUCCESS, status::H_OVERLAP].contains(&bound),
            "{bound}"
        );
        self.devices[slot as usize].place = Place::Held;
    }

    /// A guest that unisolates what was asked of it says that it keeps it.
    fn unisolated(&mut self, slot: u32) {
        let device = &mut self.devices[slot as usize];
        if device.place == Place::Held {
            device.asked_back = false;
        }
    }

    fn give(&mut self, slot: u32) {
        self.hypercall(opcode::H_SCM_UNBIND_ALL, &[1, Self::drc(slot), 0]);
        let isolated = self.indicator(rtas::INDICATOR_ISOLATION_STATE, slot, rtas::ISOLATED);
        assert!(isolated, "slot {slot}");
        let given = self.indicator(rtas::INDICATOR_ALLOCATION_STATE, slot, rtas::UNUSABLE);
        assert!(given, "slot {slot}");
        let device = &mut self.devices[slot as usize];
        device.place = match device.place {
            Place::Held if device.asked_back => Place::Absent,
            Place::Held => Place::Offered,
            other => other,
        };
        device.asked_back = false;
    }

    /// Asks until there is an answer, or leaves the token for later.
    fn flush(&mut self, slot: u32, mut token: u64, to_the_end: bool) {
        let device = &self.devices[slot as usize];
        let new = token == 0;
        if let Some(plugged) = self.machine.scm().device_by_id(&device.config.id) {
            let bytes = self.random.u64(..).to_ne_bytes();
            plugged
                .region()
                .host
                .write(u64::from(self.random.u32(..)) % (255 << 20), &bytes)
                .expect("inside");
        }
        loop {
            let (answer, next) = self.hypercall(opcode::H_SCM_FLUSH, &[Self::drc(slot), token]);
            if status::retry_after(answer).is_none() {
                if new && device.place == Place::Held && !device.asked_back {
                    assert_eq!(answer, status::H_SUCCESS, "slot {slot}");
                }
                if device.place == Place::Absent {
                    assert_ne!(answer, status::H_SUCCESS, "slot {slot}");
                }
                self.flushed += u32::from(answer == status::H_SUCCESS);
                return;
            }
            token = next;
            if !to_the_end {
                self.tokens.push_back((slot, token));
                return;
            }
        }
    }

    fn reset(&mut self) {
        self.machine.platform().reset();
        for device in &mut self.devices {
            device.place = match device.place {
                Place::Absent => Place::Absent,
                _ if device.asked_back => Place::Absent,
                _ => Place::Held,
            };
            device.asked_back = false;
        }
    }

    fn step(&mut self) {
        let slot = self.random.u32(0..DEVICES);
        match self.random.u8(0..100) {
            0..18 => self.add(slot),
            18..36 => self.remove(slot),
            36..70 => self.listen(),
            70..85 => self.flush(slot, 0, true),
            85..92 => self.flush(slot, 0, false),
            92..97 => {
                if let Some((slot, token)) = self.tokens.pop_front() {
                    self.flush(slot, token, true);
                }
            }
            _ => self.reset(),
        }
    }

    /// Host, guest and files say the same.
    fn check(&self, step: u32) {
        let state = self.machine.platform().export();
        let text = serde_json::to_string(&state).expect("plain data");
        assert_eq!(
            serde_json::from_str(&text).ok(),
            Some(state.clone()),
            "step {step}"
        );
        let saved = PersistentMemory::state(&state).expect("it is sound");
        let saved = saved.expect("persistent memory").devices;
        for (slot, device) in (0..).zip(&self.devices) {
            let found = saved.iter().find(|it| it.drc == drc_of_slot(slot));
            let id = &device.config.id;
            assert_eq!(
                found.is_some(),
                device.place != Place::Absent,
                "step {step}: {id}"
            );
            if let Some(found) = found {
                let connector = &found.connector;
                let held = connector.state == LogicalState::Configured;
                assert_eq!(held, device.place == Place::Held, "step {step}: {id}");
                assert_eq!(
                    connector.unplug_requested, device.asked_back,
                    "step {step}: {id}"
                );
                assert_eq!(found.failure, None);
            }
            if let Ok(file) = File::open(&device.config.path) {
                let free = || file.try_lock().is_ok();
                if found.is_some() {
                    assert!(!free(), "step {step}: the lock of {id}");
                }
                // The thread of a sync that has just ended lets go of the file moments later.
                let patience = Instant::now() + common::PATIENCE;
                while found.is_none() && !free() {
                    assert!(
                        Instant::now() < patience,
                        "step {step}: {id} is still locked"
                    );
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}

#[test]
fn a_thousand_random_plugs_unplugs_flushes_and_resets_run_clean() {
    let directory = tempfile::tempdir().expect("directory");
    let kernel: PathBuf = guest_kit::GuestKit::ensure_payload(&guest_kit::Progress::auto())
        .unwrap_or_else(|error| panic!("{error}"));
    let mut config = MachineConfig::new(kernel);
    config.memory = 256 << 20;
    let devices = (0..DEVICES).map(|slot| {
        let path = directory.path().join(format!("n{slot}.img"));
        let mut config = NvdimmConfig::new(format!("n{slot}"), path);
        config.size = Some(256 << 20);
        config.slot = Some(slot);
        Device {
            config,
            place: Place::Absent,
            asked_back: false,
        }
    });
    let mut storm = Storm {
        machine: Machine::new(config, Box::new(Nowhere)).unwrap_or_else(|error| panic!("{error}")),
        random: fastrand::Rng::with_seed(11),
        devices: devices.collect(),
        tokens: VecDeque::new(),
        flushed: 0,
    };
    for step in 0..STEPS {
        storm.step();
        storm.check(step);
    }
    assert!(storm.flushed > 50, "{} flushes", storm.flushed);
}
