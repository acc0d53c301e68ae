//! How a guest ends: power-off, system-reboot, ibm,os-term.

use super::Partition;
use crate::action::{Action, MachineExit};
use crate::host::GuestMemory;
use crate::rtas::{Answer, Request};

/// power-off: two masks of what may power the machine on again; nothing can.
pub(super) fn power_off(_: &Partition, _: &Request<'_>) -> Answer {
    Answer::then(Action::Exit(MachineExit::PowerOff))
}

/// system-reboot.
pub(super) fn system_reboot(_: &Partition, _: &Request<'_>) -> Answer {
    Answer::then(Action::Exit(MachineExit::Reboot))
}

/// ibm,os-term: real address of the operating system's last words.
pub(super) fn os_term(_: &Partition, request: &Request<'_>) -> Answer {
    let address = request.args.first().copied().unwrap_or(0);
    let message = last_words(request.memory, address.into());
    Answer::then(Action::Exit(MachineExit::Panic(message)))
}

/// The text at `address`, up to its zero byte, the limit, or the end of memory; fit for a log line.
fn last_words(memory: &dyn GuestMemory, address: u64) -> String {
    let mut bytes = Vec::new();
    for at in (address..).take(MachineExit::OS_TERM_LIMIT) {
        let mut byte = [0];
        if memory.read(at, &mut byte).is_err() || byte == [0] {
            break;
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&bytes);
    text.trim_end()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::testing::{MEMORY, Machine};

    fn exit(m: &Machine, service: &str, args: &[u32]) -> MachineExit {
        match m.rtas_action(0, service, args, 1) {
            Action::Exit(exit) => exit,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_guest_ends_as_it_says() {
        let m = Machine::new(1);
        assert_eq!(
            exit(&m, "power-off", &[u32::MAX, u32::MAX]),
            MachineExit::PowerOff
        );
        assert_eq!(exit(&m, "system-reboot", &[]), MachineExit::Reboot);
    }

    #[test]
    fn last_words_are_kept_printable_and_bounded() {
        let m = Machine::new(1);
        let memory = m.host.memory();
        memory
            .write(0x4000, b"OS panic: \x1b[1mit broke\n\0rest")
            .expect("in memory");
        assert_eq!(
            exit(&m, "ibm,os-term", &[0x4000]),
            MachineExit::Panic("OS panic:  [1mit broke".into())
        );
        memory.write(0x4000, &[b'x'; 5000]).expect("in memory");
        assert_eq!(
            exit(&m, "ibm,os-term", &[0x4000]),
            MachineExit::Panic("x".repeat(MachineExit::OS_TERM_LIMIT))
        );
        memory.write(MEMORY - 3, b"end").expect("in memory");
        assert_eq!(
            exit(&m, "ibm,os-term", &[(MEMORY - 3) as u32]),
            MachineExit::Panic("end".into())
        );
        assert_eq!(
            exit(&m, "ibm,os-term", &[u32::MAX]),
            MachineExit::Panic(String::new())
        );
    }
}
