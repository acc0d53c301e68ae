//! What a process and its threads may ask of Linux, from the moment that it says so itself: paths
//! and ports by Landlock, system calls by seccomp. Nothing here knows what the process is for.
//!
//! - [`harden`]: what a process gives up that needs no list: new privileges, being traced or
//!   dumped, descriptors in children;
//! - [`PathRules`]: which paths and TCP ports may be reached, and [`PathsInForce`], how much of
//!   that the kernel enforces;
//! - [`Filters`]: system calls, for the process and for each [`Role`](thread_role::Role) of a
//!   thread;
//! - [`violation`]: what happens at a call that is not allowed.
//!
//! # Two steps
//!
//! A process is sandboxed before it starts its first thread, which then inherits everything. Both
//! mechanisms only ever take rights away and can be used again: each thread narrows itself to its
//! role when it starts, and the main thread when all files and sockets are there. A role is no
//! boundary against who controls the memory of the whole process, since threads share it; it takes
//! a way out from the thread that is attacked first. What holds against such an attacker is what
//! the process as a whole may do: the paths, the ports, and the list of the process
//! ([`Filters::enter_process`]).
//!
//! # Unsafe code
//!
//! Is in `violation` (a signal handler) and `harden` (one system call that `rustix` does not have).
#![deny(unsafe_code)]

mod calls;
mod filters;
mod harden;
mod paths;
mod roles;
pub mod violation;

pub use filters::{FilterError, Filters, Grants, OnMiss};
pub use harden::{HardenError, harden};
pub use paths::{PathRights, PathRules, PathsError, PathsInForce};
