//! The device tree of any machine is one, and says what it was told. `ibm,configure-connector`
//! tells the same node by pieces, whatever the guest writes into its work area between two of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use papr::PlatformConfig;
use papr::host::GuestMemory;
use papr_scm::Plug;
use paprika_fuzz::bytes::Bytes;
use paprika_fuzz::guest::{self, Guest, MEMORY};
use payload_format::inventory::Inventory;
use payload_format::tree::{Node, Tree};

const AREA: u32 = 0x4000;
const AREA_SIZE: usize = 4096;
const SET_INDICATOR: u32 = 0x201A;
const GET_SENSOR_STATE: u32 = 0x201D;
const CONFIGURE_CONNECTOR: u32 = 0x201E;
/// Steps of an input.
const STEPS: u32 = 200;

fn text(bytes: &mut Bytes<'_>) -> String {
    let length = bytes.number::<2>() as usize % 5000;
    String::from_utf8_lossy(bytes.piece(length)).replace('\0', "")
}

/// Nodes, this one included.
fn count(node: Node<'_>) -> usize {
    1 + node.children().map(count).sum::<usize>()
}

fn tree(bytes: &mut Bytes<'_>) -> Guest {
    let (cmdline, name, shape) = (text(bytes), text(bytes), bytes.byte());
    let config = PlatformConfig {
        vcpus: 1 + u32::from(shape % 4),
        memory: MEMORY * (1 + u64::from(shape / 64)),
        ..guest::config(&cmdline, &name)
    };
    let devices = [[Plug::Cold, Plug::Hot], [Plug::Hot, Plug::Cold]];
    let devices = &devices[usize::from(shape / 4 % 2)][..usize::from(shape / 8 % 3)];
    let cold = devices.iter().filter(|how| **how == Plug::Cold).count();
    let guest = Guest::with(config, devices);
    let blob = guest.platform.device_tree().expect("the texts are short");
    let root = Tree::new(&blob).and_then(Tree::root).expect("a tree");
    let cpus = root.child("cpus").expect("/cpus").children();
    assert_eq!(cpus.count(), 1 + usize::from(shape % 4));
    assert!(count(root) > 6);
    let inventory = Inventory::new(&blob).expect("a tree");
    assert_eq!(inventory.boot_arguments(), cmdline);
    let nodes: Vec<_> = inventory.pmem_devices().collect();
    assert_eq!(nodes.len(), cold, "what is plugged hot is not in it");
    for node in nodes {
        let node = node.expect("a whole node");
        assert_eq!(node.length(), guest::DATA);
    }
    guest
}

fn write_words(guest: &Guest, at: u32, words: &[u32]) {
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    // Beyond memory it is refused.
    let _ = guest.host.memory.write(at.into(), &words);
}

/// What a step has told lies within the work area.
fn check_area(guest: &Guest, status: i32) {
    let mut area = [0; AREA_SIZE];
    let read = guest.host.memory.read(AREA.into(), &mut area);
    read.expect("the area is in RAM");
    let word = |n: usize| {
        let bytes = area[n * 4..n * 4 + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes) as usize
    };
    if (1..=3).contains(&status) {
        let name = &area[word(2)..];
        assert!(name.contains(&0), "a name has an end");
    }
    if status == 3 {
        assert!(word(3) + word(4) <= AREA_SIZE, "a value lies in the area");
    }
}

/// Tells a whole node to a guest that does nothing wrong.
fn walk(guest: &Guest, drc: u32) -> Vec<i32> {
    let mut seen = Vec::new();
    write_words(guest, AREA, &[drc, 0]);
    loop {
        let status = guest.rtas(CONFIGURE_CONNECTOR, &[AREA, 0], 1)[0] as i32;
        seen.push(status);
        check_area(guest, status);
        assert!(seen.len() < 200, "a node has an end: {seen:?}");
        if status <= 0 {
            return seen;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The reader runs in a guest and may be given anything too.
    if let Some(inventory) = Inventory::new(bytes) {
        let _ = inventory.pmem_devices().count();
        let _ = inventory.rtas_token("power-off");
    }
    let mut bytes = Bytes(bytes);
    let guest = tree(&mut bytes);
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        let what = bytes.byte();
        let drc = 0x9000_0000 + u32::from(what >> 6);
        match what % 8 {
            0 => {
                let arguments = [9001 + u32::from(bytes.byte() % 4), drc, bytes.byte().into()];
                guest.rtas(SET_INDICATOR, &arguments, 1);
            }
            // As a guest does that takes a device.
            1 => {
                for indicator in [9003, 9001] {
                    guest.rtas(SET_INDICATOR, &[indicator, drc, 1], 1);
                }
                write_words(&guest, AREA, &[drc, 0]);
            }
            2 => {
                let state = guest.rtas(GET_SENSOR_STATE, &[9003, drc], 2);
                assert!(state[0] != 0 || (1..=4).contains(&state[1]), "{state:?}");
            }
            3 | 4 => {
                let status = guest.rtas(CONFIGURE_CONNECTOR, &[AREA, 0], 1)[0] as i32;
                check_area(&guest, status);
            }
            5 => {
                let at = AREA + u32::from(bytes.byte() % 6) * 4;
                write_words(&guest, at, &[bytes.register(MEMORY) as u32]);
            }
            6 => {
                let id = ["pmem0", "pmem1"][usize::from(what >> 7)];
                let _ = guest.scm.request_unplug(id);
            }
            _ => {
                let area = bytes.register(MEMORY) as u32;
                guest.rtas(CONFIGURE_CONNECTOR, &[area, 0], 1);
            }
        }
    }
    for drc in 0x9000_0000..0x9000_0004 {
        for indicator in [9003, 9001] {
            guest.rtas(SET_INDICATOR, &[indicator, drc, 1], 1);
        }
        walk(&guest, drc);
    }
});
