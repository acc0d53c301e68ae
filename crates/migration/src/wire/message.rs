//! What the two sides say to each other.

use super::frame::{BLOB_MAX, Kind, WORDS_MAX};
use super::ram::RamFrame;
use crate::machine::RamShape;

/// The most bytes of a machine's state.
const STATE_MAX: usize = 256 << 20;
/// The most bytes of what else a machine is made of.
const LUGGAGE_MAX: usize = 1 << 30;

/// Names one attempt to move a machine: random, so that nobody is taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationId(pub [u8; 16]);

impl MigrationId {
    /// A new one.
    ///
    /// # Errors
    /// Where the host gives no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// What a destination answers who asks for an attempt's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The guest runs, or ran, there.
    Owned,
    /// It never will.
    Never,
    /// It knows nothing of such an attempt.
    Unknown,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// Source: this machine wants to come.
    Offer {
        id: MigrationId,
        ram: RamShape,
        description: &'a [u8],
    },
    /// Source: pages.
    Ram(RamFrame<'a>),
    /// Source: a round of copying begins, with so many pages.
    Round { round: u32, pages: u64 },
    /// Source: the next bytes of what else the machine is made of, of so many in all; at least one such message.
    StaticPayload { total: usize, bytes: &'a [u8] },
    /// Source: the next bytes of the state, of so many in all.
    State { total: usize, bytes: &'a [u8] },
    /// Source: that was all.
    Complete,
    /// Source: the files are free; the guest stands still.
    Released,
    /// Source: the guest is yours.
    Commit,
    /// Source: it is not, and stays mine.
    Abort(&'a str),
    /// Source: understood that you have it.
    Bye,
    /// Source, over a new link: who has the guest?
    Ask(MigrationId),
    /// Destination: it may come.
    Accepted,
    /// Destination: the state is loaded.
    Ready,
    /// Destination: the files are taken.
    Prepared,
    /// Destination: the guest is mine.
    Owned,
    /// Destination: it is not and never will be, because.
    Failed(&'a str),
    /// Destination: the answer to a question.
    Verdict(Verdict),
}

/// What goes out, but memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outgoing<'a> {
    Offer {
        id: MigrationId,
        ram: RamShape,
        description: &'a [u8],
    },
    Round {
        round: u32,
        pages: u64,
    },
    StaticPayload {
        total: usize,
        bytes: &'a [u8],
    },
    State {
        total: usize,
        bytes: &'a [u8],
    },
    Complete,
    Released,
    Commit,
    Abort(&'a str),
    Bye,
    Ask(MigrationId),
    Accepted,
    Ready,
    Prepared,
    Owned,
    Failed(&'a str),
    Verdict(Verdict),
}

impl<'a> Outgoing<'a> {
    /// The frames' payloads of a state.
    pub(crate) fn state(state: &'a [u8]) -> impl Iterator<Item = Self> {
        state.chunks(BLOB_MAX).map(move |bytes| Self::State {
            total: state.len(),
            bytes,
        })
    }

    /// The frames' payloads of static payload.
    pub(crate) fn static_payload(static_payload: &'a [u8]) -> impl Iterator<Item = Self> {
        let count = static_payload.len().div_ceil(BLOB_MAX).max(1);
        (0..count).map(move |index| Self::StaticPayload {
            total: static_payload.len(),
            bytes: &static_payload
                [index * BLOB_MAX..static_payload.len().min((index + 1) * BLOB_MAX)],
        })
    }

    /// Kind and payload.
    pub(super) fn encode(self) -> (Kind, Vec<u8>) {
        let mut payload = Vec::new();
        let kind = match self {
            Self::Offer {
                id,
                ram,
                description,
            } => {
                payload.extend(id.0);
                payload.extend(ram.page_size.to_le_bytes());
                payload.extend(ram.pages.to_le_bytes());
                payload.extend(description);
                Kind::Offer
            }
            Self::Round { round, pages } => {
                payload.extend(round.to_le_bytes());
                payload.extend(pages.to_le_bytes());
                Kind::Round
            }
            Self::State { total, bytes } => {
                payload.extend((total as u64).to_le_bytes());
                payload.extend(bytes);
                Kind::State
            }
            Self::StaticPayload { total, bytes } => {
                payload.extend((total as u64).to_le_bytes());
                payload.extend(bytes);
                Kind::StaticPayload
            }
            Self::Abort(words) => {
                payload.extend(shorten(words).bytes());
                Kind::Abort
            }
            Self::Failed(words) => {
                payload.extend(shorten(words).bytes());
                Kind::Failed
            }
            Self::Ask(id) => {
                payload.extend(id.0);
                Kind::Ask
            }
            Self::Verdict(verdict) => {
                payload.push(match verdict {
                    Verdict::Owned => 1,
                    Verdict::Never => 2,
                    Verdict::Unknown => 3,
                });
                Kind::Verdict
            }
            Self::Complete => Kind::Complete,
            Self::Released => Kind::Released,
            Self::Commit => Kind::Commit,
            Self::Bye => Kind::Bye,
            Self::Accepted => Kind::Accepted,
            Self::Ready => Kind::Ready,
            Self::Prepared => Kind::Prepared,
            Self::Owned => Kind::Owned,
        };
        (kind, payload)
    }
}

/// As much of a text as fits into a frame.
fn shorten(words: &str) -> &str {
    let mut end = words.len().min(WORDS_MAX);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    &words[..end]
}

/// Takes bytes from the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (first, rest) = bytes.split_first_chunk().ok_or("a message is too short")?;
    *bytes = rest;
    Ok(*first)
}

/// A piece of something that has so many bytes in all.
fn piece<'a>(rest: &mut &'a [u8], limit: usize) -> Result<(usize, &'a [u8]), &'static str> {
    let total = usize::try_from(u64::from_le_bytes(take(rest)?)).ok();
    let total = total.filter(|&total| total <= limit);
    let total = total.ok_or("more was announced than any machine has")?;
    Ok((total, std::mem::take(rest)))
}

fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(bytes).map_err(|_| "a message that should be text is not")
}

impl<'a> Message<'a> {
    /// What is wrong with it is the error.
    pub(super) fn decode(kind: Kind, mut payload: &'a [u8]) -> Result<Self, &'static str> {
        let rest = &mut payload;
        let message = match kind {
            Kind::Offer => {
                let id = MigrationId(take(rest)?);
                let ram = RamShape {
                    page_size: u32::from_le_bytes(take(rest)?),
                    pages: u64::from_le_bytes(take(rest)?),
                };
                if !ram.is_possible() {
                    return Err("an offer is of a machine with impossible memory");
                }
                let description = std::mem::take(rest);
                Self::Offer {
                    id,
                    ram,
                    description,
                }
            }
            Kind::Ram => Self::Ram(RamFrame::decode(std::mem::take(rest))?),
            Kind::Round => Self::Round {
                round: u32::from_le_bytes(take(rest)?),
                pages: u64::from_le_bytes(take(rest)?),
            },
            Kind::State => {
                let (total, bytes) = piece(rest, STATE_MAX)?;
                Self::State { total, bytes }
            }
            Kind::StaticPayload => {
                let (total, bytes) = piece(rest, LUGGAGE_MAX)?;
                Self::StaticPayload { total, bytes }
            }
            Kind::Abort => Self::Abort(text(std::mem::take(rest))?),
            Kind::Failed => Self::Failed(text(std::mem::take(rest))?),
            Kind::Ask => Self::Ask(MigrationId(take(rest)?)),
            Kind::Verdict => Self::Verdict(match take(rest)? {
                [1] => Verdict::Owned,
                [2] => Verdict::Never,
                [3] => Verdict::Unknown,
                _ => return Err("an answer means nothing"),
            }),
            Kind::Complete => Self::Complete,
            Kind::Released => Self::Released,
            Kind::Commit => Self::Commit,
            Kind::Bye => Self::Bye,
            Kind::Accepted => Self::Accepted,
            Kind::Ready => Self::Ready,
            Kind::Prepared => Self::Prepared,
            Kind::Owned => Self::Owned,
        };
        if rest.is_empty() {
            Ok(message)
        } else {
            Err("a message is too long")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let id = MigrationId([7; 16]);
        let ram = RamShape {
            page_size: 65536,
            pages: 3,
        };
        for (sent, expected) in [
            (
                Outgoing::Offer {
                    id,
                    ram,
                    description: b"it",
                },
                Message::Offer {
                    id,
                    ram,
                    description: b"it",
                },
            ),
            (
                Outgoing::Round { round: 2, pages: 9 },
                Message::Round { round: 2, pages: 9 },
            ),
            (
                Outgoing::State {
                    total: 9,
                    bytes: b"abc",
                },
                Message::State {
                    total: 9,
                    bytes: b"abc",
                },
            ),
            (Outgoing::Commit, Message::Commit),
            (Outgoing::Failed("no"), Message::Failed("no")),
            (Outgoing::Ask(id), Message::Ask(id)),
            (
                Outgoing::Verdict(Verdict::Never),
                Message::Verdict(Verdict::Never),
            ),
        ] {
            let (kind, payload) = sent.encode();
            assert_eq!(Message::decode(kind, &payload), Ok(expected));
        }
    }

    #[test]
    fn words_that_are_too_many_are_cut_between_two_letters() {
        let words = "ä".repeat(3000);
        let (kind, payload) = Outgoing::Failed(&words).encode();
        assert!(payload.len() <= kind.limit());
        assert!(
            matches!(Message::decode(kind, &payload), Ok(Message::Failed(said)) if words.starts_with(said))
        );
    }

    proptest! {
        #[test]
        fn no_payload_makes_the_decoder_panic(kind in 0_u8..40, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let header = [kind, 0, 0, 0, payload.len() as u8, 0, 0, 0];
            let mut bytes = [0; super::super::frame::HEADER];
            bytes[..8].copy_from_slice(&header);
            let checksum = crc32fast::hash(&bytes[..16]);
            bytes[16..].copy_from_slice(&checksum.to_le_bytes());
            if let Ok(header) = super::super::frame::Header::decode(&bytes) {
                let _ = Message::decode(header.kind, &payload);
            }
        }
    }
}
