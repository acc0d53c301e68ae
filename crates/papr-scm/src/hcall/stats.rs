//! `H_SCM_PERFORMANCE_STATS`: statistics of a device, in a buffer in guest memory.
//!
//! The buffer: 8 bytes `SCMSTATS`, a 32-bit version, a 32-bit count, then count pairs of an 8-byte
//! id and a 64-bit value, all big-endian.

use super::{Args, Validated, device, refuse};
use crate::abi::status;
use crate::guest::Answer;
use crate::nvdimm::Nvdimm;
use crate::scm::Scm;
use papr_dr::GuestMemory;

const EYE_CATCHER: &[u8; 8] = b"SCMSTATS";
const VERSION: u32 = 1;
const HEADER: usize = 16;
const PAIR: usize = 16;

/// More ids than anyone has reason to ask for in one call; bounds what one hypercall costs.
const MAX_ASKED: usize = 256;

/// A sync of this length counts as slow: of what is shorter, no writer in the guest is to notice
/// more than a hypercall.
const SLOW_SYNC_MICROS: u64 = 1024;

type StatId = [u8; 8];

/// Everything that can be asked for, with its value. Durations are in microseconds unless the id
/// ends otherwise.
///
/// The first four are names that Linux knows: the percentage of life left (its fuel gauge), seconds
/// since power on, and writes to the medium with their total duration, which for us are the syncs.
fn all(device: &Nvdimm) -> Vec<(StatId, u64)> {
    let counters = device.counters();
    let life = if device.failure().is_some() { 0 } else { 100 };
    vec![
        (*b"MemLife ", life),
        (*b"PonSecs ", device.age().as_secs()),
        (*b"MedWCnt ", counters.syncs),
        (*b"MedWDur ", counters.sync_latency.sum_micros),
        (*b"FlushCnt", counters.flushes),
        (*b"FlushCll", counters.hypercalls),
        (*b"FlushOne", counters.answered_at_once),
        (*b"FlushBsy", counters.busy),
        (*b"FlushSlp", counters.long_busy),
        (*b"FlushCoa", counters.coalesced),
        (*b"FlushErr", counters.failed_flushes),
        (*b"FlushP50", counters.flush_latency.percentile(50)),
        (*b"FlushP99", counters.flush_latency.percentile(99)),
        (*b"FlushMax", counters.flush_latency.max_micros),
        (*b"SyncP50 ", counters.sync_latency.percentile(50)),
        (*b"SyncP99 ", counters.sync_latency.percentile(99)),
        (
            *b"SyncSlow",
            counters.sync_latency.at_least(SLOW_SYNC_MICROS),
        ),
        (*b"SyncErr ", counters.failed_syncs),
        (*b"LabelWr ", counters.label_writes),
    ]
}

/// drc, buffer, size -> size wanted (with size 0), or the id that is not known (with `H_PARTIAL`).
pub(super) fn stats(scm: &Scm, args: Args<'_>, mem: &dyn GuestMemory) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let (address, size) = (args.get(1), args.get(2));
    let known = all(&device);
    if size == 0 {
        return Ok(Answer::with(
            status::H_SUCCESS,
            [(HEADER + known.len() * PAIR) as u64],
        ));
    }
    let mut header = [0; HEADER];
    if size < HEADER as u64 {
        return refuse(status::H_P3);
    }
    mem.read(address, &mut header)
        .or_else(|_| refuse(status::H_P2))?;
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if header[..8] != *EYE_CATCHER || word(8) != VERSION {
        return refuse(status::H_P2);
    }
    let asked = word(12) as usize;
    let count = if asked == 0 { known.len() } else { asked };
    if asked > MAX_ASKED || size < (HEADER + count * PAIR) as u64 {
        return refuse(status::H_P3);
    }
    let Some(pairs_at) = address.checked_add(HEADER as u64) else {
        return refuse(status::H_P2);
    };
    let mut pairs = vec![0; count * PAIR];
    if asked == 0 {
        for (pair, (id, value)) in pairs.chunks_exact_mut(PAIR).zip(&known) {
            pair[..8].copy_from_slice(id);
            pair[8..].copy_from_slice(&value.to_be_bytes());
        }
        header[12..].copy_from_slice(&(count as u32).to_be_bytes());
    } else {
        mem.read(pairs_at, &mut pairs)
            .or_else(|_| refuse(status::H_P2))?;
        for pair in pairs.chunks_exact_mut(PAIR) {
            let (id, value) = pair.split_at_mut(8);
            let Some((_, found)) = known.iter().find(|(known, _)| known == id) else {
                let mut unknown = [0; 8];
                unknown.copy_from_slice(id);
                return Ok(Answer::with(
                    status::H_PARTIAL,
                    [u64::from_be_bytes(unknown)],
                ));
            };
            value.copy_from_slice(&found.to_be_bytes());
        }
    }
    mem.write(address, &header)
        .and_then(|()| mem.write(pairs_at, &pairs))
        .or_else(|_| refuse(status::H_P2))?;
    Ok(Answer::with(
        status::H_SUCCESS,
        [(HEADER + count * PAIR) as u64],
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DRC, Machine};
    use super::{HEADER, PAIR};
    use crate::abi::opcode::{H_SCM_FLUSH, H_SCM_PERFORMANCE_STATS as STATS};
    use crate::abi::status::{H_BUSY, H_P2, H_P3, H_PARAMETER, H_PARTIAL, H_SUCCESS, retry_after};
    use crate::backing::Fault;

    const BUFFER: u64 = 0x1000;

    fn ask(machine: &Machine, ids: &[&[u8; 8]]) {
        let mut bytes = b"SCMSTATS\0\0\0\x01".to_vec();
        bytes.extend((ids.len() as u32).to_be_bytes());
        for id in ids {
            bytes.extend(*id);
            bytes.extend([0; 8]);
        }
        machine.memory.put(BUFFER, &bytes);
    }

    fn value(machine: &Machine, place: usize) -> u64 {
        let bytes = machine
            .memory
            .get(BUFFER + (HEADER + place * PAIR + 8) as u64, 8);
        bytes
            .iter()
            .fold(0, |number, &byte| (number << 8) | u64::from(byte))
    }

    #[test]
    fn size_zero_answers_the_size_that_everything_needs_and_that_size_does() {
        let machine = Machine::new();
        let size = machine.call(STATS, &[DRC, 0, 0]).outputs[0];
        ask(&machine, &[]);
        assert_eq!(machine.call(STATS, &[DRC, BUFFER, size]).status, H_SUCCESS);
        let count = machine.memory.get(BUFFER + 12, 4);
        assert_eq!(count, ((size as usize - HEADER) / PAIR).to_be_bytes()[4..]);
        assert_eq!(machine.memory.get(BUFFER + HEADER as u64, 8), b"MemLife ");
        ask(&machine, &[]);
        assert_eq!(machine.call(STATS, &[DRC, BUFFER, size - 1]).status, H_P3);
    }

    #[test]
    fn statistics_mean_what_they_say() {
        let machine = Machine::new();
        (0..3).for_each(|_| assert_eq!(machine.flush(), H_SUCCESS));
        ask(&machine, &[b"FlushCnt", b"MemLife ", b"MedWCnt "]);
        assert_eq!(machine.call(STATS, &[DRC, BUFFER, 64]).status, H_SUCCESS);
        assert_eq!(
            [value(&machine, 0), value(&machine, 1), value(&machine, 2)],
            [3, 100, 3]
        );
        machine.backing().inject(Fault::Error(5));
        machine.flush();
        ask(&machine, &[b"MemLife ", b"FlushErr"]);
        assert_eq!(machine.call(STATS, &[DRC, BUFFER, 48]).status, H_SUCCESS);
        assert_eq!([value(&machine, 0), value(&machine, 1)], [0, 1]);
    }

    #[test]
    fn slow_syncs_and_answers_that_make_the_guest_sleep_are_counted() {
        let machine = Machine::new();
        let device = machine.device();
        let idle = device.engine().expected();
        machine.backing().hold();
        let mut token = 0;
        loop {
            let answer = machine.call(H_SCM_FLUSH, &[DRC, token]);
            token = answer.outputs()[0];
            if answer.status != H_BUSY {
                assert!(retry_after(answer.status).is_some(), "{answer:?}");
                break;
            }
        }
        // On a busy host the sync may begin only now: while one runs, the next flush is expected to
        // take longer.
        while device.engine().expected() == idle {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        machine.backing().release();
        while retry_after(machine.call(H_SCM_FLUSH, &[DRC, token]).status).is_some() {}
        ask(&machine, &[b"SyncSlow", b"FlushBsy", b"FlushSlp"]);
        assert_eq!(machine.call(STATS, &[DRC, BUFFER, 64]).status, H_SUCCESS);
        assert_eq!(value(&machine, 0), 1, "the one that was held");
        let counters = machine.device().counters();
        assert_eq!(value(&machine, 1), counters.busy);
        assert_eq!(value(&machine, 2), counters.long_busy);
        assert!(counters.long_busy >= 1);
    }

    #[test]
    fn an_unknown_id_is_named() {
        let machine = Machine::new();
        ask(&machine, &[b"MemLife ", b"NoSuchId"]);
        let answer = machine.call(STATS, &[DRC, BUFFER, 48]);
        assert_eq!(
            (answer.status, answer.outputs()),
            (H_PARTIAL, &[u64::from_be_bytes(*b"NoSuchId")][..])
        );
    }

    #[test]
    fn bad_buffers_are_refused() {
        let machine = Machine::new();
        assert_eq!(machine.call(STATS, &[DRC + 1, 0, 0]).status, H_PARAMETER);
        assert_eq!(
            machine.call(STATS, &[DRC, BUFFER, 15]).status,
            H_P3,
            "no room for a header"
        );
        machine.memory.put(BUFFER, &[0; 16]);
        assert_eq!(
            machine.call(STATS, &[DRC, BUFFER, 4096]).status,
            H_P2,
            "no eye-catcher"
        );
        machine.memory.put(BUFFER, b"SCMSTATS\0\0\0\x02\0\0\0\0");
        assert_eq!(
            machine.call(STATS, &[DRC, BUFFER, 4096]).status,
            H_P2,
            "another version"
        );
        machine
            .memory
            .put(BUFFER, b"SCMSTATS\0\0\0\x01\xFF\xFF\xFF\xFF");
        assert_eq!(
            machine.call(STATS, &[DRC, BUFFER, u64::MAX]).status,
            H_P3,
            "more ids than anyone asks for"
        );
        for address in [u64::MAX, u64::MAX - 15, 1 << 40] {
            assert_eq!(
                machine.call(STATS, &[DRC, address, 4096]).status,
                H_P2,
                "not guest memory"
            );
        }
    }
}
