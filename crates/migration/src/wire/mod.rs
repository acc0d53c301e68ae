//! What goes over a link: frames with checksums, and the messages in them. Every byte that comes in is treated as hostile: lengths are
//! bounded before anything is made of them, and what is not exactly right is refused.
//!
//! A side begins with a greeting: [`MAGIC`] and its version (u32). All numbers are little-endian. Then frames:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind |
//! | 3 | zeros |
//! | 4 | length of the payload |
//! | 4 | number of the frame in this direction, from 0 on |
//! | 4 | CRC-32 of the payload |
//! | 4 | CRC-32 of the 16 bytes before |
//!
//! - `frame`: the header; `message`: kinds and payloads; `ram`: pages in a payload; `channel`: a link with all of this

mod channel;
mod frame;
mod message;
mod ram;

pub(crate) use channel::{Channel, ChannelError};
pub use message::MigrationId;
pub(crate) use message::{Message, Outgoing, Verdict};
pub(crate) use ram::{RamBuilder, Run, SealedFrame};

/// What both sides begin with.
pub(crate) const MAGIC: [u8; 8] = *b"paprmigr";
/// The version of the protocol that this crate speaks.
pub(crate) const VERSION: u32 = 1;
