//! What the monitor has to do when a hypercall is done.

/// What becomes of the calling vCPU. Registers are set already in every case: the monitor only
/// waits, or stops.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Go on with the next instruction.
    Resume,
    /// H_CEDE: wait until an external interrupt, the decrementer, a system reset or a prod is
    /// pending, then go on.
    Cede,
    /// H_JOIN, or H_CONFER to itself: wait for a prod (or a system reset) alone, then call
    /// [`Platform::wait_ended`](crate::Platform::wait_ended) and go on.
    WaitForProd,
    /// H_CONFER to others: let other vCPUs run first, then go on at once.
    Yield,
    /// RTAS stop-self: stopped until [`Host::start`](crate::host::Host::start).
    StopSelf,
    /// The machine ends or starts again.
    Exit(MachineExit),
}

/// How the guest ended the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineExit {
    /// RTAS power-off.
    PowerOff,
    /// RTAS system-reboot.
    Reboot,
    /// RTAS ibm,os-term: the operating system died and this is what it said (at most
    /// [`OS_TERM_LIMIT`](MachineExit::OS_TERM_LIMIT) bytes, with unprintable characters replaced).
    Panic(String),
}

impl MachineExit {
    /// How many bytes of a dying operating system's message are kept.
    pub const OS_TERM_LIMIT: usize = 1024;
}
