//! What a process gives up that needs no list.
#![allow(unsafe_code)]

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;

/// Why a process can't give something up.
#[derive(Debug, thiserror::Error)]
#[error("the host does not let this process {what}: {error}")]
pub struct HardenError {
    /// What was tried.
    pub what: &'static str,
    /// What the host said.
    pub error: io::Error,
}

/// The first descriptor behind the standard streams.
const FIRST_INHERITED: u32 = 3;

/// Gives up, for this process and all that it starts:
///
/// - new privileges by set-user-ID programs and the like, which seccomp and Landlock ask for as
///   well;
/// - core dumps, which would hold the memory of a guest, and with that being traced by other
///   processes of the same user. Files in `/proc/self` belong to root from then on: those that are
///   not readable by everybody (`pagemap`) have to be open before;
/// - handing descriptors to other programs, also those that were inherited.
///
/// # Errors
/// [`HardenError`].
pub fn harden() -> Result<(), HardenError> {
    let fault = |what| {
        move |error: rustix::io::Errno| HardenError {
            what,
            error: error.into(),
        }
    };
    set_no_new_privs(true).map_err(fault("give up new privileges"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(fault("forbid core dumps"))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(fault("limit core dumps to nothing"))?;
    close_on_exec()
}

fn close_on_exec() -> Result<(), HardenError> {
    // SAFETY: marks descriptors only; closes none, and touches no memory.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST_INHERITED,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if done == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // Linux before 5.11. What this process opens itself is marked anyway, and it executes
        // nothing.
        error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => Ok(()),
        error => {
            let what = "mark its descriptors as its own";
            Err(HardenError { what, error })
        }
    }
}
