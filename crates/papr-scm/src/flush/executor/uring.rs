//! Syncs through io_uring: one ring for all devices, one thread that reaps.
//!
//! The ring takes any number of syncs at once without a thread of ours for each; but a thread that
//! waits for work brings its result home one wake-up sooner (150 us a flush instead of 195,
//! measured on 2 cores), so [`behind_threads`](UringExecutor::behind_threads) gives the first few
//! syncs that run beside each other to threads, and the others to the ring.
//! Backings that are more than a file (the crash-test double) always run on threads, so do syncs
//! that gather company first (somebody has to wait), and so does everything if the ring stops
//! working.
//!
//! One of the two modules with `unsafe`: the ring's queues are shared memory, and the crate
//! `io-uring` leaves it to its user that each queue has one user at a time and that what a
//! submission names outlives it.

#![allow(unsafe_code)]

use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use io_uring::register::Restriction;
use io_uring::types::{Fd, FsyncFlags, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, opcode};
use rustix::io::Errno;
use thread_role::Role;

use super::{Executor, ThreadExecutor};
use crate::flush::engine::SyncJob;
use crate::sync::{Arc, Mutex, lock};

/// At most two syncs run per device; the rest is room for the wake-up that ends the reaper.
const ENTRIES: u32 = 1024;

/// How long the reaper waits before it looks for submissions that the kernel refused for the
/// moment.
const REAPER_INTERVAL: Duration = Duration::from_secs(1);

/// Names the submission that tells the reaper to end.
const STOP: u64 = u64::MAX;

/// Runs syncs through io_uring.
pub struct UringExecutor {
    shared: Arc<Shared>,
    /// How many syncs run on threads before the ring takes the next.
    threads_first: usize,
}

struct Shared {
    ring: IoUring,
    /// Guards the submission queue as well as the table: whoever submits holds it.
    flights: Mutex<Flights>,
    threads: ThreadExecutor,
}

#[derive(Default)]
struct Flights {
    jobs: HashMap<u64, SyncJob>,
    next: u64,
    /// The reaper is gone: nothing may be submitted any more.
    grounded: bool,
}

impl UringExecutor {
    /// Sets up a ring and its reaper.
    ///
    /// # Errors
    /// Where the host has no io_uring, forbids it, or has one too old to sync with.
    pub fn new() -> io::Result<Self> {
        Self::behind_threads(0)
    }

    /// The same for what is more than `threads` syncs at once; those run on threads.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn behind_threads(threads: usize) -> io::Result<Self> {
        let ring = sync_only_ring()?;
        let flights = Mutex::new(Flights::default());
        let shared = Arc::new(Shared {
            ring,
            flights,
            threads: ThreadExecutor::new(),
        });
        let reaper = Reaper(Arc::clone(&shared));
        thread::Builder::new()
            .name("scm-uring".into())
            .spawn(move || {
                thread_role::begin(Role::Sync);
                reaper.serve();
            })?;
        Ok(UringExecutor {
            shared,
            threads_first: threads,
        })
    }
}

/// A ring that does nothing but sync files, whatever is written into its queue: no filter of system
/// calls sees what a ring is asked for, so the kernel has to know it of the ring itself.
fn sync_only_ring() -> io::Result<IoUring> {
    let ring = IoUring::builder().setup_r_disabled().build(ENTRIES)?;
    let submitter = ring.submitter();
    let mut probe = Probe::new();
    submitter.register_probe(&mut probe)?;
    if !probe.is_supported(opcode::Fsync::CODE) || !ring.params().is_feature_ext_arg() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this io_uring can't sync files",
        ));
    }
    submitter.register_restrictions(&mut [
        Restriction::sqe_op(opcode::Fsync::CODE),
        Restriction::sqe_op(opcode::Nop::CODE),
    ])?;
    submitter.register_enable_rings()?;
    Ok(ring)
}

impl Executor for UringExecutor {
    fn name(&self) -> &'static str {
        match self.threads_first {
            0 => "io_uring",
            _ => "threads, then io_uring",
        }
    }

    fn submit(&self, job: SyncJob) {
        let threads = &self.shared.threads;
        let Err(job) = threads.submit_within(self.threads_first, job) else {
            return;
        };
        if let Err(job) = self.shared.launch(job) {
            threads.submit(job);
        }
    }
}

impl Drop for UringExecutor {
    fn drop(&mut self) {
        let flights = lock(&self.shared.flights);
        if !flights.grounded {
            let stop = opcode::Nop::new().build().user_data(STOP);
            // A ring that takes no more leaves the reaper waiting; the process ends without it.
            let _ = self.shared.push(&flights, &stop);
        }
    }
}

impl Shared {
    /// Begins the job in the ring, or gives it back: a job without a file, or one that a thread
    /// should hold back for company.
    fn launch(&self, mut job: SyncJob) -> Result<(), SyncJob> {
        if job.gathers() || !job.has_file() {
            return Err(job);
        }
        let mut flights = lock(&self.flights);
        if flights.grounded {
            return Err(job);
        }
        let id = flights.next;
        flights.next = flights.next.wrapping_add(1) % STOP;
        // From here on the kernel may sync at any moment, so requests have to wait for the next
        // one. The batch is sealed even if the submission fails: the job then runs on a thread,
        // later than it says, which is allowed.
        let Some(fd) = job.begin_with_file().map(|fd| fd.as_raw_fd()) else {
            return Err(job);
        };
        let entry = opcode::Fsync::new(Fd(fd))
            .flags(FsyncFlags::DATASYNC)
            .build()
            .user_data(id);
        if let Err(error) = self.push(&flights, &entry) {
            tracing::warn!(%error, "the sync runs on a thread");
            return Err(job);
        }
        flights.jobs.insert(id, job);
        Ok(())
    }

    /// Puts an entry in the submission queue and tells the kernel. `_held` shows that the caller
    /// has the lock.
    ///
    /// # Errors
    /// When the queue has no room. The entry was not taken then.
    fn push(&self, _held: &Flights, entry: &io_uring::squeue::Entry) -> io::Result<()> {
        // SAFETY: every use of the submission queue is in this function, and its callers hold the
        // lock on `flights`, so there is one user at a time. The entry is an fsync or a nop: it
        // refers to no memory, and the file it names is kept open by the job, which stays in
        // `flights.jobs` until the completion was seen.
        let pushed = unsafe { self.ring.submission_shared().push(entry) };
        pushed.map_err(|_| io::Error::other("io_uring's submission queue is full"))?;
        if let Err(error) = self.ring.submit() {
            // The entry stays in the queue, and can't be taken back: the reaper submits it within
            // its interval.
            tracing::debug!(%error, "io_uring is busy");
        }
        Ok(())
    }
}

/// The thread that takes completions. However it ends, its jobs hear of it.
struct Reaper(Arc<Shared>);

impl Reaper {
    fn serve(&self) {
        loop {
            let interval = Timespec::from(REAPER_INTERVAL);
            let wait = SubmitArgs::new().timespec(&interval);
            match self.0.ring.submitter().submit_with_args(1, &wait) {
                Ok(_) => {}
                // Nothing ended within the interval, or the kernel was short of something: look
                // again.
                Err(error) if passing(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "io_uring failed; syncs run on threads from now on");
                    return;
                }
            }
            // SAFETY: only this thread uses the completion queue, and each view of it is dropped
            // before the next.
            let ended: Vec<(u64, i32)> = unsafe { self.0.ring.completion_shared() }
                .map(|entry| (entry.user_data(), entry.result()))
                .collect();
            let mut stop = false;
            for (id, result) in ended {
                stop |= id == STOP;
                let job = lock(&self.0.flights).jobs.remove(&id);
                if let Some(job) = job {
                    self.land(job, result);
                }
            }
            if stop {
                return;
            }
        }
    }

    fn land(&self, job: SyncJob, result: i32) {
        match result {
            0.. => job.finish(Ok(())),
            // The sync was not done, for reasons that are not the file's: it can be done again by
            // other means.
            _ if NOT_DONE.contains(&-result) => self.0.threads.submit(job),
            _ => job.finish(Err(io::Error::from_raw_os_error(-result))),
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let mut flights = lock(&self.0.flights);
        flights.grounded = true;
        let lost = std::mem::take(&mut flights.jobs);
        drop(flights);
        drop(lost);
    }
}

/// Error numbers of a sync that say "not done" rather than "failed".
const NOT_DONE: [i32; 3] = [
    Errno::INTR.raw_os_error(),
    Errno::AGAIN.raw_os_error(),
    Errno::CANCELED.raw_os_error(),
];

/// Is this an error of waiting that says nothing about the ring?
fn passing(error: &io::Error) -> bool {
    const PASSING: [i32; 4] = [
        Errno::TIME.raw_os_error(),
        Errno::INTR.raw_os_error(),
        Errno::AGAIN.raw_os_error(),
        Errno::BUSY.raw_os_error(),
    ];
    error
        .raw_os_error()
        .is_some_and(|number| PASSING.contains(&number))
}

#[cfg(test)]
mod tests {
    use io_uring::types::FsyncFlags;

    use super::*;

    /// What the ring answers to one entry.
    fn answer(ring: &mut IoUring, entry: &io_uring::squeue::Entry) -> i32 {
        // SAFETY: the entry refers to the file that the caller holds open and to memory that he
        // keeps, and it is waited for.
        unsafe { ring.submission().push(entry) }.expect("room");
        ring.submit_and_wait(1).expect("submitted");
        ring.completion().next().expect("an answer").result()
    }

    #[test]
    fn the_ring_syncs_files_and_does_nothing_else() {
        let Ok(mut ring) = sync_only_ring() else {
            return eprintln!("this host has no io_uring");
        };
        let file = tempfile::tempfile().expect("a temporary file");
        let fd = Fd(file.as_raw_fd());
        let sync = opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build();
        assert_eq!(answer(&mut ring, &sync), 0);
        let bytes = *b"x";
        let refused = -Errno::ACCESS.raw_os_error();
        let write = opcode::Write::new(fd, bytes.as_ptr(), 1).build();
        assert_eq!(answer(&mut ring, &write), refused);
        let path = c"/etc/passwd";
        let open = opcode::OpenAt::new(Fd(rustix::fs::CWD.as_raw_fd()), path.as_ptr()).build();
        assert_eq!(answer(&mut ring, &open), refused);
        let anew = ring.submitter().register_eventfd(file.as_raw_fd());
        assert!(anew.is_err(), "nothing is registered with it any more");
        assert_eq!(file.metadata().expect("metadata").len(), 0);
    }
}
