//! Guests that write numbered, checksummed records, and say which of them are durable.

use papr_scm::backing::CrashBacking;

use crate::machine::End;
use crate::session::{GuestSession, Outcome, SessionError};

/// Numbered records of one run, as far as they are acknowledged: 1 to `acknowledged`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    /// Tells this run's records from those that another left.
    pub run: u64,
    /// How many records were acknowledged; 0: none yet.
    pub acknowledged: u64,
}

/// A guest that writes records. It prints a line [`ack`] for a record when, and only when, it has been told that it is durable.
pub trait Writer {
    /// What it is, in a table.
    fn name(&self) -> &str;

    /// Bytes of data that its device has.
    fn device_size(&self) -> u64;

    /// Most records that are acknowledged in one life, before the power goes.
    fn most_records(&self) -> u64;

    /// Makes a device ready that is empty; a session without devices, which ends with a power-off and status 0. None: there is
    /// nothing to be made ready.
    ///
    /// # Errors
    /// Where the guest can't be read.
    fn prepare(&self) -> Result<Option<GuestSession>, SessionError>;

    /// Writes the record after the acknowledged ones, and so on until it is stopped; a session without devices.
    ///
    /// # Errors
    /// Where the guest can't be read.
    fn write(&self, records: &Records) -> Result<GuestSession, SessionError>;

    /// Looks for the acknowledged records, and powers off; a session without devices.
    ///
    /// # Errors
    /// Where the guest can't be read.
    fn verify(&self, records: &Records) -> Result<GuestSession, SessionError>;

    /// How many acknowledged records [`verify`](Self::verify) has found whole.
    fn found(&self, outcome: &Outcome, records: &Records) -> u64;

    /// How many acknowledged records the host finds whole in what is durable, where it can tell.
    fn found_by_host(&self, durable: &CrashBacking, records: &Records) -> Option<u64>;
}

/// The line by which a guest acknowledges a record.
pub fn ack(number: u64) -> String {
    format!("{}\n", payload_format::Report::Ack(number))
}

/// The last record that a console acknowledges; 0: none. A last line that was cut off by the end of the machine does not count: "ack 1"
/// may have become "ack 12".
pub fn acknowledged(console: &str) -> u64 {
    let complete = console.rfind('\n').map_or("", |end| &console[..end]);
    let numbers = complete
        .lines()
        .filter_map(|line| match payload_format::Report::parse(line) {
            Some(payload_format::Report::Ack(number)) => Some(number),
            _ => None,
        });
    numbers.max().unwrap_or(0)
}

/// Whether a session went as one that powers off by itself.
pub(super) fn powered_off(outcome: &Outcome) -> bool {
    outcome.end == End::PowerOff && !outcome.timed_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_acknowledges_nothing() {
        assert_eq!(acknowledged("ack 1\nack 2\nack 34"), 2);
        assert_eq!(acknowledged("ack 1\nack 2\nack 34\n"), 34);
        assert_eq!(acknowledged("ack 7"), 0);
        assert_eq!(acknowledged(""), 0);
    }

    #[test]
    fn lines_of_others_acknowledge_nothing() {
        assert_eq!(acknowledged("[    1.0] ack 9\npack 5\nack 3\nack 4 5\n"), 3);
        assert_eq!(ack(3), "ack 3\n");
    }
}
