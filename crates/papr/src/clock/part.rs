//! The clock as a part of the platform: get-time-of-day and set-time-of-day.

use std::sync::Arc;

use serde_json::Value;

use super::{Clock, ClockState};
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::rtas::{Answer, Request, Service, status};

/// It has no [`reset`](Part::reset): it runs on, as a clock with a battery does.
impl Part for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(0x2001, "get-time-of-day", 0..=0, 8, &self, get_time_of_day),
            Service::new(0x2002, "set-time-of-day", 7..=7, 1, &self, set_time_of_day),
        ]
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    fn export(&self) -> Value {
        to_value(&Clock::export(self))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let state: ClockState = from_value(state)?;
        if !state.is_possible() {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || Clock::import(self, state)))
    }
}

/// get-time-of-day: answers year, month, day, hour, minute, second, nanosecond, in UTC.
fn get_time_of_day(clock: &Clock, _: &Request<'_>) -> Answer {
    let (c, nanos) = clock.now();
    Answer::values([c.year, c.month, c.day, c.hour, c.minute, c.second, nanos])
}

/// set-time-of-day: year, month, day, hour, minute, second, nanosecond.
fn set_time_of_day(clock: &Clock, request: &Request<'_>) -> Answer {
    let &[year, month, day, hour, minute, second, nanos] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let calendar = [year, month, day, hour, minute, second].into();
    if clock.set(calendar, nanos) {
        Answer::SUCCESS
    } else {
        Answer::status(status::PARAMETER)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Machine;

    #[test]
    fn the_clock_runs_on_from_what_the_guest_set() {
        let m = Machine::new(1);
        assert_eq!(
            m.rtas_named(0, "set-time-of-day", &[2031, 12, 31, 23, 30, 0, 0], 1),
            [0]
        );
        let now = m.rtas_named(0, "get-time-of-day", &[], 8);
        assert_eq!(now[..5], [0, 2031, 12, 31, 23]);
        m.platform.reset();
        assert_eq!(
            m.rtas_named(0, "get-time-of-day", &[], 8)[1],
            2031,
            "a reset does not stop the clock"
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let m = Machine::new(1);
        assert_eq!(
            m.rtas_named(0, "set-time-of-day", &[2031, 13, 1, 0, 0, 0, 0], 1),
            [-3]
        );
        assert_eq!(
            m.rtas_named(
                0,
                "set-time-of-day",
                &[2031, 1, 1, 0, 0, 0, 1_000_000_000],
                1
            ),
            [-3]
        );
    }
}
