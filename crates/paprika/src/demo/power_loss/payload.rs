//! The bare-metal guest as a writer: there at once, so that the power can go hundreds of times a minute.

use std::path::PathBuf;
use std::time::Duration;

use papr_scm::backing::CrashBacking;
use payload_format::Report;
use payload_format::command::{Command, DEFAULT_SIZE, Span};
use payload_format::record::{self, Condition};

use super::writer::{Records, Writer, powered_off};
use crate::machine::MachineConfig;
use crate::session::{GuestSession, Outcome, SessionError};

/// One block, the smallest device there is.
const DEVICE: u64 = 256 << 20;
/// One block of memory, the smallest machine there is.
const MEMORY: u64 = 256 << 20;
const MOST_RECORDS: u64 = 40;
/// Not a measure of anything: only so that a guest that hangs ends.
const LIMIT: Duration = Duration::from_secs(120);

/// The payload.
#[derive(Debug, Clone)]
pub struct PayloadWriter {
    elf: PathBuf,
    batch: u64,
    name: String,
}

impl PayloadWriter {
    /// The payload from this file. It flushes once for `batch` records.
    pub fn new(elf: PathBuf, batch: u64) -> Self {
        let name = match batch {
            1 => "bare metal, a record per flush".into(),
            batch => format!("bare metal, {batch} records per flush"),
        };
        Self { elf, batch, name }
    }

    fn session(&self, command: Command) -> GuestSession {
        let mut config = MachineConfig::new(&self.elf);
        config.cmdline = command.to_string();
        config.memory = MEMORY;
        GuestSession::new(config).timeout(LIMIT)
    }
}

impl Writer for PayloadWriter {
    fn name(&self) -> &str {
        &self.name
    }

    fn device_size(&self) -> u64 {
        DEVICE
    }

    fn most_records(&self) -> u64 {
        MOST_RECORDS
    }

    fn prepare(&self) -> Result<Option<GuestSession>, SessionError> {
        Ok(None)
    }

    fn write(&self, records: &Records) -> Result<GuestSession, SessionError> {
        let span = Span {
            seed: records.run,
            first: records.acknowledged + 1,
            ..Span::default()
        };
        Ok(self.session(Command::Records {
            span,
            batch: self.batch,
        }))
    }

    fn verify(&self, records: &Records) -> Result<GuestSession, SessionError> {
        let span = Span {
            seed: records.run,
            // At least one: a count of 0 means all places of the device.
            count: records.acknowledged.max(1),
            ..Span::default()
        };
        Ok(self.session(Command::Verify { span }))
    }

    fn found(&self, outcome: &Outcome, records: &Records) -> u64 {
        if !powered_off(outcome) {
            return 0;
        }
        let ranges = outcome
            .console
            .lines()
            .filter_map(|line| match Report::parse(line) {
                Some(Report::Whole(first, last)) => Some(
                    last.min(records.acknowledged)
                        .saturating_sub(first.saturating_sub(1)),
                ),
                _ => None,
            });
        ranges.sum()
    }

    fn found_by_host(&self, durable: &CrashBacking, records: &Records) -> Option<u64> {
        let mut place = vec![0; DEFAULT_SIZE as usize];
        let whole = (1..=records.acknowledged).filter(|&number| {
            let read = record::offset_of(number, DEFAULT_SIZE)
                .is_some_and(|offset| durable.read_durable(offset, &mut place).is_ok());
            read && record::examine(&place, records.run, number) == Condition::Whole
        });
        Some(whole.count() as u64)
    }
}
