//! A guest that runs only part of the time, so that it writes less than the connection carries. Its clock stands still while it does, as
//! when it is paused: it does not see that it is slowed down, only the world outside does.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::warn;

use crate::machine::MachineControl;

/// How often it is stopped and let go.
const PERIOD: Duration = Duration::from_millis(50);

/// The brake of a machine; released when it is dropped.
pub(super) struct Throttle {
    machine: Arc<MachineControl>,
    /// Percent of the time that the guest does not run.
    share: Arc<AtomicU8>,
    quit: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Throttle {
    pub(super) fn new(machine: &Arc<MachineControl>) -> Self {
        Self {
            machine: Arc::clone(machine),
            share: Arc::default(),
            quit: Arc::default(),
            thread: Mutex::default(),
        }
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brakes so hard, or (0) not at all; answers whether that can be.
    pub(super) fn set(&self, percent: u8) -> bool {
        self.share.store(percent.min(99), Ordering::SeqCst);
        let mut thread = self.thread();
        if percent == 0 {
            self.quit.store(true, Ordering::SeqCst);
            if let Some(thread) = thread.take() {
                // A panic in it was told by then; what it held is let go.
                let _ = thread.join();
            }
            return true;
        }
        if thread.is_none() {
            self.quit.store(false, Ordering::SeqCst);
            let (machine, share, quit) = (
                Arc::clone(&self.machine),
                Arc::clone(&self.share),
                Arc::clone(&self.quit),
            );
            let body = move || throttle(&machine, &share, &quit);
            let spawned = std::thread::Builder::new()
                .name("migration-brake".into())
                .spawn(body);
            *thread = spawned
                .map_err(|error| warn!(%error, "the guest can't be slowed down"))
                .ok();
        }
        thread.is_some()
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.set(0);
    }
}

fn throttle(machine: &MachineControl, share: &AtomicU8, quit: &AtomicBool) {
    while !quit.load(Ordering::SeqCst) {
        let still = PERIOD * share.load(Ordering::SeqCst).into() / 100;
        // One that stands still already, or is just booting, needs no brake now.
        if let Ok(quiesced) = machine.stand_still() {
            std::thread::sleep(still);
            drop(quiesced);
        }
        std::thread::sleep(PERIOD - still);
    }
}
