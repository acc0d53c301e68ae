//! The side that the guest comes to.
//!
//! - `pending`: the handshakes of several connections at once
//! - `incoming`: who may come, memory and state; `written`: which pages hold something
//! - `handover`: the moment at which the guest becomes this side's, or never will
//! - `ledger`: that decision, made once, and who asks for it later

mod error;
mod handover;
mod incoming;
mod ledger;
mod pending;
mod written;

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::handle::{Handle, Stage};
use crate::link::Accept;
use crate::machine::DestinationMachine;
use crate::options::Options;

pub use error::ReceiveError;
use ledger::Witness;

/// How often one who waits looks whether he was called off.
const LOOK: Duration = Duration::from_millis(100);

/// A guest has come. To be kept as long as it runs: a source that has lost the connection may still ask who has it.
#[derive(Debug)]
pub struct Received {
    /// From the first words to the guest's first instruction.
    pub total: Duration,
    /// For how long the guest has stood still, as far as it was seen here.
    pub downtime: Duration,
    _witness: Witness,
}

/// Waits for a guest, and runs it. Who connects and says nothing sensible is sent away, and others are waited for; the first source
/// that offers a machine is the one.
///
/// # Errors
/// [`ReceiveError`]: the guest is not and never will be here.
pub fn receive(
    mut listener: Box<dyn Accept>,
    machine: &mut dyn DestinationMachine,
    options: &Options,
    handle: &Handle,
) -> Result<Received, ReceiveError> {
    let result = incoming::wait_for_source(listener.as_mut(), options, handle)
        .and_then(|source| Session::new(machine, options, handle, source).run(listener));
    match &result {
        Ok(received) => {
            handle.update(|progress| progress.downtime = Some(received.downtime));
            handle.stage(Stage::Done);
            info!(total = ?received.total, downtime = ?received.downtime, "the guest has come");
        }
        Err(error) => {
            handle.stage(Stage::Failed);
            handle.note(error.to_string());
            warn!(%error, "no guest has come");
        }
    }
    result
}

/// One attempt.
struct Session<'a> {
    machine: &'a mut dyn DestinationMachine,
    options: &'a Options,
    handle: &'a Handle,
    source: incoming::Source,
    started: Instant,
    /// When the last round began: the guest stands still since then at most.
    last_round: Instant,
}
