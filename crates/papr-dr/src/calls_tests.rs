//! The asynchronous calls, one thread at a time. (`tests/model.rs` has them with many; these can't
//! run under loom, so they are not in the file that loom compiles.)

use std::time::Duration;

use super::{AsyncCalls, Claim, ContinueToken, Refusal, TokenSource};

fn calls(limit: usize) -> AsyncCalls<&'static str, i64> {
    AsyncCalls::new(TokenSource::new([1, 2, 3, 4]), limit, -1)
}

fn finished(calls: &AsyncCalls<&'static str, i64>, token: ContinueToken) -> bool {
    matches!(calls.claim(token, Duration::ZERO), Claim::Finished(_))
}

#[test]
fn a_call_runs_until_it_is_completed_and_its_answer_is_given_out_once() {
    let calls = calls(4);
    let (token, completion) = calls.begin("a").expect("room");
    assert!(matches!(
        calls.claim(token, Duration::from_millis(1)),
        Claim::Running { .. }
    ));
    completion.complete(5);
    assert_eq!(calls.claim(token, Duration::ZERO), Claim::Finished(5));
    assert_eq!(calls.claim(token, Duration::ZERO), Claim::Unknown);
}

#[test]
fn a_token_that_was_never_issued_is_unknown() {
    let calls = calls(4);
    let (token, _completion) = calls.begin("a").expect("room");
    let other = ContinueToken::from_register(token.value() ^ 1).expect("not zero");
    assert_eq!(calls.claim(other, Duration::ZERO), Claim::Unknown);
}

#[test]
fn past_the_limit_nothing_begins_until_a_result_is_fetched() {
    let calls = calls(2);
    let (one, completion) = calls.begin("a").expect("room");
    let _two = calls.begin("b").expect("room");
    assert_eq!(calls.begin("c").err(), Some(Refusal::Full));
    completion.complete(0);
    assert_eq!(
        calls.begin("c").err(),
        Some(Refusal::Full),
        "a result that waits to be fetched counts"
    );
    assert!(finished(&calls, one));
    assert!(calls.begin("c").is_ok());
}

#[test]
fn a_dropped_completion_is_a_lost_call() {
    let calls = calls(2);
    let (token, completion) = calls.begin("a").expect("room");
    drop(completion);
    assert_eq!(calls.claim(token, Duration::ZERO), Claim::Finished(-1));
}

#[test]
fn a_drain_that_runs_out_of_time_abandons_and_late_completions_come_to_nothing() {
    let calls = calls(2);
    let (token, completion) = calls.begin("a").expect("room");
    assert_eq!(calls.drain(Duration::from_millis(1)), 1);
    assert_eq!(calls.begin("b").err(), Some(Refusal::Closed));
    completion.complete(0);
    assert_eq!((calls.running(), calls.outstanding()), (0, 0));
    calls.reopen();
    assert_eq!(calls.claim(token, Duration::ZERO), Claim::Unknown);
    assert_ne!(
        calls.begin("b").expect("room").0,
        token,
        "tokens are not used again"
    );
}

#[test]
fn a_snapshot_carries_what_runs_and_what_waits_to_be_fetched() {
    let before = calls(4);
    let (running, _completion) = before.begin("runs").expect("room");
    let (done, completion) = before.begin("done").expect("room");
    completion.complete(9);
    let text = serde_json::to_string(&before.export().finished).expect("plain data");
    assert!(text.contains('9'));

    let after = calls(4);
    let again = after.import(before.export());
    assert_eq!(again.len(), 1);
    assert_eq!(after.running(), 1);
    for (request, completion) in again {
        assert_eq!(request, "runs");
        completion.complete(7);
    }
    assert_eq!(after.claim(running, Duration::ZERO), Claim::Finished(7));
    assert_eq!(after.claim(done, Duration::ZERO), Claim::Finished(9));
    let (next_there, _a) = before.begin("x").expect("room");
    let (next_here, _b) = after.begin("x").expect("room");
    assert_eq!(next_there, next_here, "the token source went along");
}

#[test]
fn what_was_begun_before_a_restore_does_not_finish_what_the_restore_brought() {
    let calls = calls(4);
    let (token, before) = calls.begin("a").expect("room");
    let mut again = calls.import(calls.export());
    before.complete(0);
    assert!(
        matches!(calls.claim(token, Duration::ZERO), Claim::Running { .. }),
        "the restored call was not done again"
    );
    let (_, completion) = again.pop().expect("the call");
    completion.complete(1);
    assert_eq!(calls.claim(token, Duration::ZERO), Claim::Finished(1));
}
