//! What a user may set, and the bounds of everything that is waited for.

use std::time::Duration;

/// How a machine is moved.
#[derive(Debug, Clone)]
pub struct Options {
    /// For how long the guest may stand still, as far as can be foreseen.
    pub downtime_limit: Duration,
    /// After so many rounds of copying the guest is found to write too fast.
    pub max_rounds: u32,
    /// Whether a guest that writes too fast is slowed down; else the migration fails, and the guest runs on as it was.
    pub brake: bool,
    /// The bounds of waiting.
    pub limits: Limits,
}

/// How long each thing is waited for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The first byte of one who connects to a destination: a source speaks at once, and who says
    /// nothing keeps others out.
    pub first_byte: Duration,
    /// A connection, and the first words over it.
    pub handshake: Duration,
    /// The destination's check of what it is to become.
    pub check: Duration,
    /// A frame, from its first byte to its last; and the next one while memory is sent.
    pub frame: Duration,
    /// The other side's load of the state, syncs of files, and locks.
    pub settle: Duration,
    /// For how long the destination waits for the word that the guest is its own, and the source for the answer before it looks
    /// for another way to learn it.
    pub commit: Duration,
    /// For how long a destination that gave up stays to say so.
    pub linger: Duration,
}

impl Options {
    /// The default downtime, as QEMU's.
    pub const DOWNTIME_LIMIT: Duration = Duration::from_millis(300);
}

impl Default for Options {
    fn default() -> Self {
        Self {
            downtime_limit: Self::DOWNTIME_LIMIT,
            max_rounds: 30,
            brake: false,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(2),
            handshake: Duration::from_secs(10),
            check: Duration::from_secs(60),
            frame: Duration::from_secs(30),
            settle: Duration::from_secs(120),
            commit: Duration::from_secs(20),
            linger: Duration::from_secs(60),
        }
    }
}
