//! Everything at once: vCPUs that flush, bind, label and play with connectors while the host plugs,
//! unplugs, resets and looks on. Nothing panics, nothing hangs, and no flush is told a lie about
//! its device.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{call, crash, drc, spec};
use papr_scm::abi::{opcode, rtas, status};
use papr_scm::flush::ExecutorChoice;
use papr_scm::{Connectors, DrcIndex, Plug, Scm, ScmOptions};

/// A little random number generator, so that a seed repeats a run as far as threads allow.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Returns how many flushes succeeded.
fn vcpu(scm: &Scm, seed: u64, stop: &AtomicBool) -> usize {
    let mut random = Random(seed);
    let (mut token, mut succeeded) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let device = random.below(3);
        let index = drc(device) as u32;
        match random.below(8) {
            0..4 => {
                let answer = call(scm, opcode::H_SCM_FLUSH, &[drc(device), token]);
                let again = status::retry_after(answer.status).is_some();
                let known =
                    [status::H_SUCCESS, status::H_PARAMETER, status::H_P2].contains(&answer.status);
                assert!(again || known, "{answer:?}");
                succeeded += usize::from(answer.status == status::H_SUCCESS);
                token = if again { answer.outputs[0] } else { 0 };
            }
            4 => {
                call(
                    scm,
                    opcode::H_SCM_BIND_MEM,
                    &[drc(device), 0, 1, u64::MAX, 0],
                );
                call(scm, opcode::H_SCM_UNBIND_ALL, &[1, 0, 0]);
            }
            5 => {
                call(
                    scm,
                    opcode::H_SCM_WRITE_METADATA,
                    &[drc(device), random.below(64) * 8, 1, 8],
                );
            }
            6 => {
                let indicator = [
                    rtas::INDICATOR_ISOLATION_STATE,
                    rtas::INDICATOR_ALLOCATION_STATE,
                ];
                scm.set_indicator(
                    indicator[random.below(2) as usize],
                    index.into(),
                    random.below(2) as u32,
                );
            }
            _ => {
                let mut area = [0; rtas::WORK_AREA_SIZE];
                area[..4].copy_from_slice(&index.to_be_bytes());
                scm.configure(DrcIndex::of_work_area(&area), &mut area);
            }
        }
    }
    succeeded
}

#[test]
fn plugging_resetting_and_calling_at_once_neither_hangs_nor_panics() {
    let options = ScmOptions {
        executor: ExecutorChoice::Threads,
        slots: 3,
        outstanding_limit: 16,
        ..ScmOptions::default()
    };
    let scm = Arc::new(Scm::new(options).expect("an SCM"));
    let stop = Arc::new(AtomicBool::new(false));
    let vcpus: Vec<_> = (1..=4)
        .map(|seed| {
            let (scm, stop) = (scm.clone(), stop.clone());
            thread::spawn(move || vcpu(&scm, seed * 0x9E37_79B9, &stop))
        })
        .collect();
    let mut random = Random(7);
    for round in 0..3000 {
        let device = random.below(3);
        let plug = if round % 2 == 0 {
            Plug::Cold
        } else {
            Plug::Hot
        };
        match random.below(4) {
            0 | 1 => {
                let _ = scm.plug(spec(device), crash(), plug);
            }
            2 => {
                let _ = scm.request_unplug(&format!("pmem{device}"));
            }
            _ => scm.reset().expect("everything drains"),
        }
        scm.device_tree();
        scm.export();
    }
    stop.store(true, Ordering::Relaxed);
    let succeeded: usize = vcpus
        .into_iter()
        .map(|vcpu| vcpu.join().expect("no panic"))
        .sum();
    assert!(
        succeeded > 0,
        "no flush ever got through: this proves little"
    );
    let report = scm.shutdown(std::time::Duration::from_secs(30));
    assert_eq!((report.abandoned, report.failures.len()), (0, 0));
}
