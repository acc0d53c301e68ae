//! The label area of a device, and its binds and flushes: reads find what was written, in the size
//! that it was asked for, and what a successful flush followed is durable. The model is an array of
//! bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use papr_scm::abi::{opcode, status};
use papr_scm::{Caller, GuestMemory, GuestMemoryError, Plug, Scm};
use paprika_fuzz::bytes::Bytes;
use paprika_fuzz::guest::{self, LABEL};

const DRC: u64 = 0x9000_0000;
/// Steps of an input.
const STEPS: u32 = 64;

/// A vCPU whose memory takes everything and holds nothing.
struct Vcpu;

impl GuestMemory for Vcpu {
    fn read(&self, _: u64, buf: &mut [u8]) -> Result<(), GuestMemoryError> {
        buf.fill(0);
        Ok(())
    }
    fn write(&self, _: u64, _: &[u8]) -> Result<(), GuestMemoryError> {
        Ok(())
    }
}

impl Caller for Vcpu {}

fn call(scm: &Scm, number: u64, given: &[u64]) -> (i64, u64) {
    let mut arguments = [0; 9];
    arguments[..given.len()].copy_from_slice(given);
    let answer = scm.hypercall(number, &arguments, &Vcpu);
    let answer = answer.expect("a hypercall of persistent memory");
    (answer.status, answer.outputs[0])
}

/// Where a step is that is often at the edge, or where one was.
fn offset(bytes: &mut Bytes<'_>) -> u64 {
    match bytes.byte() % 4 {
        0 => u64::from(bytes.byte()),
        1 => LABEL.wrapping_sub(u64::from(bytes.byte() % 32)),
        2 => bytes.number::<3>() % LABEL,
        _ => bytes.register(LABEL),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let scm = guest::scm();
    let backing = guest::plug(&scm, 0, Plug::Cold);
    let mut model = vec![0u8; LABEL as usize];
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        let what = bytes.byte();
        let length = match what >> 4 {
            length @ (1 | 2 | 4 | 8) => u64::from(length),
            15 => bytes.register(LABEL),
            other => 1 << (other % 4),
        };
        let good = matches!(length, 1 | 2 | 4 | 8);
        let place = |offset: u64| {
            let end = offset.checked_add(length).filter(|&end| end <= LABEL)?;
            good.then_some(offset as usize..end as usize)
        };
        match what % 8 {
            0..=2 => {
                let (offset, value) = (offset(&mut bytes), bytes.number::<8>());
                let fits = !good || length == 8 || value >> (length * 8) == 0;
                let (status, _) = call(
                    &scm,
                    opcode::H_SCM_WRITE_METADATA,
                    &[DRC, offset, value, length],
                );
                match place(offset).filter(|_| fits) {
                    Some(place) => {
                        assert_eq!(status, status::H_SUCCESS, "{offset:#x} {length}");
                        let value = value.to_be_bytes();
                        model[place].copy_from_slice(&value[8 - length as usize..]);
                    }
                    None => assert_ne!(status, status::H_SUCCESS, "{offset:#x} {length}"),
                }
            }
            3 | 4 => {
                let offset = offset(&mut bytes);
                let (status, value) =
                    call(&scm, opcode::H_SCM_READ_METADATA, &[DRC, offset, length]);
                match place(offset) {
                    Some(place) => {
                        assert_eq!(status, status::H_SUCCESS, "{offset:#x} {length}");
                        let known = model[place]
                            .iter()
                            .fold(0, |number, &byte| number << 8 | u64::from(byte));
                        assert_eq!(value, known, "{offset:#x} {length}");
                    }
                    None => assert_ne!(status, status::H_SUCCESS, "{offset:#x} {length}"),
                }
            }
            5 => {
                let (mut answer, mut token) = call(&scm, opcode::H_SCM_FLUSH, &[DRC, 0]);
                while let Some(pause) = status::retry_after(answer) {
                    std::thread::sleep(pause);
                    (answer, token) = call(&scm, opcode::H_SCM_FLUSH, &[DRC, token]);
                }
                assert_eq!(answer, status::H_SUCCESS);
                let mut durable = vec![0; model.len()];
                let read = backing.read_durable(guest::DATA, &mut durable);
                read.expect("the image can be read");
                assert!(durable == model, "what a flush followed is durable");
            }
            6 => {
                let number = [
                    opcode::H_SCM_BIND_MEM,
                    opcode::H_SCM_UNBIND_MEM,
                    opcode::H_SCM_QUERY_BLOCK_MEM_BINDING,
                    opcode::H_SCM_QUERY_LOGICAL_MEM_BINDING,
                    opcode::H_SCM_UNBIND_ALL,
                    opcode::H_SCM_HEALTH,
                    opcode::H_SCM_PERFORMANCE_STATS,
                    opcode::H_SCM_FLUSH,
                ][usize::from(bytes.byte() % 8)];
                let mut arguments: [u64; 5] = std::array::from_fn(|_| bytes.register(guest::DATA));
                if bytes.byte() % 8 > 0 {
                    arguments[0] = DRC;
                }
                call(&scm, number, &arguments);
            }
            _ => {
                let saved = scm.export();
                scm.import(saved).expect("it can go on as what it is");
            }
        }
    }
});
