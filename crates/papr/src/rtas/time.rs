//! get-time-of-day and set-time-of-day.

use super::{Answer, Request, status};
use crate::clock::Calendar;
use crate::platform::Platform;

/// get-time-of-day: answers year, month, day, hour, minute, second, nanosecond, in UTC.
pub(super) fn get_time_of_day(platform: &Platform, _: &Request<'_>) -> Answer {
    let (c, nanos) = platform.clock.now();
    Answer::values([c.year, c.month, c.day, c.hour, c.minute, c.second, nanos])
}

/// set-time-of-day: year, month, day, hour, minute, second, nanosecond.
pub(super) fn set_time_of_day(platform: &Platform, request: &Request<'_>) -> Answer {
    let &[year, month, day, hour, minute, second, nanos] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let calendar = Calendar {
        year,
        month,
        day,
        hour,
        minute,
        second,
    };
    if platform.clock.set(calendar, nanos) {
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
