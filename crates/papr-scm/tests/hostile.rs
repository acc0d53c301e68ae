//! No combination of arguments panics, hangs, or reaches outside of a device.

mod common;

use std::sync::Arc;

use common::{ADDRESS, LABEL, Memory, spec};
use papr_scm::abi::{BLOCK_SIZE, opcode, rtas, status};
use papr_scm::backing::FileBacking;
use papr_scm::flush::ExecutorChoice;
use papr_scm::{Connectors, DrcIndex, Plug, Scm, ScmOptions};
use proptest::prelude::*;

const DRC: u64 = 0x9000_0000;

const OPCODES: [u64; 10] = [
    opcode::H_SCM_READ_METADATA,
    opcode::H_SCM_WRITE_METADATA,
    opcode::H_SCM_BIND_MEM,
    opcode::H_SCM_UNBIND_MEM,
    opcode::H_SCM_QUERY_BLOCK_MEM_BINDING,
    opcode::H_SCM_QUERY_LOGICAL_MEM_BINDING,
    opcode::H_SCM_UNBIND_ALL,
    opcode::H_SCM_HEALTH,
    opcode::H_SCM_PERFORMANCE_STATS,
    opcode::H_SCM_FLUSH,
];

/// Numbers near what matters, and any other.
fn argument() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => prop::sample::select(vec![
            0, 1, 2, 3, 4, 5, 7, 8, 9, 16, DRC, DRC + 1, LABEL - 8, LABEL - 1, LABEL, LABEL + 1, BLOCK_SIZE, ADDRESS,
            ADDRESS + BLOCK_SIZE, ADDRESS - BLOCK_SIZE, u64::MAX, u64::MAX - 7, 1 << 63, u64::from(u32::MAX),
        ]),
        1 => 0..LABEL,
        1 => any::<u64>(),
    ]
}

struct Machine {
    scm: Scm,
    memory: Memory,
    file: std::fs::File,
}

fn machine() -> Machine {
    let file = tempfile::tempfile().expect("a temporary file");
    file.set_len(BLOCK_SIZE + LABEL).expect("a sparse file");
    let backing = FileBacking::new(file.try_clone().expect("a handle"), BLOCK_SIZE, LABEL, true)
        .expect("a mapping");
    let options = ScmOptions {
        executor: ExecutorChoice::Threads,
        outstanding_limit: 8,
        ..ScmOptions::default()
    };
    let scm = Scm::new(options).expect("an SCM");
    scm.plug(spec(0), Arc::new(backing), Plug::Cold)
        .expect("an empty slot");
    Machine {
        scm,
        memory: Memory::new(),
        file,
    }
}

/// The label area as a plain array, to compare with.
fn expected_read(label: &[u8], offset: u64, length: u64) -> Option<u64> {
    if ![1, 2, 4, 8].contains(&length) || offset.checked_add(length)? > LABEL {
        return None;
    }
    let bytes = &label[offset as usize..(offset + length) as usize];
    Some(
        bytes
            .iter()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte)),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_argument_panics_or_reaches_outside_a_device(
        calls in prop::collection::vec((prop::sample::select(OPCODES.to_vec()), prop::array::uniform9(argument())), 1..200)
    ) {
        let machine = machine();
        let mut label = vec![0; LABEL as usize];
        for (number, mut args) in calls {
            if args[0] % 3 != 0 {
                args[0] = DRC;
            }
            let answer = machine.scm.hypercall(number, &args, &machine.memory).expect("an SCM opcode");
            prop_assert!(answer.count <= papr_scm::MAX_OUTPUTS);
            let ok = answer.status == status::H_SUCCESS;
            let within = |address: u64| (ADDRESS..ADDRESS + BLOCK_SIZE).contains(&address);
            match number {
                opcode::H_SCM_READ_METADATA if args[0] == DRC => {
                    prop_assert_eq!(ok.then_some(answer.outputs[0]), expected_read(&label, args[1], args[2]));
                }
                opcode::H_SCM_WRITE_METADATA if ok => {
                    let (offset, length) = (args[1] as usize, args[3] as usize);
                    prop_assert!(length <= 8 && offset + length <= label.len());
                    label[offset..offset + length].copy_from_slice(&args[2].to_be_bytes()[8 - length..]);
                }
                opcode::H_SCM_BIND_MEM if ok => {
                    let (address, count) = (answer.outputs[1], answer.outputs[2]);
                    prop_assert!(count <= 1 && (count == 0 || within(address)));
                }
                opcode::H_SCM_QUERY_BLOCK_MEM_BINDING if ok => prop_assert!(within(answer.outputs[0])),
                opcode::H_SCM_QUERY_LOGICAL_MEM_BINDING if ok => prop_assert!(within(args[0])),
                opcode::H_SCM_FLUSH if status::retry_after(answer.status).is_some() => {
                    prop_assert_eq!(answer.count, 1);
                }
                _ => {}
            }
        }
        prop_assert_eq!(machine.file.metadata().expect("its metadata").len(), BLOCK_SIZE + LABEL);
        // Nothing was written to the data region: its first data is in the label area, if anywhere.
        let data = rustix::fs::seek(&machine.file, rustix::fs::SeekFrom::Data(0));
        prop_assert!(data.map_or(true, |at| at >= BLOCK_SIZE), "data at {:?}", data);
    }

    #[test]
    fn no_rtas_argument_panics_and_a_device_is_never_lost(
        calls in prop::collection::vec((0..3u8, prop_oneof![9000..9006u32, any::<u32>()],
            prop_oneof![Just(DRC as u32), any::<u32>()], prop_oneof![0..4u32, any::<u32>()]), 1..200)
    ) {
        let machine = machine();
        for (which, first, second, third) in calls {
            match which {
                0 => { machine.scm.set_indicator(first, second.into(), third); }
                1 => { machine.scm.sensor_state(first, second.into()); }
                _ => {
                    let mut area = [0xAA; rtas::WORK_AREA_SIZE];
                    area[..4].copy_from_slice(&second.to_be_bytes());
                    machine.scm.configure(DrcIndex::of_work_area(&area), &mut area);
                }
            }
        }
        prop_assert_eq!(machine.scm.devices().len(), 1, "only the machine takes a device out");
        machine.scm.reset().expect("nothing is outstanding");
        prop_assert_eq!(machine.scm.device_tree().children.len(), 1);
    }

    #[test]
    fn no_description_panics(text in ".{0,80}", keyed in "(id|path|size|uuid|slot|sync-dax|label-size)=[ -~]{0,20}(,|,,)?") {
        let _ = text.parse::<papr_scm::nvdimm::NvdimmConfig>();
        let _ = format!("id=a,path=b,{keyed}").parse::<papr_scm::nvdimm::NvdimmConfig>();
    }
}
