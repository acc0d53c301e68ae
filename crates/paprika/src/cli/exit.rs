//! The exit codes of the program, in one place: how a guest ended, or why there was none.

use std::sync::LazyLock;

use crate::machine::{End, MachineError};

/// The guest powered off; or it asked for a reboot under `--no-reboot`; or the command did what it was asked.
pub const OK: u8 = 0;
/// Something went wrong outside the guest; a sentence on standard error says what.
pub const ERROR: u8 = 1;
/// The command line makes no sense. (The command-line parser uses the same number.)
pub const USAGE: u8 = 2;
/// The guest's operating system died and said so (a kernel panic, by way of RTAS `ibm,os-term`).
pub const GUEST_PANIC: u8 = 3;
/// A virtual CPU stopped at a machine check that the guest could not take.
pub const CHECKSTOP: u8 = 4;
/// The user ended the guest: Ctrl-a x, or a signal.
pub const KILLED: u8 = 5;
/// The host could not give a byte of an NVDIMM any more: no room on its file system, or its file
/// shrank, or its storage failed.
pub const BACKING_FAILED: u8 = 6;

/// The sandbox ended the process: a thread wanted something of the host that it has no reason to
/// want.
pub const SANDBOX: u8 = sandbox::violation::EXIT_CODE;

/// Every code with its meaning, for `--help`.
pub static HELP: LazyLock<String> = LazyLock::new(|| {
    let meanings = [
        (
            OK,
            "the guest powered off, asked for a reboot under --no-reboot, or goes on elsewhere (saved, moved)",
        ),
        (ERROR, "error outside the guest; standard error says what"),
        (USAGE, "the command line makes no sense"),
        (
            GUEST_PANIC,
            "the guest's operating system died (kernel panic)",
        ),
        (
            CHECKSTOP,
            "a CPU of the guest stopped at a machine check it could not take",
        ),
        (
            KILLED,
            "you ended the guest: Ctrl-a x, SIGTERM, SIGINT or SIGHUP",
        ),
        (
            BACKING_FAILED,
            "the file behind an NVDIMM found no room, shrank or failed under the guest",
        ),
        (
            SANDBOX,
            "the sandbox stopped something that Paprika has no reason to do; standard error says what",
        ),
    ];
    let lines = meanings.map(|(code, meaning)| format!("  {code}  {meaning}\n"));
    format!("Exit codes:\n{}", lines.concat())
});

/// The exit code for the end of a guest.
pub const fn code_of_end(end: &End) -> u8 {
    match end {
        End::PowerOff | End::Reboot | End::Saved(_) | End::Moved(_) => OK,
        End::Panic(_) => GUEST_PANIC,
        End::Checkstop(_) => CHECKSTOP,
        End::BackingFailed(_) => BACKING_FAILED,
        End::Killed => KILLED,
    }
}

/// An option whose value makes no sense, found after the command line was parsed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The exit code for an error: [`USAGE`] where it is the command line that asks for what can't be.
pub fn code_of_error(error: &anyhow::Error) -> u8 {
    let of_machine = matches!(error.downcast_ref(), Some(MachineError::Config(_)));
    if of_machine || error.is::<UsageError>() {
        USAGE
    } else {
        ERROR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_that_a_script_must_tell_apart_have_codes_of_their_own() {
        let ends = [
            End::PowerOff,
            End::Panic("Attempted to kill init!".into()),
            End::Checkstop("vCPU 0".into()),
            End::Killed,
            End::BackingFailed("pmem0".into()),
        ];
        assert_eq!(
            ends.map(|end| code_of_end(&end)),
            [OK, GUEST_PANIC, CHECKSTOP, KILLED, BACKING_FAILED]
        );
        assert_eq!(code_of_end(&End::Reboot), OK);
    }

    #[test]
    fn a_machine_that_can_not_be_is_a_mistake_of_the_command_line() {
        let error = MachineError::Config(papr::ConfigError::MemorySize(0));
        assert_eq!(code_of_error(&error.into()), USAGE);
        assert_eq!(code_of_error(&anyhow::anyhow!("disk full")), ERROR);
    }
}
