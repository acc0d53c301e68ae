//! What others can see of a migration, and do to it, from any thread: progress, cancelling, and the user's word where neither side
//! can know.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The other side is not there yet.
    Connecting,
    /// The destination looks at what it is to become.
    Checking,
    /// Memory is copied; the guest runs at the source.
    Memory,
    /// The guest stands still; what is left follows.
    Stopping,
    /// The destination has everything, and takes the guest over.
    HandingOver,
    /// The guest was handed over and the destination has not said that it has it: nobody runs it here until that is known.
    Unsure,
    /// The migration failed and the guest can't go on here yet: another has what belongs to it.
    Held,
    /// The guest runs at the destination.
    Done,
    /// The guest stays at the source.
    Failed,
}

impl Stage {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Checking => "checking the destination",
            Self::Memory => "copying memory",
            Self::Stopping => "copying what is left",
            Self::HandingOver => "handing over",
            Self::Unsure => "waiting to learn who has the guest",
            Self::Held => "waiting for the guest's files",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// How far a migration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub stage: Stage,
    /// Rounds of copying begun.
    pub round: u32,
    /// Bytes of RAM.
    pub ram_bytes: u64,
    /// Bytes of RAM that this round still has to look at.
    pub left_bytes: u64,
    /// Bytes sent or received.
    pub wire_bytes: u64,
    /// What the link carries, bytes per second; 0: not known yet.
    pub bandwidth: u64,
    /// What the guest changes, bytes per second; 0: not known yet.
    pub dirty_rate: u64,
    /// For how long the guest would stand still if it were stopped now.
    pub expected_downtime: Option<Duration>,
    /// For how long it stood still.
    pub downtime: Option<Duration>,
    /// Of the guest's time, the share (percent) that it is kept from running.
    pub brake: u8,
    /// Since the start.
    pub elapsed: Duration,
    /// What the user should know, or do.
    pub note: Option<String>,
}

/// The user's word on who has the guest, where neither side can find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It does not and never will run at the destination: it goes on here.
    Here,
    /// It runs, or ran, at the destination: it must not run here.
    There,
}

/// Why something can't be done to a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLate {
    /// The guest has been handed over.
    #[error("the guest has been handed over already; it can't be called back")]
    HandedOver,
    /// There is nothing to decide.
    #[error("both sides know where the guest is; there is nothing to decide")]
    NothingToDecide,
}

/// What can be seen of a migration, and done to it. Shared by the thread that does it and those that watch.
#[derive(Debug)]
pub struct Handle(Mutex<State>);

#[derive(Debug)]
struct State {
    progress: Progress,
    started: Instant,
    ended: Option<Instant>,
    cancelled: bool,
    committed: bool,
    decision: Option<Decision>,
}

impl Default for Handle {
    fn default() -> Self {
        Self(Mutex::new(State {
            progress: Progress {
                stage: Stage::Connecting,
                round: 0,
                ram_bytes: 0,
                left_bytes: 0,
                wire_bytes: 0,
                bandwidth: 0,
                dirty_rate: 0,
                expected_downtime: None,
                downtime: None,
                brake: 0,
                elapsed: Duration::ZERO,
                note: None,
            },
            started: Instant::now(),
            ended: None,
            cancelled: false,
            committed: false,
            decision: None,
        }))
    }
}

impl Handle {
    /// Of a migration that begins now.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let state = self.lock();
        let until = state.ended.unwrap_or_else(Instant::now);
        Progress {
            elapsed: until.saturating_duration_since(state.started),
            ..state.progress.clone()
        }
    }

    /// Calls it off. The guest goes on at the source, after moments.
    ///
    /// # Errors
    /// [`TooLate::HandedOver`].
    pub fn cancel(&self) -> Result<(), TooLate> {
        let mut state = self.lock();
        if state.committed {
            return Err(TooLate::HandedOver);
        }
        state.cancelled = true;
        Ok(())
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// The user says where the guest is. For [`Stage::Unsure`] only, and only by one who has looked: two running guests would destroy
    /// what is on their NVDIMMs.
    ///
    /// # Errors
    /// [`TooLate::NothingToDecide`].
    pub fn decide(&self, decision: Decision) -> Result<(), TooLate> {
        let mut state = self.lock();
        if state.progress.stage != Stage::Unsure {
            return Err(TooLate::NothingToDecide);
        }
        state.decision = Some(decision);
        Ok(())
    }

    pub(crate) fn decision(&self) -> Option<Decision> {
        self.lock().decision
    }

    /// From here on it can't be called off; false: it was.
    pub(crate) fn commit(&self) -> bool {
        let mut state = self.lock();
        state.committed = !state.cancelled;
        state.committed
    }

    pub(crate) fn stage(&self, stage: Stage) {
        let mut state = self.lock();
        state.progress.stage = stage;
        state.progress.note = None;
        if matches!(stage, Stage::Done | Stage::Failed) {
            state.committed = true;
            state.ended = Some(Instant::now());
        }
    }

    pub(crate) fn note(&self, words: impl Into<String>) {
        self.lock().progress.note = Some(words.into());
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock().progress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_called_off_or_committed_and_never_both() {
        let handle = Handle::new();
        assert_eq!(handle.cancel(), Ok(()));
        assert!(!handle.commit());
        let handle = Handle::new();
        assert!(handle.commit());
        assert_eq!(handle.cancel(), Err(TooLate::HandedOver));
        assert!(!handle.is_cancelled());
    }

    #[test]
    fn a_user_decides_only_what_nobody_knows() {
        let handle = Handle::new();
        assert_eq!(handle.decide(Decision::Here), Err(TooLate::NothingToDecide));
        handle.stage(Stage::Unsure);
        assert_eq!(handle.decide(Decision::There), Ok(()));
        assert_eq!(handle.decision(), Some(Decision::There));
    }
}
