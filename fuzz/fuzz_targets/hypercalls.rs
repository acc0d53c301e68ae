//! Hypercalls and RTAS argument blocks: a guest that tries everything gets an answer, and the
//! machine goes on answering.
#![no_main]

use libfuzzer_sys::fuzz_target;
use papr::host::GuestMemory;
use papr::vcpu::VcpuId;
use papr::{Action, HotPlug, HotPlugAction, HotPlugResource};
use paprika_fuzz::bytes::Bytes;
use paprika_fuzz::guest::{Guest, MEMORY, Registers, VCPUS};

const H_RTAS: u64 = 0xF000;
const BLOCK: u64 = 0x7000;
/// Steps of an input.
const STEPS: u32 = 64;

/// An RTAS argument block: a known token mostly, counts that fit mostly.
fn block(guest: &Guest, bytes: &mut Bytes<'_>) -> u64 {
    let token = match bytes.byte() {
        255 => bytes.number::<4>() as u32,
        low => 0x2000 + u32::from(low) % 0x20,
    };
    let counts = bytes.byte();
    let (arguments, results) = match counts {
        255 => (bytes.number::<4>() as u32, bytes.number::<4>() as u32),
        _ => (u32::from(counts % 8), u32::from(counts / 8 % 10)),
    };
    let mut words = vec![token, arguments, results];
    words.extend((0..arguments.min(16)).map(|_| bytes.register(MEMORY) as u32));
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    guest
        .host
        .memory
        .write(BLOCK, &words)
        .expect("the block is in RAM");
    BLOCK
}

fn hypercall(guest: &Guest, bytes: &mut Bytes<'_>, opcode: u64, first: Option<u64>) {
    let vcpu = bytes.byte();
    let mut registers = Registers {
        id: u32::from(vcpu) % VCPUS,
        gpr: [0; 32],
        problem_state: vcpu & 0xc0 == 0xc0,
        external_interrupts: vcpu & 0x20 != 0,
    };
    registers.gpr[3] = opcode;
    let count = usize::from(bytes.byte() % 10);
    for register in &mut registers.gpr[4..4 + count] {
        *register = bytes.register(MEMORY);
    }
    if let Some(first) = first {
        registers.gpr[4] = first;
    }
    let id = registers.id;
    match guest.platform.hypercall(&mut registers) {
        Action::WaitForProd => guest.platform.wait_ended(VcpuId(id)),
        Action::StopSelf => guest.host.set_stopped(id, true),
        Action::Exit(_) => guest.platform.reset(),
        _ => {}
    }
}

/// What comes from outside.
fn event(guest: &Guest, bytes: &mut Bytes<'_>) {
    match bytes.byte() % 5 {
        0 => {
            let _ = guest.platform.request_power_off();
        }
        1 => {
            let what = bytes.byte();
            let event = HotPlug {
                resource: HotPlugResource::PersistentMemory,
                action: [HotPlugAction::Add, HotPlugAction::Remove][usize::from(what % 2)],
                drc_index: 0x9000_0000 + u32::from(what / 2 % 4),
            };
            let _ = guest.platform.hot_plug(event);
        }
        2 => {
            let length = usize::from(bytes.byte());
            guest.platform.console_input(bytes.piece(length));
        }
        3 => {
            let id = ["pmem0", "pmem1"][usize::from(bytes.byte() % 2)];
            let _ = guest.scm.request_unplug(id);
        }
        _ => {
            let state = guest.platform.export();
            guest
                .platform
                .import(state)
                .expect("a machine can go on as what it is");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let guest = Guest::new();
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        match bytes.byte() % 8 {
            0..=2 => {
                let opcode = (bytes.number::<2>() % 0x120) * 4;
                hypercall(&guest, &mut bytes, opcode, None);
            }
            3..=5 => {
                let block = block(&guest, &mut bytes);
                hypercall(&guest, &mut bytes, H_RTAS, Some(block));
            }
            6 => {
                // Structures in memory: of virtual processor areas, for example.
                let address = bytes.register(MEMORY);
                let length = usize::from(bytes.byte());
                let _ = guest.host.memory.write(address, bytes.piece(length));
            }
            _ => event(&guest, &mut bytes),
        }
    }
    assert_eq!(
        guest.rtas(0x2005, &[0], 2)[0],
        0,
        "the machine still answers (query-cpu-stopped-state)"
    );
});
