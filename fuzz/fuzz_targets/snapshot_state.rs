//! The state of a snapshot, or of a machine that moves here: any document is taken in whole, or
//! refused and nothing has changed. What was taken in runs on: nothing that a forged state says may
//! be believed later either.
//!
//! An input is a JSON document; its first line, with length and checksum, is made here. One that is
//! none stands for the state of a machine that has just been made.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use papr::vcpu::VcpuId;
use papr_scm::Plug;
use paprika::load::Layout;
use paprika::machine::state::{
    Blob, BootState, Description, MachineState, Phase, STATE_VERSION, VcpuState, compat,
};
use paprika::snapshot::format::{self, FORMAT_VERSION, StateFile};
use paprika::snapshot::memory::MemoryTable;
use paprika_fuzz::guest::{self, Guest, MEMORY, Registers, VCPUS};
use paprika_fuzz::json;
use power::{Cpu, Exit, Partition};

fn new_guest() -> Guest {
    Guest::with(guest::config("", "guest"), &[Plug::Cold])
}

/// The state of a machine that has just been made.
fn state() -> StateFile {
    let (guest, partition) = (new_guest(), Partition::new(VCPUS));
    let platform = guest.platform.export();
    let vcpu = |id| VcpuState {
        phase: Phase::Running,
        cpu: Cpu::new(&partition, id).expect("a vCPU").export(),
    };
    let empty = Blob::of(b"");
    let machine = MachineState {
        version: STATE_VERSION,
        saved_at_ns: 0,
        description: Description {
            machine: platform.machine.machine.clone(),
            cpus: VCPUS,
            memory: MEMORY,
            name: platform.machine.name.clone(),
            uuid: platform.machine.uuid,
            nvdimms: Vec::new(),
        },
        boot: BootState {
            kernel_path: "/kernel".into(),
            kernel: empty,
            initrd: empty,
            cmdline: String::new(),
            layout: Layout::new(MEMORY, 1 << 20, 0).expect("room"),
        },
        partition: partition.export(),
        vcpus: (0..VCPUS).map(vcpu).collect(),
        platform,
    };
    StateFile {
        paprika: "0".into(),
        memory: MemoryTable {
            size: MEMORY,
            chunks: vec![None; 4],
        },
        machine,
    }
}

static DOCUMENT: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&state()).expect("a state can be written"));

/// The document as a file of the format.
fn file(document: &[u8]) -> Vec<u8> {
    let (length, sum) = (document.len(), crc32fast::hash(document));
    let mut file = format!("paprika-snapshot {FORMAT_VERSION} {length} {sum:08x}\n").into_bytes();
    file.extend(document);
    file
}

fn processors(state: &MachineState) {
    let partition = Partition::new(VCPUS);
    let before = partition.export();
    if partition.import(&state.partition).is_err() {
        let after = partition.export();
        assert!(
            after.process_table == before.process_table,
            "what was refused has changed nothing"
        );
        return;
    }
    for (id, vcpu) in (0..VCPUS).zip(&state.vcpus) {
        let mut cpu = Cpu::new(&partition, id).expect("a vCPU");
        if cpu.import(&vcpu.cpu).is_err() {
            continue;
        }
        // There is no memory: it takes interrupts, and comes back when it has taken enough of them.
        if let Some(signals) = partition.signals(id) {
            signals.raise(power::signals::KICK);
        }
        assert!(!matches!(cpu.run(), Exit::Hypercall), "there is no code");
        let _ = cpu.export();
    }
}

/// Parts whose state does not change by itself.
const CARRIED: [&str; 4] = [
    "interrupt-controller",
    "virtual-processor-areas",
    "events",
    "processors",
];

fn platform(state: MachineState, own: bool) {
    let guest = new_guest();
    let before = guest.platform.export();
    if let Err(error) = guest.platform.import(state.platform) {
        assert!(!own, "our own is understood: {error}");
        // Tokens are random, times go on.
        let after = guest.platform.export();
        assert!(
            CARRIED
                .iter()
                .all(|part| before.parts.get(*part) == after.parts.get(*part)),
            "what was refused has changed nothing"
        );
        return;
    }
    let call = |id, opcode, first| {
        let mut vcpu = Registers {
            id,
            gpr: [0; 32],
            problem_state: false,
            external_interrupts: false,
        };
        (vcpu.gpr[3], vcpu.gpr[4]) = (opcode, first);
        let _ = guest.platform.hypercall(&mut vcpu);
        vcpu.gpr[4]
    };
    for id in 0..VCPUS {
        // H_CPPR, H_XIRR, H_EOI, H_GET_TERM_CHAR, H_CEDE, H_PROD.
        call(id, 0x68, 0xff);
        let source = call(id, 0x74, 0);
        call(id, 0x64, source);
        call(id, 0x54, 0x7100_0000);
        call(id, 0xE0, 0);
        call(id, 0xE4, id.into());
        guest.platform.wait_ended(VcpuId(id));
    }
    guest.rtas(0x2001, &[], 8);
    guest.rtas(0x200E, &[0x500, 0, 0xffff_ffff, 0, 0x6000, 1024], 1);
    guest.rtas(0x201A, &[9001, 0x9000_0000, 0], 1);
    guest.rtas(0x201A, &[9003, 0x9000_0000, 0], 1);
    let again = guest.platform.export();
    guest
        .platform
        .import(again)
        .expect("a machine can go on as what it is");
    guest.platform.reset();
}

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("input");
    // A file as it is: mostly no state.
    let _ = format::decode(bytes, path);
    let own = bytes.first() != Some(&b'{');
    let document: &[u8] = if own { &DOCUMENT } else { bytes };
    let state = match format::decode(&file(document), path) {
        Ok(state) => state,
        Err(error) => {
            assert!(!own, "our own is understood: {error}");
            return;
        }
    };
    let again = format::encode(&state).expect("what was read can be written");
    let again = format::decode(&again, path).expect("what was written can be read");
    assert!(state == again, "it means the same when it is read again");
    let here = Description {
        nvdimms: Vec::new(),
        ..state.machine.description.clone()
    };
    for (saved, here) in [(&state.machine.description, &here), (&here, &here)] {
        if let Err(refusal) = compat::check(saved, here) {
            assert!(!refusal.to_string().is_empty());
        }
    }
    let _ = state.machine.downtime();
    processors(&state.machine);
    platform(state.machine, own);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if data.first() != Some(&b'{') || seed % 256 == 0 {
        let size = DOCUMENT.len().min(max_size);
        data[..size].copy_from_slice(&DOCUMENT[..size]);
        if size == DOCUMENT.len() {
            return json::mutate(data, size, max_size, seed).unwrap_or(size);
        }
    }
    if seed % 8 > 0
        && let Some(size) = json::mutate(data, size, max_size, seed)
    {
        return size;
    }
    fuzzer_mutate(data, size, max_size)
});
