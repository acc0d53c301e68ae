//! `H_SCM_FLUSH`: make durable what the guest has stored, asynchronously.
//!
//! Token 0 begins a flush, any other asks for one that was begun. Every busy answer carries the
//! token in r4, because Linux always passes r4 back. A flush whose sync ends within the bound of
//! `flush::predict` has its answer in the hypercall that began it, unless its vCPU has an interrupt
//! to take meanwhile. No lock is held while a vCPU waits here.

use std::time::Duration;

use super::{Args, Validated, refuse};
use crate::abi::status;
use crate::flush::FlushOutcome;
use crate::flush::counters::count;
use crate::flush::predict::{SLICE, busy_answer, patience, remaining};
use crate::guest::{Answer, Caller};
use crate::scm::{Scm, ScmCall};
use papr_dr::{AsyncCalls, Claim, ContinueToken, Refusal};

/// What the end of a flush means to the guest.
pub(crate) fn status_of(outcome: &FlushOutcome) -> i64 {
    if outcome.is_ok() {
        status::H_SUCCESS
    } else {
        status::H_HARDWARE
    }
}

/// drc, token -> token.
pub(super) fn flush(scm: &Scm, args: Args<'_>, caller: &dyn Caller) -> Validated<Answer> {
    let Some((slot, device)) = scm.slot_and_device(args.drc(0)) else {
        return refuse(status::H_PARAMETER);
    };
    if !device.flush_announced() {
        return refuse(status::H_UNSUPPORTED);
    }
    let engine = device.engine();
    count(&engine.counting().hypercalls, 1);
    let expected = engine.expected();
    let begun = ContinueToken::from_register(args.get(1));
    let token = match begun {
        Some(token) => token,
        None => match slot.calls().begin(ScmCall::Flush) {
            Ok((token, completion)) => {
                engine.flush(move |outcome| completion.complete(status_of(&outcome)));
                token
            }
            Err(Refusal::Full) => {
                // Token 0 again: the guest comes back as if for the first time, and nothing of ours
                // has grown.
                count(&engine.counting().refused_full, 1);
                return Ok(Answer::with(status::H_LONG_BUSY_ORDER_1_MSEC, [0]));
            }
            // The device is on its way out.
            Err(Refusal::Closed) => return refuse(status::H_PARAMETER),
        },
    };
    let mut claim = slot.calls().claim(token, Duration::ZERO);
    if let Claim::Running { age } = claim {
        let patience = patience(remaining(expected, age));
        claim = wait(slot.calls(), token, patience, || caller.is_wanted());
    }
    match claim {
        Claim::Finished(status) => {
            if begun.is_none() {
                count(&engine.counting().answered_at_once, 1);
            }
            Ok(Answer::status(status))
        }
        Claim::Unknown => refuse(status::H_P2),
        Claim::Running { age } => {
            let answer = busy_answer(remaining(expected, age));
            let counter = if answer == status::H_BUSY {
                &engine.counting().busy
            } else {
                &engine.counting().long_busy
            };
            count(counter, 1);
            Ok(Answer::with(answer, [token.value()]))
        }
    }
}

/// Waits for a call with patience, and no longer than a slice of it where the vCPU is wanted
/// elsewhere.
fn wait(
    calls: &AsyncCalls<ScmCall, i64>,
    token: ContinueToken,
    mut patience: Duration,
    is_wanted: impl Fn() -> bool,
) -> Claim<i64> {
    loop {
        let slice = patience.min(SLICE);
        patience -= slice;
        let claim = calls.claim(token, slice);
        if !matches!(claim, Claim::Running { .. }) || patience.is_zero() || is_wanted() {
            return claim;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::testing::{DRC, Machine};
    use super::*;
    use crate::abi::opcode::H_SCM_FLUSH as FLUSH;
    use crate::abi::status::{
        H_HARDWARE, H_P2, H_PARAMETER, H_SUCCESS, H_UNSUPPORTED, retry_after,
    };
    use crate::backing::Fault;
    use papr_dr::TokenSource;

    #[test]
    fn the_device_comes_first_then_what_it_announced_then_the_token() {
        let machine = Machine::new();
        assert_eq!(machine.call(FLUSH, &[DRC + 1, 7]).status, H_PARAMETER);
        assert_eq!(machine.call(FLUSH, &[DRC, 7]).status, H_P2);
        let silent = Machine::with(|setup| setup.sync_dax = true);
        assert_eq!(silent.call(FLUSH, &[DRC, 7]).status, H_UNSUPPORTED);
        assert_eq!(silent.call(FLUSH, &[DRC, 0]).status, H_UNSUPPORTED);
    }

    #[test]
    fn a_machine_without_the_flush_does_not_know_the_opcode() {
        let machine = Machine::with(|setup| setup.flush_hypercall = false);
        assert_eq!(machine.try_call(FLUSH, &[DRC, 0]), None);
    }

    #[test]
    fn a_flush_that_takes_long_keeps_its_token_until_it_is_finished_and_then_spends_it() {
        let machine = Machine::new();
        machine.backing().hold();
        let first = machine.call(FLUSH, &[DRC, 0]);
        assert!(retry_after(first.status).is_some(), "{first:?}");
        let token = first.outputs()[0];
        assert_ne!(token, 0);
        let second = machine.call(FLUSH, &[DRC, token]);
        assert_eq!(
            (retry_after(second.status).is_some(), second.outputs()),
            (true, &[token][..])
        );
        machine.backing().release();
        let status = loop {
            let answer = machine.call(FLUSH, &[DRC, token]);
            match retry_after(answer.status) {
                Some(_) => assert_eq!(answer.outputs(), &[token]),
                None => break answer.status,
            }
        };
        assert_eq!(status, H_SUCCESS);
        assert_eq!(
            machine.call(FLUSH, &[DRC, token]).status,
            H_P2,
            "the token is spent"
        );
    }

    #[test]
    fn a_wait_goes_on_until_its_vcpu_is_wanted() {
        let calls = AsyncCalls::new(TokenSource::new([1, 2, 3, 4]), 4, -1);
        // A vCPU that is not wanted has its call finished when it is asked.
        let wait = |wanted: bool| {
            let (token, completion) = calls.begin(ScmCall::Flush).expect("room");
            let call = RefCell::new(Some(completion));
            let claim = super::wait(&calls, token, Duration::from_secs(3600), || {
                if !wanted && let Some(call) = call.take() {
                    call.complete(7);
                }
                wanted
            });
            assert_eq!(call.take().is_some(), wanted);
            claim
        };
        assert_eq!(wait(false), Claim::Finished(7));
        assert!(matches!(wait(true), Claim::Running { .. }));
    }

    #[test]
    fn a_flush_makes_the_guest_s_stores_durable() {
        let machine = Machine::new();
        machine.store(12_345, b"record 1");
        assert_eq!(machine.flush(), H_SUCCESS);
        assert_eq!(machine.durable(12_345, 8), b"record 1");
    }

    #[test]
    fn one_failed_sync_fails_every_flush_ever_after() {
        let machine = Machine::new();
        assert_eq!(machine.flush(), H_SUCCESS);
        machine.backing().inject(Fault::Error(5));
        for _ in 0..5 {
            assert_eq!(machine.flush(), H_HARDWARE);
        }
        let counters = machine.device().counters();
        assert_eq!(
            (
                counters.failed_syncs,
                counters.failed_flushes,
                counters.syncs
            ),
            (1, 5, 2)
        );
    }

    #[test]
    fn a_guest_that_never_comes_back_is_bounded_and_a_reset_frees_it() {
        let machine = Machine::with(|setup| setup.outstanding_limit = 4);
        machine.backing().hold();
        let tokens: Vec<u64> = (0..4)
            .map(|_| machine.call(FLUSH, &[DRC, 0]).outputs()[0])
            .collect();
        assert!(tokens.iter().all(|&token| token != 0));
        let fifth = machine.call(FLUSH, &[DRC, 0]);
        assert!(retry_after(fifth.status).is_some());
        assert_eq!(fifth.outputs(), &[0], "come again without a new entry");
        machine.backing().release();
        machine.scm.reset().expect("everything drains");
        assert_eq!(machine.call(FLUSH, &[DRC, tokens[0]]).status, H_P2);
        assert_eq!(machine.flush(), H_SUCCESS);
    }
}
