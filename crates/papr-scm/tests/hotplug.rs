//! Devices come and go while the guest runs.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{call, crash, drc, flush, spec};
use papr_dr::Resource;
use papr_scm::abi::{opcode, rtas, status};
use papr_scm::flush::ExecutorChoice;
use papr_scm::nvdimm::Region;
use papr_scm::{Connectors, DrcIndex, Plug, PlugError, RegionListener, Scm, ScmOptions, Unplug};

#[derive(Default)]
struct Mapped(Mutex<Vec<u64>>);

impl RegionListener for Mapped {
    fn attached(&self, region: &Region) {
        self.0.lock().expect("no poison").push(region.guest_address);
    }

    fn detached(&self, region: &Region) {
        self.0
            .lock()
            .expect("no poison")
            .retain(|&address| address != region.guest_address);
    }
}

fn machine() -> (Scm, Arc<Mapped>) {
    let mapped = Arc::new(Mapped::default());
    let options = ScmOptions {
        executor: ExecutorChoice::Threads,
        listener: Some(mapped.clone()),
        slots: 4,
        ..ScmOptions::default()
    };
    (Scm::new(options).expect("an SCM"), mapped)
}

fn set(scm: &Scm, indicator: u32, value: u32) -> i32 {
    scm.set_indicator(indicator, DrcIndex::from_register(drc(0)), value)
        .expect("one of our connectors")
}

fn sense(scm: &Scm) -> u32 {
    scm.sensor_state(rtas::SENSOR_ENTITY_SENSE, DrcIndex::from_register(drc(0)))
        .expect("one of our connectors")
        .1
}

/// What Linux does with a device that was plugged: take it, unisolate it, and read its node.
/// Returns the node's names.
fn take(scm: &Scm) -> Vec<String> {
    assert_eq!(sense(scm), rtas::SENSE_UNUSABLE);
    assert_eq!(
        set(scm, rtas::INDICATOR_ALLOCATION_STATE, rtas::USABLE),
        rtas::SUCCESS
    );
    assert_eq!(
        set(scm, rtas::INDICATOR_ISOLATION_STATE, rtas::UNISOLATED),
        rtas::SUCCESS
    );
    let mut names = Vec::new();
    for _ in 0..100 {
        let mut area = [0; rtas::WORK_AREA_SIZE];
        area[..4].copy_from_slice(&(drc(0) as u32).to_be_bytes());
        match scm
            .configure(DrcIndex::of_work_area(&area), &mut area)
            .expect("one of our connectors")
        {
            rtas::CONFIGURE_COMPLETE => return names,
            rtas::CONFIGURE_NEXT_CHILD | rtas::CONFIGURE_NEXT_PROPERTY => {
                let at = u32::from_be_bytes([area[8], area[9], area[10], area[11]]) as usize;
                let name = area[at..]
                    .iter()
                    .take_while(|&&byte| byte != 0)
                    .map(|&byte| byte as char)
                    .collect();
                names.push(name);
            }
            other => panic!("a node without children answers {other}"),
        }
    }
    panic!("the node has no end");
}

fn give_back(scm: &Scm) -> i32 {
    assert_eq!(
        set(scm, rtas::INDICATOR_ISOLATION_STATE, rtas::ISOLATED),
        rtas::SUCCESS
    );
    set(scm, rtas::INDICATOR_ALLOCATION_STATE, rtas::UNUSABLE)
}

#[test]
fn a_device_is_plugged_taken_used_and_given_back() {
    let (scm, mapped) = machine();
    assert_eq!(scm.device_tree().children.len(), 0);
    let device = scm
        .plug(spec(0), crash(), Plug::Hot)
        .expect("an empty slot");
    assert_eq!(*mapped.0.lock().expect("no poison"), [common::ADDRESS]);
    assert_eq!(
        scm.device_tree().children.len(),
        0,
        "the guest does not hold it yet"
    );
    let names = take(&scm);
    assert_eq!(names[0], "ibm,pmemory@90000000");
    let expected: Vec<_> = device
        .node()
        .properties
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names[1..], expected);
    assert_eq!(scm.device_tree().children.len(), 1);
    assert_eq!(flush(&scm, drc(0)), status::H_SUCCESS);

    assert_eq!(scm.request_unplug("pmem0"), Ok(Unplug::WaitsForGuest));
    assert_eq!(give_back(&scm), rtas::SUCCESS);
    assert!(scm.devices().is_empty() && mapped.0.lock().expect("no poison").is_empty());
    assert_eq!(
        call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]).status,
        status::H_PARAMETER
    );
    assert_eq!(sense(&scm), rtas::SENSE_UNUSABLE);

    scm.plug(spec(0), crash(), Plug::Hot)
        .expect("the slot is empty again");
    take(&scm);
    assert_eq!(flush(&scm, drc(0)), status::H_SUCCESS);
}

#[test]
fn an_unplug_waits_for_outstanding_flushes() {
    let (scm, _) = machine();
    let backing = crash();
    scm.plug(spec(0), backing.clone(), Plug::Cold)
        .expect("an empty slot");
    backing.hold();
    let begun = call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]);
    assert!(status::retry_after(begun.status).is_some());
    scm.request_unplug("pmem0").expect("the device");
    assert_eq!(give_back(&scm), rtas::EXTENDED_DELAY_10_MSEC);
    assert_eq!(scm.devices().len(), 1);
    backing.release();
    let mut answer = rtas::EXTENDED_DELAY_10_MSEC;
    while answer == rtas::EXTENDED_DELAY_10_MSEC {
        std::thread::sleep(Duration::from_millis(1));
        answer = set(&scm, rtas::INDICATOR_ALLOCATION_STATE, rtas::UNUSABLE);
    }
    assert_eq!((answer, scm.devices().len()), (rtas::SUCCESS, 0));
}

#[test]
fn a_guest_that_changes_its_mind_can_flush_again() {
    let (scm, _) = machine();
    let backing = crash();
    scm.plug(spec(0), backing.clone(), Plug::Cold)
        .expect("an empty slot");
    backing.hold();
    call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]);
    scm.request_unplug("pmem0").expect("the device");
    assert_eq!(give_back(&scm), rtas::EXTENDED_DELAY_10_MSEC);
    assert_eq!(
        call(&scm, opcode::H_SCM_FLUSH, &[drc(0), 0]).status,
        status::H_PARAMETER,
        "on its way out"
    );
    assert_eq!(
        set(&scm, rtas::INDICATOR_ISOLATION_STATE, rtas::UNISOLATED),
        rtas::SUCCESS
    );
    backing.release();
    assert_eq!(flush(&scm, drc(0)), status::H_SUCCESS);
}

#[test]
fn a_reset_completes_an_unplug_that_the_guest_never_answered() {
    let (scm, mapped) = machine();
    scm.plug(spec(0), crash(), Plug::Cold)
        .expect("an empty slot");
    scm.request_unplug("pmem0").expect("the device");
    scm.reset().expect("nothing is outstanding");
    assert!(scm.devices().is_empty() && mapped.0.lock().expect("no poison").is_empty());
}

#[test]
fn a_device_that_the_guest_never_took_goes_at_once() {
    let (scm, _) = machine();
    scm.plug(spec(0), crash(), Plug::Hot)
        .expect("an empty slot");
    assert_eq!(scm.request_unplug("pmem0"), Ok(Unplug::Done));
    assert!(scm.devices().is_empty());
    assert_eq!(
        scm.request_unplug("pmem0"),
        Err(PlugError::NoSuchDevice("pmem0".into()))
    );
}

#[test]
fn what_does_not_fit_is_not_plugged() {
    let (scm, mapped) = machine();
    let refused = |change: &dyn Fn(&mut papr_scm::nvdimm::DeviceSpec)| {
        let mut spec = spec(1);
        change(&mut spec);
        scm.plug(spec, crash(), Plug::Hot)
            .expect_err("it does not fit")
            .to_string()
    };
    scm.plug(spec(0), crash(), Plug::Cold)
        .expect("an empty slot");
    assert!(refused(&|s| s.slot = Some(0)).contains("slot 0 is taken"));
    assert!(refused(&|s| s.slot = Some(4)).contains("slot 4 is taken or does not exist"));
    assert!(refused(&|s| s.slot = Some(u32::MAX)).contains("does not exist"));
    assert!(refused(&|s| s.id = "pmem0".into()).contains("pmem0 has the same id"));
    assert!(refused(&|s| s.uuid = spec(0).uuid).contains("the same uuid"));
    assert!(
        refused(&|s| s.guest_address = spec(0).guest_address).contains("the same guest addresses")
    );
    assert!(refused(&|s| s.guest_address += 4096).contains("not whole 256M blocks"));
    assert!(refused(&|s| s.guest_address = u64::MAX << 28).contains("not whole 256M blocks"));
    for n in 1..4 {
        scm.plug(spec(n), crash(), Plug::Hot)
            .expect("an empty slot");
    }
    let mut fifth = spec(5);
    fifth.slot = None;
    assert!(
        scm.plug(fifth, crash(), Plug::Hot)
            .expect_err("no room")
            .to_string()
            .contains("no slot is free")
    );
    assert_eq!(mapped.0.lock().expect("no poison").len(), 4);
}

#[test]
fn indexes_of_other_connectors_are_left_to_others() {
    let (scm, _) = machine();
    assert_eq!(
        scm.set_indicator(
            rtas::INDICATOR_ISOLATION_STATE,
            DrcIndex::from(0x8000_0000),
            1
        ),
        None
    );
    assert_eq!(
        scm.sensor_state(rtas::SENSOR_ENTITY_SENSE, DrcIndex::from(0x9000_0004)),
        None
    );
    let mut area = [0xFF; rtas::WORK_AREA_SIZE];
    assert_eq!(
        scm.configure(DrcIndex::of_work_area(&area), &mut area),
        None
    );
    assert_eq!(set(&scm, rtas::INDICATOR_DR, 1), rtas::NO_SUCH_INDICATOR);
    assert_eq!(set(&scm, 1, 1), rtas::NO_SUCH_INDICATOR);
    assert_eq!(
        scm.sensor_state(9, DrcIndex::from_register(drc(0))),
        Some((rtas::NO_SUCH_INDICATOR, 0))
    );
    area[..4].copy_from_slice(&(drc(0) as u32).to_be_bytes());
    assert_eq!(
        scm.configure(DrcIndex::of_work_area(&area), &mut area),
        Some(rtas::CONFIGURE_NOT_CONFIGURABLE),
        "empty"
    );
}
