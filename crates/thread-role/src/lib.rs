//! A thread says what it is for, so that whoever runs the process can hold it to that.
//!
//! Libraries start threads, and know what each is for; what follows from it (which system calls it
//! may make, on which host processors it runs) is for the program to decide. So the body of a
//! thread calls [`begin`] before it does anything on behalf of a guest, and the program registers
//! one function with [`on_begin`]. Where none is registered, nothing happens.
//!
//! Threads that a thread starts later inherit what it is held to: a thread needs at least the
//! rights of those that it starts.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

/// What a thread is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Starts and awaits the threads of a machine that has all its files, rings and sockets.
    Machine,
    /// Carries out a guest's instructions and hypercalls, and starts threads of the role
    /// [`Sync`](Self::Sync).
    GuestCpu,
    /// Compiles a guest's code. What it keeps on disk is written by a thread of the role
    /// [`CodeStore`](Self::CodeStore).
    Compiler,
    /// Keeps compiled code in files.
    CodeStore,
    /// Makes files durable.
    Sync,
    /// Has the host read files ahead.
    ReadAhead,
    /// Copies between memory and files that are open.
    Copy,
    /// Copies between a guest's console and the standard streams, or waits for signals.
    Terminal,
    /// Serves control sockets and connections of migrations, and carries out what is asked there.
    Control,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Machine,
        Self::GuestCpu,
        Self::Compiler,
        Self::CodeStore,
        Self::Sync,
        Self::ReadAhead,
        Self::Copy,
        Self::Terminal,
        Self::Control,
    ];
}

static HOOK: OnceLock<fn(Role)> = OnceLock::new();

/// From now on `hook` is called on every thread that says its role. The first call counts; true
/// where this is it.
pub fn on_begin(hook: fn(Role)) -> bool {
    HOOK.set(hook).is_ok()
}

/// To be called in the body of a thread, once everything is done that its role does not cover.
pub fn begin(role: Role) {
    if let Some(hook) = HOOK.get() {
        hook(role);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local!(static BEGUN: Cell<Option<Role>> = const { Cell::new(None) });

    #[test]
    fn the_first_hook_hears_of_every_thread_s_role_on_that_thread() {
        begin(Role::Sync);
        assert_eq!(BEGUN.get(), None, "nobody listens");
        assert!(on_begin(|role| BEGUN.set(Some(role))));
        assert!(!on_begin(|_| BEGUN.set(None)));
        let other = std::thread::spawn(|| {
            begin(Role::GuestCpu);
            BEGUN.get()
        });
        assert_eq!(other.join().ok().flatten(), Some(Role::GuestCpu));
        assert_eq!(BEGUN.get(), None, "another thread's");
    }
}
