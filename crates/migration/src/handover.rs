//! Who has the guest: why never two run, and why no acknowledged write is lost.
//!
//! This module holds no code but the argument that the code of both sides keeps to.
//!
//! # What is said
//!
//! ```text
//! source                                            destination
//!   guest runs
//!   OFFER (what the machine is like) ------------->  can I be that?
//!                                    <-- ACCEPTED
//!   LUGGAGE (what it boots from) ----------------->  makes the machine
//!   pages, round after round --------------------->  RAM
//!   guest stands still, its files are synced
//!   the last pages, the state -------------------->  RAM, state loaded
//!                                       <-- READY
//!   lets go of the files' locks
//!   RELEASED ------------------------------------->  takes the locks, looks whether they are the same files
//!                                    <-- PREPARED
//!   COMMIT --------------------------------------->  the guest is mine
//!                                       <-- OWNED
//!                                                    guest runs
//!   BYE ------------------------------------------>
//! ```
//!
//! # The rules
//!
//! 1. The source may let the guest go on at any time before it has *begun to send* COMMIT; it says ABORT where it can. From then on
//!    it may only when it knows that the destination never will.
//! 2. The destination runs the guest only after COMMIT, or (4). It says OWNED *before* the first instruction. Once it has decided that
//!    the guest never will be its own, it never runs it, whatever comes later, and says so (FAILED) to who listens.
//! 3. A guest runs only under the locks of its files. The source reclaims them before its guest goes on. Between `release` and
//!    `reclaim` the machine must not run by any other means either.
//! 4. On a Unix socket the end of the stream proves that the other process closed it or died, and everything that it sent can still
//!    be read. So there, and only there, the destination takes a source that ended after RELEASED with neither COMMIT nor ABORT
//!    for dead, and goes on with the guest, of which it has everything. That the source is dead and not merely done: after
//!    READY nothing is in the buffer that ABORT would not fit behind, so that a living source that calls it off has said so; where
//!    ABORT could not be written, the source waits until the destination has ended before it goes on.
//! 5. On a Unix socket a source that finds the end without OWNED after COMMIT knows by rule 2 that the guest never ran there.
//! 6. On a network the end proves nothing. After COMMIT the source connects again and asks. The destination answers from a ledger in
//!    which the decision is made once: OWNED if it has taken the guest, else NEVER, which makes it so: COMMIT may still be on
//!    its way over the old connection and is not believed any more. A destination that gives up after PREPARED stays for
//!    `linger` to answer. Attempts have random names: another destination at the same address answers that it does not know.
//! 7. Where nobody answers, nobody can know: the destination may have run the guest, acknowledged writes, and died. The guest then
//!    stays paused at the source, which goes on asking, until it knows or the user decides ([`Handle::decide`]).
//!
//! [`Handle::decide`]: crate::Handle::decide
//!
//! *Never two run.* The source goes on before COMMIT: the destination has no COMMIT, and takes over by rule 4 only from a source
//! that has died. The source goes on after COMMIT: it was told FAILED or NEVER, or found the end of a Unix socket without
//! OWNED; each means that the destination decided against, or died before it ran the guest. The user's decision is the one exception, and is
//! asked for only where neither side can know.
//!
//! *No acknowledged write is lost.* A write is acknowledged when it is in the file and synced. The state that is sent is of a guest
//! that stands still after its last acknowledgement, and its files are synced before the locks go. Whoever runs it next has that state, and
//! nobody has run it in between, as both `reclaim` and `take` come with the proof that the other one does not and never will run it.
//!
//! # Who runs after what
//!
//! S: the source dies; D: the destination dies; net: the connection breaks (TCP, TLS; a Unix socket does not break while both live).
//! Tests walk it: `tests/handover.rs` here at every moment, with machines and connections in memory; `tests/handover.rs` of the monitor
//! cell by cell, with processes that are killed.
//!
//! | until | S dies | D dies | net breaks |
//! |---|---|---|---|
//! | RELEASED is sent | nobody: the guest died with its process, as it does without a migration | source | source |
//! | COMMIT is sent, Unix socket | destination | source, after reclaiming | |
//! | COMMIT is sent, network | nobody: the destination can't tell death from silence, and gives up | source | source |
//! | OWNED is sent, Unix socket | destination | source | |
//! | OWNED is sent, network | destination if COMMIT arrived, else nobody | nobody until the user says which: it may have run | as the destination answers; if it can't be reached, nobody until the user says which |
//! | afterwards | destination | nobody: the guest died with its process | destination; a source that missed OWNED asks |
//!
//! Cancelling works until COMMIT, on both sides. A frame that is damaged counts as a broken connection, also on a Unix socket; there
//! the end proves nothing any more after it.
//!
//! Not covered: a third program that takes and lets go of an NVDIMM's lock between `release` and `take`. It would have to be
//! started on the very file within milliseconds. The destination compares what it finds with what it was told (identity and size).
