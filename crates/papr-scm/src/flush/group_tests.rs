//! The group commit, one thread at a time. (`tests/model.rs` has it with many; these can't run under loom, so they are not
//! in the file that loom compiles.)

use super::group::{Asked, GREATEST_GATHERING, GroupCommit};

fn ask(group: &GroupCommit<u32, &'static str>, who: u32) -> &'static str {
    match group.ask(Some(who)) {
        Asked::Submit => "submit",
        Asked::Joined => "joined",
        Asked::Failed(..) => "failed",
    }
}

#[test]
fn any_number_of_concurrent_requests_costs_two_syncs() {
    let group = GroupCommit::new();
    assert_eq!(ask(&group, 0), "submit");
    assert_eq!(group.begin(), 1);
    for who in 1..100 {
        assert_eq!(ask(&group, who), "joined");
    }
    let first = group.end(Ok(()));
    assert_eq!((first.done, first.submit), (vec![0], true));
    assert_eq!(group.begin(), 99);
    let second = group.end(Ok(()));
    assert_eq!((second.done, second.submit), ((1..100).collect(), false));
}

#[test]
fn a_request_joins_a_sync_that_is_queued_but_not_one_that_runs() {
    let group = GroupCommit::new();
    assert_eq!(ask(&group, 0), "submit");
    assert_eq!(ask(&group, 1), "joined");
    group.begin();
    assert_eq!(ask(&group, 2), "joined");
    assert_eq!(group.end(Ok(())).done, [0, 1]);
}

#[test]
fn the_first_failure_fails_the_running_batch_the_next_and_all_later_requests() {
    let group = GroupCommit::new();
    assert_eq!(ask(&group, 0), "submit");
    group.begin();
    assert_eq!(ask(&group, 1), "joined");
    let ended = group.end(Err("EIO"));
    assert_eq!(
        (ended.done, ended.submit, ended.latched),
        (vec![0, 1], false, true)
    );
    assert!(matches!(group.ask(Some(2)), Asked::Failed(Some(2), "EIO")));
    assert_eq!(group.failure(), Some("EIO"));
}

#[test]
fn a_request_of_nobody_still_gets_a_sync() {
    let group = GroupCommit::<u32, &str>::new();
    assert!(matches!(group.ask(None), Asked::Submit));
    group.begin();
    assert!(matches!(group.ask(None), Asked::Joined));
    assert!(group.end(Ok(())).submit);
    group.begin();
    assert!(!group.end(Ok(())).submit);
}

#[test]
fn a_latch_that_was_carried_over_refuses_at_once() {
    let group = GroupCommit::new();
    group.latch("EIO before the snapshot");
    assert_eq!(ask(&group, 1), "failed");
}

#[test]
fn a_sync_that_runs_while_the_latch_is_set_does_not_succeed() {
    let group = GroupCommit::new();
    assert_eq!(ask(&group, 0), "submit");
    group.begin();
    group.latch("EIO elsewhere");
    let ended = group.end(Ok(()));
    assert_eq!(
        (ended.done, ended.outcome, ended.submit),
        (vec![0], Err("EIO elsewhere"), false)
    );
}

#[test]
fn a_sync_gathers_those_who_took_part_in_the_last_round_and_a_lone_writer_waits_for_nobody() {
    let group = GroupCommit::new();
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers(), "nothing is known yet");
    group.begin();
    assert_eq!(ask(&group, 1), "joined");
    assert!(group.end(Ok(())).submit);
    assert!(group.gathers(), "writer 0 will be back");
    assert_eq!(ask(&group, 0), "joined");
    assert!(!group.gathers(), "both are here");
    assert_eq!(group.begin(), 2);
    assert!(!group.end(Ok(())).submit);
    assert_eq!(ask(&group, 0), "submit");
    assert!(group.gathers());
    group.gather(std::time::Duration::from_micros(1));
    group.begin();
    assert_eq!(group.end(Ok(())).done, [0], "writer 1 did not come");
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers(), "and is not waited for again");
}

#[test]
fn many_writers_are_not_gathered() {
    let group = GroupCommit::new();
    for _ in 0..=GREATEST_GATHERING {
        ask(&group, 1);
    }
    assert_eq!(group.begin(), GREATEST_GATHERING + 1);
    assert!(!group.end(Ok(())).submit);
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers());
}
