//! The migration protocol as a fuzzer speaks it: frames whose checksums are right, whatever is in
//! them. The layout is the table in `crates/migration/src/wire/mod.rs`; a target shows at its start
//! that this is understood ([`usual_source`]).

use crate::bytes::Bytes;

/// What a side says over one connection.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where in them it is silent for a moment.
    pub pauses: Vec<usize>,
    frames: u32,
}

impl Script {
    /// One that begins with the greeting.
    pub fn new() -> Self {
        let mut script = Self::default();
        script.bytes.extend(b"paprmigr");
        script.bytes.extend(1u32.to_le_bytes());
        script
    }

    /// Adds a frame.
    pub fn frame(&mut self, kind: u8, payload: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend([kind, 0, 0, 0]);
        self.bytes.extend((payload.len() as u32).to_le_bytes());
        self.bytes.extend(self.frames.to_le_bytes());
        self.bytes.extend(crc32fast::hash(payload).to_le_bytes());
        let checksum = crc32fast::hash(&self.bytes[start..]);
        self.bytes.extend(checksum.to_le_bytes());
        self.bytes.extend(payload);
        self.frames = self.frames.wrapping_add(1);
    }

    fn offer(&mut self, page_size: u32, pages: u64, description: &[u8]) {
        let size = page_size.to_le_bytes();
        let payload = [&[7; 16], &size[..], &pages.to_le_bytes(), description].concat();
        self.frame(kind::OFFER, &payload);
    }

    fn piece(&mut self, kind: u8, total: u64, bytes: &[u8]) {
        self.frame(kind, &[&total.to_le_bytes()[..], bytes].concat());
    }

    /// Pages: of each run its first page, its length, and whether its bytes are there.
    fn ram(&mut self, page_size: usize, runs: &[(u64, u32, bool)], count: u32) {
        let mut payload = Vec::new();
        for &(first, length, data) in runs {
            if data {
                let bytes = (length as usize * page_size).min(1 << 17);
                payload.resize(payload.len() + bytes, first as u8 | 1);
            }
        }
        for &(first, length, data) in runs {
            payload.extend(first.to_le_bytes());
            payload.extend(length.to_le_bytes());
            payload.push(u8::from(data));
        }
        payload.extend(count.to_le_bytes());
        self.frame(kind::RAM, &payload);
    }
}

mod kind {
    pub const OFFER: u8 = 1;
    pub const RAM: u8 = 2;
    pub const ROUND: u8 = 3;
    pub const STATE: u8 = 4;
    pub const COMPLETE: u8 = 5;
    pub const RELEASED: u8 = 6;
    pub const COMMIT: u8 = 7;
    pub const ABORT: u8 = 8;
    pub const ASK: u8 = 10;
    pub const LUGGAGE: u8 = 11;
    pub const ACCEPTED: u8 = 32;
    pub const READY: u8 = 33;
    pub const PREPARED: u8 = 34;
    pub const OWNED: u8 = 35;
}

/// Bytes of a page in [`usual_source`].
pub const PAGE: u32 = 4096;

/// A whole migration of a machine of 16 pages, as a source says it.
pub fn usual_source() -> Script {
    let mut script = Script::new();
    script.offer(PAGE, 16, b"description");
    script.piece(kind::LUGGAGE, 0, b"");
    script.frame(kind::ROUND, &[0; 12]);
    script.ram(PAGE as usize, &[(0, 2, true), (5, 3, false)], 2);
    script.piece(kind::STATE, 5, b"state");
    script.frame(kind::COMPLETE, b"");
    script.frame(kind::RELEASED, b"");
    script.frame(kind::COMMIT, b"");
    script
}

/// All that a destination says to it.
pub fn usual_destination() -> Script {
    let mut script = Script::new();
    for kind in [kind::ACCEPTED, kind::READY, kind::PREPARED, kind::OWNED] {
        script.frame(kind, b"");
    }
    script
}

/// What a stranger says over his connections, one after the other.
pub fn scripts(bytes: &mut Bytes<'_>) -> Vec<Script> {
    let mut scripts = vec![Script::new()];
    while !bytes.is_empty() && scripts.len() < 8 {
        let current = scripts.len() - 1;
        let script = &mut scripts[current];
        if script.bytes.len() > 1 << 20 {
            break;
        }
        let length = |bytes: &mut Bytes<'_>| usize::from(bytes.byte());
        match bytes.byte() % 18 {
            0 => scripts.push(Script::new()),
            1 => {
                let page_size = 1u32.checked_shl(u32::from(bytes.byte() % 40)).unwrap_or(3);
                let pages = bytes.register(1 << 20);
                let length = length(bytes);
                script.offer(page_size, pages, bytes.piece(length));
            }
            2 => script.offer(PAGE, 16, b"description"),
            3 => script.piece(kind::LUGGAGE, 0, b""),
            4 | 5 => {
                let runs: Vec<_> = (0..bytes.byte() % 8)
                    .map(|_| {
                        let (first, length) = (bytes.register(32), u32::from(bytes.byte() % 20));
                        (first, length, bytes.byte() % 2 == 0)
                    })
                    .collect();
                let count = match bytes.byte() {
                    255 => bytes.number::<4>() as u32,
                    _ => runs.len() as u32,
                };
                script.ram(PAGE as usize, &runs, count);
            }
            6 => {
                let mut payload = [0; 12];
                let given = bytes.piece(12);
                payload[..given.len()].copy_from_slice(given);
                script.frame(kind::ROUND, &payload);
            }
            7 => {
                let (kind, total) = (bytes.byte(), bytes.register(1 << 16));
                let kind = [kind::STATE, kind::LUGGAGE][usize::from(kind % 2)];
                let length = length(bytes);
                script.piece(kind, total, bytes.piece(length));
            }
            8 => script.piece(kind::STATE, 5, b"state"),
            9 => {
                let kind = [kind::COMPLETE, kind::RELEASED, kind::COMMIT];
                script.frame(kind[usize::from(bytes.byte() % 3)], b"");
            }
            10 => {
                let length = length(bytes);
                script.frame(kind::ABORT, bytes.piece(length));
            }
            // The name is that of [`Script::offer`], or another.
            11 => script.frame(kind::ASK, &[bytes.byte(); 16]),
            12 => script.frame(kind::ACCEPTED + bytes.byte() % 4, b""),
            13 | 14 => {
                let kind = bytes.byte() % 40;
                let length = length(bytes);
                script.frame(kind, bytes.piece(length));
            }
            15 => {
                let length = length(bytes);
                script.bytes.extend(bytes.piece(length));
            }
            16 => script.pauses.push(script.bytes.len()),
            _ => {
                let at = bytes.number::<2>() as usize % (script.bytes.len() * 8);
                script.bytes[at / 8] ^= 1 << (at % 8);
            }
        }
    }
    scripts
}
