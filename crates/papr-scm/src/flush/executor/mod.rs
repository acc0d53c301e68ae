//! Where syncs run. An executor takes a job from any thread, without waiting for it, and finishes
//! it on another.

mod threads;
mod uring;

use std::str::FromStr;

pub use threads::ThreadExecutor;
pub use uring::UringExecutor;

use super::engine::SyncJob;
use crate::sync::Arc;

/// How many syncs at once are worth a thread each: a thread is quicker than the ring, which is
/// better at many.
const THREADS_FIRST: usize = 4;

/// Runs syncs.
///
/// `submit` is called on vCPU threads and on the executor's own, while no lock is held, and must
/// not wait for a sync. Jobs of different devices run beside each other: a slow device must not
/// hold up another. A job that can't be run is dropped, which its waiters hear as a failure; none
/// may be forgotten.
pub trait Executor: Send + Sync {
    /// What it is, for logs and metrics.
    fn name(&self) -> &'static str;

    /// Takes a job.
    fn submit(&self, job: SyncJob);
}

/// Which executor a monitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExecutorChoice {
    /// A few threads, and io_uring for what is beyond them; threads alone where the host has no
    /// io_uring.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// Threads.
    Threads,
}

impl FromStr for ExecutorChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(ExecutorChoice::Auto),
            "io_uring" => Ok(ExecutorChoice::Uring),
            "threads" => Ok(ExecutorChoice::Threads),
            _ => Err(format!(
                "`{text}` is no flush executor: use auto, io_uring or threads"
            )),
        }
    }
}

/// Starts the executor of a machine.
///
/// # Errors
/// With [`ExecutorChoice::Uring`] where the host has no io_uring for us.
pub fn start_executor(choice: ExecutorChoice) -> std::io::Result<Arc<dyn Executor>> {
    match choice {
        ExecutorChoice::Threads => Ok(Arc::new(ThreadExecutor::new())),
        ExecutorChoice::Uring => Ok(Arc::new(UringExecutor::new()?)),
        ExecutorChoice::Auto => match UringExecutor::behind_threads(THREADS_FIRST) {
            Ok(executor) => Ok(Arc::new(executor)),
            Err(error) => {
                tracing::info!(%error, "io_uring is not to be had; syncs run on threads");
                Ok(Arc::new(ThreadExecutor::new()))
            }
        },
    }
}
