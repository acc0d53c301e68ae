//! Machines with persistent memory that go on elsewhere: tokens of flushes stay good.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use papr_scm::abi::BLOCK_SIZE;
use papr_scm::abi::opcode::{H_SCM_BIND_MEM, H_SCM_FLUSH, H_SCM_QUERY_BLOCK_MEM_BINDING};
use papr_scm::abi::status::{H_P2, retry_after};
use papr_scm::backing::{Backing, CrashBacking};
use papr_scm::nvdimm::{DeviceSpec, NvdimmConfig};
use papr_scm::{Plug, Scm, ScmOptions};

use super::*;
use crate::PersistentMemory;
use crate::hcall::abi::H_SUCCESS;
use crate::testing::{FakeHost, NVDIMM_ADDRESS};

const DRC: u64 = 0x9000_0000;
const LABEL: u64 = 128 << 10;

/// A machine with one device, and what backs that.
fn machine(host: Arc<FakeHost>, sync_dax: bool) -> (Machine, Arc<CrashBacking>) {
    let backing = Arc::new(CrashBacking::new(BLOCK_SIZE, LABEL).expect("memory for two images"));
    let options = ScmOptions {
        slots: 4,
        ..ScmOptions::default()
    };
    let scm = Scm::new(options).expect("an executor");
    let NvdimmConfig { id, uuid, .. } = NvdimmConfig::new("pmem0", "");
    let spec = DeviceSpec {
        id,
        uuid,
        sync_dax,
        numa_node: 0,
        slot: Some(0),
        guest_address: NVDIMM_ADDRESS,
    };
    scm.plug(spec, backing.clone(), Plug::Cold)
        .expect("an empty slot");
    let machine = Machine::on(host, config(VCPUS), Some(Arc::new(scm)));
    (machine, backing)
}

/// Asks until the flush with this token has its answer.
fn answer_of(m: &Machine, mut token: u64) -> i64 {
    loop {
        let (status, out) = m.hcall_outputs(0, H_SCM_FLUSH, &[DRC, token]);
        let Some(pause) = retry_after(status) else {
            return status;
        };
        thread::sleep(pause);
        token = out[0];
    }
}

#[test]
fn tokens_of_running_and_of_finished_flushes_stay_good_elsewhere() {
    let (here, backing) = machine(FakeHost::new(), false);
    let bind = here.hcall(0, H_SCM_BIND_MEM, &[DRC, 0, 1, u64::MAX, 0]);
    assert_eq!(bind.0, H_SUCCESS);
    let flushes = || {
        let state = PersistentMemory::state(&here.platform.export());
        let state = state.expect("it is sound").expect("it has a device");
        let calls = &state.devices[0].calls;
        (calls.running.len(), calls.finished.len())
    };
    backing.hold();
    let begin = || {
        let (status, out) = here.hcall_outputs(0, H_SCM_FLUSH, &[DRC, 0]);
        assert!(retry_after(status).is_some(), "the backing does not answer");
        out[0]
    };
    let finished = begin();
    backing.release();
    while flushes() != (0, 1) {
        thread::sleep(Duration::from_millis(1));
    }
    backing.hold();
    let running = begin();
    assert_eq!(flushes(), (1, 1));
    let state = through_a_file(&here.platform.export());

    let (there, elsewhere) = machine(here.host.copy(), false);
    elsewhere
        .region()
        .write(5, b"moved")
        .expect("in the region");
    there.platform.import(state).expect("the same machine");
    let bound = there.hcall_outputs(0, H_SCM_QUERY_BLOCK_MEM_BINDING, &[DRC, 0]);
    assert_eq!((bound.0, bound.1[0]), (H_SUCCESS, NVDIMM_ADDRESS));
    assert_eq!(answer_of(&there, running), H_SUCCESS);
    let mut bytes = [0; 5];
    elsewhere.read_durable(5, &mut bytes).expect("in the image");
    assert_eq!(&bytes, b"moved", "flushed there before it was answered");
    assert_eq!(answer_of(&there, finished), H_SUCCESS);
    for spent in [running, finished] {
        assert_eq!(answer_of(&there, spent), H_P2);
    }
    backing.release();
    assert_eq!(answer_of(&here, running), H_SUCCESS, "here it goes on too");
}

#[test]
fn a_refusal_of_the_persistent_memory_changes_nothing_else() {
    let (saved, _) = machine(FakeHost::new(), false);
    saved.platform.console_input(b"typed");
    let state = saved.platform.export();
    let (other, _) = machine(FakeHost::new(), true);
    let before = other.platform.export();
    let refused = other.platform.import(state.clone());
    let Err(ImportError::Refused { part, reason }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(part, PersistentMemory::NAME);
    assert!(reason.contains("sync-dax was off when"), "{reason}");
    assert_eq!(other.platform.export(), before);

    let without = Machine::new(VCPUS);
    assert_eq!(
        without.platform.import(state),
        Err(ImportError::UnknownPart("persistent-memory".into()))
    );
    assert_eq!(
        saved.platform.import(without.platform.export()),
        Err(ImportError::MissingPart("persistent-memory".into()))
    );
}
