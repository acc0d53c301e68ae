//! get-time-of-day and set-time-of-day: the machine's clock, in UTC.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Answer, Request, status};
use crate::platform::Platform;
use crate::sync::lock;

const NANOS: i128 = 1_000_000_000;
const DAY: i64 = 86_400;

/// The machine's clock: the host's, shifted by what the guest set. It keeps its shift over a reset, as a clock with a
/// battery does.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_nanos: Mutex<i128>,
}

impl Clock {
    fn host_nanos() -> i128 {
        // A host whose clock stands before 1970 gets 1970.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as i128)
    }

    /// Nanoseconds since 1970; never before, even where the host's clock was put back.
    fn now(&self) -> i128 {
        (Self::host_nanos() + *lock(&self.ahead_nanos)).max(0)
    }

    fn set(&self, nanos: i128) {
        *lock(&self.ahead_nanos) = nanos - Self::host_nanos();
    }
}

/// A point in time as the calendar has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Calendar {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + is_leap(year) as u32,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to January 1st of `year`.
const fn days_before_year(year: u32) -> i64 {
    let before = year as i64 - 1;
    before * 365 + before / 4 - before / 100 + before / 400 - 719_162
}

impl Calendar {
    /// Years that a guest may set.
    const YEARS: std::ops::RangeInclusive<u32> = 1970..=9999;

    /// From seconds since 1970, which must not be before.
    fn from_seconds(seconds: i64) -> Calendar {
        let (mut days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY) as u32);
        // A guess that is at most one year early, then the months: there are 12.
        let mut year = 1970 + (days / 366) as u32;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        days -= days_before_year(year);
        let mut month = 1;
        while days >= days_in_month(year, month).into() {
            days -= i64::from(days_in_month(year, month));
            month += 1;
        }
        Calendar {
            year,
            month,
            day: days as u32 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// Seconds since 1970; `None` for what is no date or time.
    fn seconds(self) -> Option<i64> {
        let Calendar {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        let valid = Self::YEARS.contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !valid {
            return None;
        }
        let months = (1..month)
            .map(|m| i64::from(days_in_month(year, m)))
            .sum::<i64>();
        let days = days_before_year(year) + months + i64::from(day) - 1;
        Some(days * DAY + i64::from(hour * 3600 + minute * 60 + second))
    }
}

/// get-time-of-day: answers year, month, day, hour, minute, second, nanosecond.
pub(super) fn get_time_of_day(platform: &Platform, _: &Request<'_>) -> Answer {
    let now = platform.clock.now();
    let c = Calendar::from_seconds(now.div_euclid(NANOS) as i64);
    Answer::values([
        c.year,
        c.month,
        c.day,
        c.hour,
        c.minute,
        c.second,
        now.rem_euclid(NANOS) as u32,
    ])
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
    match calendar.seconds() {
        Some(seconds) if i128::from(nanos) < NANOS => {
            platform
                .clock
                .set(i128::from(seconds) * NANOS + i128::from(nanos));
            Answer::SUCCESS
        }
        _ => Answer::status(status::PARAMETER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    fn calendar(numbers: [u32; 6]) -> Calendar {
        let [year, month, day, hour, minute, second] = numbers;
        Calendar {
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    #[test]
    fn known_moments_convert_both_ways() {
        let moments = [
            (0, [1970, 1, 1, 0, 0, 0]),
            (951_782_399, [2000, 2, 28, 23, 59, 59]),
            (951_782_400, [2000, 2, 29, 0, 0, 0]),
            (1_709_210_096, [2024, 2, 29, 12, 34, 56]),
            (4_107_542_400, [2100, 3, 1, 0, 0, 0]),
            (253_402_300_799, [9999, 12, 31, 23, 59, 59]),
        ];
        for (seconds, numbers) in moments {
            assert_eq!(Calendar::from_seconds(seconds), calendar(numbers));
            assert_eq!(calendar(numbers).seconds(), Some(seconds));
        }
    }

    #[test]
    fn every_day_of_two_centuries_converts_both_ways() {
        for day in 0..200 * 366 {
            let seconds = day * DAY + 1;
            assert_eq!(Calendar::from_seconds(seconds).seconds(), Some(seconds));
        }
    }

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
    fn dates_that_are_none_are_refused() {
        let m = Machine::new(1);
        let wrong = [
            [1969, 1, 1, 0, 0, 0, 0],
            [2023, 2, 29, 0, 0, 0, 0],
            [2024, 0, 1, 0, 0, 0, 0],
            [2024, 13, 1, 0, 0, 0, 0],
            [2024, 4, 31, 0, 0, 0, 0],
            [2024, 1, 1, 24, 0, 0, 0],
            [2024, 1, 1, 0, 60, 0, 0],
            [2024, 1, 1, 0, 0, 60, 0],
            [2024, 1, 1, 0, 0, 0, 1_000_000_000],
            [u32::MAX; 7],
        ];
        for args in wrong {
            assert_eq!(
                m.rtas_named(0, "set-time-of-day", &args, 1),
                [-3],
                "{args:?}"
            );
        }
    }
}
