//! Frames on the console, as `guest/programs/agent.c` speaks them: the byte 1, a letter, the length
//! of the payload in four hexadecimal digits, and the payload. In frames to the guest, bytes that
//! Linux' console driver takes for itself are escaped. What is no frame is the kernel's or the
//! firmware's, and is kept for error messages.

/// Greatest payload.
pub(super) const PAYLOAD_MAX: usize = 4096;
const MARK: u8 = 1;
const HEADER: usize = 6;
/// Stands before a byte that is sent with this bit inverted.
const ESCAPE: u8 = 16;
const INVERTED: u8 = 0x40;
/// How much of what is no frame is kept.
const NOISE_MAX: usize = 16 << 10;

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is there.
    Ready,
    /// The command wrote this to standard output.
    Output(Vec<u8>),
    /// The command wrote this to standard error.
    Error(Vec<u8>),
    /// Input is wanted.
    WantsInput,
    /// The command has ended with this status.
    Ended(i32),
}

impl Said {
    /// None for a frame that is not understood: one of a later agent.
    fn from_frame(kind: u8, payload: &[u8]) -> Option<Self> {
        Some(match kind {
            b'B' => Self::Ready,
            b'o' => Self::Output(payload.to_vec()),
            b'e' => Self::Error(payload.to_vec()),
            b'w' => Self::WantsInput,
            b'x' => Self::Ended(std::str::from_utf8(payload).ok()?.parse().ok()?),
            _ => return None,
        })
    }
}

/// What the agent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// A piece of the command's words.
    Words,
    /// Run it: any payload asks for input to be taken.
    Run,
    /// Input that was wanted.
    Input,
    /// No more input.
    InputEnds,
    /// A signal for the command.
    Signal,
    /// Power off.
    PowerOff,
}

impl Tell {
    const fn letter(self) -> u8 {
        match self {
            Self::Words => b'A',
            Self::Run => b'R',
            Self::Input => b'I',
            Self::InputEnds => b'E',
            Self::Signal => b'K',
            Self::PowerOff => b'Q',
        }
    }

    /// A frame; `payload` has at most [`PAYLOAD_MAX`] bytes.
    pub(super) fn frame(self, payload: &[u8]) -> Vec<u8> {
        debug_assert!(
            payload.len() <= PAYLOAD_MAX,
            "a payload that is cut into pieces"
        );
        let mut frame = vec![MARK, self.letter()];
        frame.extend_from_slice(format!("{:04x}", payload.len()).as_bytes());
        for &byte in payload {
            // CR: hvc_vio drops a NUL behind it. SI: hvc_console takes it for the SysRq key.
            if matches!(byte, b'\r' | 0x0F | ESCAPE) {
                frame.extend([ESCAPE, byte ^ INVERTED]);
            } else {
                frame.push(byte);
            }
        }
        frame
    }
}

/// Finds the frames in what the console shows.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// A frame that is not whole yet; at most a header and a payload.
    open: Vec<u8>,
    noise: Vec<u8>,
}

impl Reader {
    /// Takes what was printed; answers what it completes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for &byte in bytes {
            self.open.push(byte);
            self.look(&mut said);
        }
        said
    }

    /// The end of what was printed beside the frames.
    pub(super) fn noise(&self) -> String {
        String::from_utf8_lossy(&self.noise).replace('\r', "")
    }

    /// Decides about what is open after one more byte of it.
    fn look(&mut self, said: &mut Vec<Said>) {
        let plausible = match self.open.len() {
            1 => self.open[0] == MARK,
            2 => self.open[1].is_ascii_alphabetic(),
            3..=HEADER => self.open[2..].iter().all(u8::is_ascii_hexdigit),
            _ => true,
        };
        let length = self.open.get(2..HEADER).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            usize::from_str_radix(digits, 16).ok()
        });
        if !plausible || length.is_some_and(|length| length > PAYLOAD_MAX) {
            return self.reject();
        }
        if length.is_some_and(|length| self.open.len() == HEADER + length) {
            said.extend(Said::from_frame(self.open[1], &self.open[HEADER..]));
            self.open.clear();
        }
    }

    /// What is open is no frame, though a frame may begin at its last byte.
    fn reject(&mut self) {
        let last = self.open.pop();
        self.noise.append(&mut self.open);
        match last {
            Some(MARK) => self.open.push(MARK),
            other => self.noise.extend(other),
        }
        let surplus = self.noise.len().saturating_sub(2 * NOISE_MAX);
        if surplus > 0 {
            self.noise.drain(..surplus + NOISE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Tell::Run.frame(payload);
        frame[1] = kind;
        frame
    }

    #[test]
    fn frames_are_found_in_pieces_and_between_other_text() {
        let mut text = b"[ 1.0] kernel\r\n".to_vec();
        text.extend(frame(b'B', b""));
        text.extend(b"\x01zz\x01");
        text.extend(frame(b'o', b"a\x01B0000b\n"));
        // A kind of a later agent.
        text.extend(frame(b'z', b"later"));
        text.extend(frame(b'x', b"143"));
        for size in [1, 2, 7, text.len()] {
            let mut reader = Reader::default();
            let said: Vec<_> = text
                .chunks(size)
                .flat_map(|piece| reader.read(piece))
                .collect();
            let expected = [
                Said::Ready,
                Said::Output(b"a\x01B0000b\n".to_vec()),
                Said::Ended(143),
            ];
            assert_eq!(said, expected, "in pieces of {size}");
            assert_eq!(reader.noise(), "[ 1.0] kernel\n\u{1}zz\u{1}");
        }
    }

    #[test]
    fn bytes_that_the_console_driver_takes_are_not_sent() {
        let all: Vec<u8> = (0..=255).collect();
        let frame = Tell::Input.frame(&all);
        assert!(frame.starts_with(b"\x01I0100"));
        assert!(!frame.contains(&b'\r') && !frame.contains(&0x0F));
        let mut bytes = frame[HEADER..].iter();
        let mut back = Vec::new();
        while let Some(&byte) = bytes.next() {
            back.push(match byte {
                ESCAPE => bytes.next().expect("escaped") ^ INVERTED,
                byte => byte,
            });
        }
        assert_eq!(back, all);
    }

    #[test]
    fn a_guest_that_prints_for_ever_is_not_kept_for_ever() {
        let mut reader = Reader::default();
        for _ in 0..100 {
            reader.read(&[b'x'; 4096]);
            reader.read(b"\x01offff");
            reader.read(b"\x01o0fff");
        }
        assert!(reader.noise.len() <= 2 * NOISE_MAX);
        assert!(reader.open.len() <= HEADER + PAYLOAD_MAX);
    }

    #[test]
    fn random_bytes_do_not_stop_the_reader() {
        let mut random = fastrand::Rng::with_seed(14);
        let mut reader = Reader::default();
        for _ in 0..20_000 {
            let letters = [1, b'o', b'x', b'0', b'1', b'f', random.u8(..)];
            reader.read(&[letters[random.usize(..letters.len())]]);
        }
        // At most one payload is open.
        reader.read(&[0; PAYLOAD_MAX + HEADER]);
        assert_eq!(reader.read(&frame(b'B', b"")), [Said::Ready]);
    }
}
