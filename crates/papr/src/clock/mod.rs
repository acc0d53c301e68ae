//! The machine's clock, and the calendar (UTC) in which guests read and set it.

mod part;

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use papr_dr::sync::lock;

pub(crate) const NANOS: i128 = 1_000_000_000;
const DAY: i64 = 86_400;
/// The end of the year 9999, the last that a guest may set, in seconds since 1970: no clock is
/// further off.
const LAST_SECOND: u64 = 253_402_300_800;

/// The machine's clock: the host's, shifted by what the guest set. It keeps its shift over a reset,
/// as a clock with a battery does.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_nanos: Mutex<i128>,
}

/// How far a machine's clock is ahead of the host's: what a guest that set it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockState {
    /// Seconds, negative where it is behind.
    pub seconds: i64,
    /// Nanoseconds to be added to them, less than a second.
    pub nanos: u32,
}

impl ClockState {
    /// Whether a guest can have set its clock so.
    pub(crate) fn is_possible(self) -> bool {
        self.seconds.abs_diff(0) <= LAST_SECOND && i128::from(self.nanos) < NANOS
    }
}

impl Clock {
    /// The state to save.
    pub(crate) fn export(&self) -> ClockState {
        let ahead = *lock(&self.ahead_nanos);
        ClockState {
            seconds: ahead.div_euclid(NANOS) as i64,
            nanos: ahead.rem_euclid(NANOS) as u32,
        }
    }

    /// Goes to a state that [is possible](ClockState::is_possible).
    pub(crate) fn import(&self, state: ClockState) {
        *lock(&self.ahead_nanos) = i128::from(state.seconds) * NANOS + i128::from(state.nanos);
    }

    fn host_nanos() -> i128 {
        // A host whose clock stands before 1970 gets 1970.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as i128)
    }

    /// The time: calendar and nanoseconds. Never before 1970, even where the host's clock was put
    /// back.
    pub(crate) fn now(&self) -> (Calendar, u32) {
        let nanos = (Self::host_nanos() + *lock(&self.ahead_nanos)).max(0);
        (
            Calendar::from_seconds(nanos.div_euclid(NANOS) as i64),
            nanos.rem_euclid(NANOS) as u32,
        )
    }

    /// Sets the time. False for what is no date or time.
    pub(crate) fn set(&self, calendar: Calendar, nanos: u32) -> bool {
        let Some(seconds) = calendar.seconds().filter(|_| i128::from(nanos) < NANOS) else {
            return false;
        };
        *lock(&self.ahead_nanos) =
            i128::from(seconds) * NANOS + i128::from(nanos) - Self::host_nanos();
        true
    }
}

/// A point in time as the calendar has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: u32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

impl From<[u32; 6]> for Calendar {
    /// Year, month, day, hour, minute, second: the order of RTAS.
    fn from([year, month, day, hour, minute, second]: [u32; 6]) -> Self {
        Calendar {
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }
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
        // A guess that is a few years early at most, then the months.
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Calendar::from_seconds(seconds), Calendar::from(numbers));
            assert_eq!(Calendar::from(numbers).seconds(), Some(seconds));
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
    fn dates_that_are_none_are_refused() {
        let wrong = [
            [1969, 1, 1, 0, 0, 0],
            [2023, 2, 29, 0, 0, 0],
            [2024, 0, 1, 0, 0, 0],
            [2024, 13, 1, 0, 0, 0],
            [2024, 4, 31, 0, 0, 0],
            [2024, 1, 1, 24, 0, 0],
            [2024, 1, 1, 0, 60, 0],
            [2024, 1, 1, 0, 0, 60],
            [u32::MAX; 6],
        ];
        for numbers in wrong {
            assert!(
                !Clock::default().set(Calendar::from(numbers), 0),
                "{numbers:?}"
            );
        }
        assert!(!Clock::default().set(Calendar::from([2024, 1, 1, 0, 0, 0]), NANOS as u32));
    }
}
