//! The group commit, one thread at a time. (`tests/model.rs` has it with many; these can't run
//! under loom, so they are not in the file that loom compiles.)

use super::group::{Asked, Ended, GREATEST_GATHERING, GroupCommit};

fn ask(group: &GroupCommit<u32, &'static str>, who: u32) -> &'static str {
    match group.ask(Some(who)) {
        Asked::Submit => "submit",
        Asked::Joined => "joined",
        Asked::Failed(..) => "failed",
    }
}

/// A sync from begin to end: how many waited for it, and what to do after.
fn sync<W>(
    group: &GroupCommit<W, &'static str>,
    meanwhile: impl FnOnce(),
    result: Result<(), &'static str>,
) -> (usize, Ended<W, &'static str>) {
    let begun = group.begin();
    meanwhile();
    (begun.size, group.end(Some(begun.sync_slot), result))
}

/// One that ends well while nothing happens.
fn quick_sync<W>(group: &GroupCommit<W, &'static str>) -> Ended<W, &'static str> {
    sync(group, || {}, Ok(())).1
}

#[test]
fn any_number_of_concurrent_requests_costs_two_syncs() {
    let group = GroupCommit::new(None);
    assert_eq!(ask(&group, 0), "submit");
    let concurrent = || (1..100).for_each(|who| assert_eq!(ask(&group, who), "joined"));
    let (size, first) = sync(&group, concurrent, Ok(()));
    assert_eq!((size, first.done, first.submit), (1, vec![0], true));
    let (size, second) = sync(&group, || {}, Ok(()));
    assert_eq!(
        (size, second.done, second.submit),
        (99, (1..100).collect(), false)
    );
}

#[test]
fn a_request_joins_a_sync_that_is_queued_but_not_one_that_runs() {
    let group = GroupCommit::new(None);
    assert_eq!(ask(&group, 0), "submit");
    assert_eq!(ask(&group, 1), "joined");
    let late = || assert_eq!(ask(&group, 2), "joined");
    assert_eq!(sync(&group, late, Ok(())).1.done, [0, 1]);
}

#[test]
fn the_first_failure_fails_the_running_batch_the_next_and_all_later_requests() {
    let group = GroupCommit::new(None);
    assert_eq!(ask(&group, 0), "submit");
    let late = || assert_eq!(ask(&group, 1), "joined");
    let (_, ended) = sync(&group, late, Err("EIO"));
    assert_eq!(
        (ended.done, ended.submit, ended.latched),
        (vec![0, 1], false, true)
    );
    assert!(matches!(group.ask(Some(2)), Asked::Failed(Some(2), "EIO")));
    assert_eq!(group.failure(), Some("EIO"));
}

#[test]
fn a_request_of_nobody_still_gets_a_sync() {
    let group = GroupCommit::<u32, &str>::new(None);
    assert!(matches!(group.ask(None), Asked::Submit));
    let late = || assert!(matches!(group.ask(None), Asked::Joined));
    assert!(sync(&group, late, Ok(())).1.submit);
    assert!(!quick_sync(&group).submit);
}

#[test]
fn a_latch_that_was_carried_over_refuses_at_once() {
    let group = GroupCommit::new(None);
    group.latch("EIO before the snapshot");
    assert_eq!(ask(&group, 1), "failed");
}

#[test]
fn a_sync_that_runs_while_the_latch_is_set_does_not_succeed() {
    let group = GroupCommit::new(None);
    assert_eq!(ask(&group, 0), "submit");
    let (_, ended) = sync(&group, || group.latch("EIO elsewhere"), Ok(()));
    assert_eq!(
        (ended.done, ended.outcome, ended.submit),
        (vec![0], Err("EIO elsewhere"), false)
    );
}

#[test]
fn a_sync_gathers_those_who_took_part_in_the_last_round_and_a_lone_writer_waits_for_nobody() {
    let group = GroupCommit::new(None);
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers(), "nothing is known yet");
    let late = || assert_eq!(ask(&group, 1), "joined");
    assert!(sync(&group, late, Ok(())).1.submit);
    assert!(group.gathers(), "writer 0 will be back");
    assert_eq!(ask(&group, 0), "joined");
    assert!(!group.gathers(), "both are here");
    let (size, ended) = sync(&group, || {}, Ok(()));
    assert_eq!((size, ended.submit), (2, false));
    assert_eq!(ask(&group, 0), "submit");
    assert!(group.gathers());
    group.gather(std::time::Duration::from_micros(1));
    assert_eq!(quick_sync(&group).done, [0], "writer 1 did not come");
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers(), "and is not waited for again");
}

#[test]
fn many_writers_are_not_gathered() {
    let group = GroupCommit::new(None);
    for _ in 0..=GREATEST_GATHERING {
        ask(&group, 1);
    }
    let (size, ended) = sync(&group, || {}, Ok(()));
    assert_eq!((size, ended.submit), (GREATEST_GATHERING + 1, false));
    assert_eq!(ask(&group, 0), "submit");
    assert!(!group.gathers());
}

/// A group that runs two syncs from four writers on, after a round of six.
fn with_concurrent_writers() -> GroupCommit<u32, &'static str> {
    let group = GroupCommit::new(Some(4));
    (0..6).for_each(|who| assert_ne!(ask(&group, who), "failed"));
    assert_eq!(quick_sync(&group).done.len(), 6);
    group
}

/// The same with a sync that runs for 0, 1 and 2, and one for 3, 4 and 5 that began later. Gives
/// their sync slots.
fn two_run() -> (GroupCommit<u32, &'static str>, Option<usize>, Option<usize>) {
    let group = with_concurrent_writers();
    let asked: Vec<_> = (0..3).map(|who| ask(&group, who)).collect();
    assert_eq!(asked, ["submit", "joined", "joined"]);
    let first = group.begin();
    let asked: Vec<_> = (3..6).map(|who| ask(&group, who)).collect();
    assert_eq!(asked, ["joined", "joined", "submit"], "half of the writers");
    let second = group.begin();
    assert_eq!((first.size, second.size), (3, 3));
    (group, Some(first.sync_slot), Some(second.sync_slot))
}

#[test]
fn where_two_may_run_a_sync_gathers_half_of_the_writers() {
    let group = with_concurrent_writers();
    assert_eq!(ask(&group, 0), "submit");
    assert_eq!(ask(&group, 1), "joined");
    assert!(group.gathers());
    assert_eq!(ask(&group, 2), "joined");
    assert!(!group.gathers());
}

#[test]
fn no_second_sync_runs_for_few_writers_or_for_less_than_half_of_many() {
    let group = GroupCommit::new(Some(4));
    for round in 0..3 {
        assert_eq!(ask(&group, 0), if round == 0 { "submit" } else { "joined" });
        let late = || [1, 2].map(|who| ask(&group, who));
        let (_, ended) = sync(&group, || assert_eq!(late(), ["joined"; 2]), Ok(()));
        assert!(ended.submit, "three writers");
    }
    let group = with_concurrent_writers();
    (0..3).for_each(|who| assert_ne!(ask(&group, who), "failed"));
    let late = || [3, 4].map(|who| ask(&group, who));
    let (_, ended) = sync(&group, || assert_eq!(late(), ["joined"; 2]), Ok(()));
    assert_eq!(
        (ended.done, ended.submit),
        (vec![0, 1, 2], true),
        "two of six"
    );
}

#[test]
fn no_third_sync_runs() {
    let (group, first, _) = two_run();
    (6..20).for_each(|who| assert_eq!(ask(&group, who), "joined"));
    assert!(group.end(first, Ok(())).submit);
    assert_eq!(group.begin().size, 14);
}

#[test]
fn a_success_beside_a_sync_that_runs_is_told_when_that_one_has_ended() {
    for swapped in [false, true] {
        let (group, first, second) = two_run();
        let (early, late) = if swapped {
            (second, first)
        } else {
            (first, second)
        };
        assert!(group.end(early, Ok(())).done.is_empty());
        let mut ended = group.end(late, Ok(()));
        ended.done.sort_unstable();
        assert_eq!((ended.done, ended.outcome), ((0..6).collect(), Ok(())));
    }
}

#[test]
fn a_held_success_waits_for_no_sync_that_began_after_it() {
    let (group, first, second) = two_run();
    assert!(group.end(first, Ok(())).done.is_empty());
    (0..3).for_each(|who| assert_ne!(ask(&group, who), "failed"));
    let third = group.begin();
    assert_eq!(
        group.end(second, Ok(())).done,
        [0, 1, 2],
        "those of the first"
    );
    let mut ended = group.end(Some(third.sync_slot), Ok(()));
    ended.done.sort_unstable();
    assert_eq!(ended.done, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_sync_that_fails_takes_with_it_a_held_success_and_what_runs_and_waits() {
    let (group, first, second) = two_run();
    assert!(group.end(second, Ok(())).done.is_empty());
    assert_eq!(ask(&group, 6), "joined");
    let mut ended = group.end(first, Err("EIO"));
    ended.done.sort_unstable();
    assert_eq!(
        (ended.done, ended.outcome, ended.submit, ended.latched),
        ((0..7).collect(), Err("EIO"), false, true)
    );

    let (group, first, second) = two_run();
    let mut ended = group.end(first, Err("EIO"));
    ended.done.sort_unstable();
    assert_eq!((ended.done, ended.outcome), ((0..6).collect(), Err("EIO")));
    let ended = group.end(second, Ok(()));
    assert_eq!(
        (ended.done, ended.outcome, ended.submit, ended.latched),
        (vec![], Err("EIO"), false, false)
    );
}

#[test]
fn a_sync_that_is_lost_before_it_begins_fails_what_runs_beside_it() {
    let (group, first, _) = two_run();
    assert!(group.end(first, Ok(())).done.is_empty());
    let asked: Vec<_> = (6..9).map(|who| ask(&group, who)).collect();
    assert_eq!(asked, ["joined", "joined", "submit"]);
    let mut ended = group.end(None, Err("no thread"));
    ended.done.sort_unstable();
    assert_eq!(
        (ended.done, ended.outcome),
        ((0..9).collect(), Err("no thread"))
    );
}
