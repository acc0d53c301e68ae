//! What a snapshot carries, and what a restore refuses.

mod common;

use std::sync::Arc;

use common::{LABEL, call, crash, drc, flush, machine, plug, spec};
use papr_scm::abi::{BLOCK_SIZE, opcode, status};
use papr_scm::backing::{Backing, CrashBacking, Fault};
use papr_scm::flush::ExecutorChoice;
use papr_scm::nvdimm::DeviceSpec;
use papr_scm::{Plug, RestoreError, Scm, ScmOptions, ScmState};

/// Through text and back, as a snapshot file would.
fn through_a_file(state: &ScmState) -> ScmState {
    serde_json::from_str(&serde_json::to_string(state).expect("plain data"))
        .expect("what was written")
}

fn poll(scm: &Scm, mut token: u64) -> i64 {
    loop {
        let answer = call(scm, opcode::H_SCM_FLUSH, &[drc(0), token]);
        match status::retry_after(answer.status) {
            Some(pause) => std::thread::sleep(pause),
            None => return answer.status,
        }
        token = answer.outputs[0];
    }
}

#[test]
fn a_token_stays_good_across_a_snapshot_and_the_flush_is_done_again_first() {
    let (before, backing) = (machine(ExecutorChoice::Threads), crash());
    plug(&before, 0, &backing);
    call(
        &before,
        opcode::H_SCM_BIND_MEM,
        &[drc(0), 0, 1, u64::MAX, 0],
    );
    backing.hold();
    let token = call(&before, opcode::H_SCM_FLUSH, &[drc(0), 0]).outputs[0];
    let state = through_a_file(&before.export());

    let (after, elsewhere) = (machine(ExecutorChoice::Threads), crash());
    let device = plug(&after, 0, &elsewhere);
    elsewhere
        .region()
        .write(5, b"moved")
        .expect("in the region");
    after.import(state).expect("the same machine");
    assert!(device.is_bound(0));
    assert_eq!(poll(&after, token), status::H_SUCCESS);
    let mut bytes = [0; 5];
    elsewhere.read_durable(5, &mut bytes).expect("in the image");
    assert_eq!(
        &bytes, b"moved",
        "success before the restored machine had synced"
    );
    assert_eq!(
        call(&after, opcode::H_SCM_FLUSH, &[drc(0), token]).status,
        status::H_P2
    );
}

#[test]
fn a_snapshot_does_not_heal_a_failed_backing() {
    let (before, backing) = (machine(ExecutorChoice::Threads), crash());
    plug(&before, 0, &backing);
    backing.inject(Fault::Error(5));
    assert_eq!(flush(&before, drc(0)), status::H_HARDWARE);
    let state = through_a_file(&before.export());
    let after = machine(ExecutorChoice::Threads);
    let device = plug(&after, 0, &crash());
    after.import(state).expect("the same machine");
    assert_eq!(flush(&after, drc(0)), status::H_HARDWARE);
    assert!(device.failure().is_some());
}

/// A saved machine, and what another says to its state.
fn restored(
    flush_hypercall: bool,
    spec: DeviceSpec,
    backing: CrashBacking,
) -> Result<(), RestoreError> {
    let saved = machine(ExecutorChoice::Threads);
    plug(&saved, 0, &crash());
    let options = ScmOptions {
        flush_hypercall,
        executor: ExecutorChoice::Threads,
        ..ScmOptions::default()
    };
    let scm = Scm::new(options).expect("an SCM");
    scm.plug(spec, Arc::new(backing), Plug::Cold)
        .expect("an empty slot");
    let untouched = scm.export();
    let result = scm.import(through_a_file(&saved.export()));
    if result.is_err() {
        assert_eq!(
            scm.export(),
            untouched,
            "a refused restore changed something"
        );
    }
    result
}

fn small() -> CrashBacking {
    CrashBacking::new(BLOCK_SIZE, LABEL).expect("memory for two images")
}

#[test]
fn the_same_machine_is_restored() {
    assert_eq!(restored(true, spec(0), small()), Ok(()));
}

#[test]
fn what_the_guest_was_told_can_not_be_taken_back() {
    let refusal = |result: Result<(), RestoreError>| result.expect_err("it differs").to_string();
    let text = refusal(restored(false, spec(0), small()));
    assert!(
        text.contains("has the flush hypercall and this one lacks it")
            || text.contains("this one lacks"),
        "{text}"
    );
    let changed = |change: &dyn Fn(&mut DeviceSpec)| {
        let mut spec = spec(0);
        change(&mut spec);
        refusal(restored(true, spec, small()))
    };
    assert!(changed(&|s| s.sync_dax = true).contains("sync-dax was off"));
    assert!(changed(&|s| s.guest_address += BLOCK_SIZE).contains("guest address was"));
    assert!(changed(&|s| s.uuid = spec(1).uuid).contains("uuid was"));
    assert!(changed(&|s| s.slot = Some(3)).contains("not part of the saved machine"));
    let bigger = CrashBacking::new(2 * BLOCK_SIZE, LABEL).expect("memory for two images");
    assert!(refusal(restored(true, spec(0), bigger)).contains("size in blocks was 1"));
    let label = CrashBacking::new(BLOCK_SIZE, 2 * LABEL).expect("memory for two images");
    assert!(refusal(restored(true, spec(0), label)).contains("label-size was"));
}

#[test]
fn a_missing_device_and_a_damaged_state_are_refused() {
    let saved = machine(ExecutorChoice::Threads);
    plug(&saved, 0, &crash());
    let mut state = saved.export();
    assert!(matches!(
        machine(ExecutorChoice::Threads).import(state.clone()),
        Err(RestoreError::Missing { .. })
    ));
    state.devices.push(state.devices[0].clone());
    assert_eq!(
        saved.import(state),
        Err(RestoreError::Damaged("pmem0".into()))
    );
}

#[test]
fn a_token_that_two_calls_have_is_refused() {
    let saved = machine(ExecutorChoice::Threads);
    let backing = crash();
    plug(&saved, 0, &backing);
    backing.hold();
    let token = call(&saved, opcode::H_SCM_FLUSH, &[drc(0), 0]).outputs[0];
    let mut state = saved.export();
    backing.release();
    assert_eq!(poll(&saved, token), status::H_SUCCESS);
    let calls = &mut state.devices[0].calls;
    let (token, _) = calls.running[0];
    calls.finished.push((token, status::H_SUCCESS));
    assert_eq!(
        saved.import(state),
        Err(RestoreError::Damaged("pmem0".into()))
    );
}
