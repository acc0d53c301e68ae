//! The keys that are for the monitor and not for the guest: Ctrl-a, then one more.

/// Ctrl-a.
const ESCAPE: u8 = 0x01;

/// What Ctrl-a h shows.
pub const HELP: &str = "\
Ctrl-a x       end the guest at once, as if its power were cut
Ctrl-a h       this help
Ctrl-a Ctrl-a  send Ctrl-a to the guest
";

/// What the user asks of the monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// End the guest.
    Quit,
    /// Show [`HELP`].
    Help,
}

/// Tells the monitor's keys from the guest's. Remembers a Ctrl-a whose second key has not come yet.
#[derive(Debug, Default)]
pub struct KeyFilter {
    escaped: bool,
}

impl KeyFilter {
    /// Takes typed bytes; hands what is for the guest to `guest`, and answers what is for the monitor. A key that means nothing after
    /// Ctrl-a is dropped with it.
    pub fn filter(&mut self, typed: &[u8], guest: &mut Vec<u8>) -> Vec<Command> {
        let mut commands = Vec::new();
        for &byte in typed {
            if !self.escaped {
                match byte {
                    ESCAPE => self.escaped = true,
                    _ => guest.push(byte),
                }
                continue;
            }
            self.escaped = false;
            match byte {
                ESCAPE => guest.push(ESCAPE),
                b'x' | b'X' => commands.push(Command::Quit),
                b'h' | b'H' | b'?' => commands.push(Command::Help),
                _ => {}
            }
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Command>) {
        let (mut keys, mut guest) = (KeyFilter::default(), Vec::new());
        let commands = pieces
            .iter()
            .flat_map(|piece| keys.filter(piece, &mut guest))
            .collect();
        (guest, commands)
    }

    #[test]
    fn every_other_key_goes_to_the_guest_even_those_that_a_terminal_would_act_on() {
        let typed = b"ls\r\x03\x04\x1a\x11\x13\xff\x00";
        assert_eq!(filter(&[typed]), (typed.to_vec(), vec![]));
    }

    #[test]
    fn the_escape_works_across_reads() {
        assert_eq!(
            filter(&[b"a\x01", b"", b"xb"]),
            (b"ab".to_vec(), vec![Command::Quit])
        );
    }

    #[test]
    fn a_doubled_escape_is_sent_once_and_opens_nothing() {
        assert_eq!(
            filter(&[b"\x01\x01x\x01h"]),
            (b"\x01x".to_vec(), vec![Command::Help])
        );
    }

    #[test]
    fn an_unknown_key_after_the_escape_is_dropped() {
        assert_eq!(filter(&[b"\x01zx"]), (b"x".to_vec(), vec![]));
    }
}
