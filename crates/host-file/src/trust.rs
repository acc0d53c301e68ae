//! Who could have written what is in a file.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Write permissions of group and others. Where there is an access control list, those of the group
/// stand for all that it grants (acl(5)).
const OTHERS_WRITE: u32 = 0o022;

/// Why what is in a file or directory can't be trusted as one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// Its owner is not whose it should be.
    OtherOwner,
    /// Its group, or everybody, may write.
    OthersWrite,
}

impl Distrust {
    /// In words, for messages that have named the file.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OtherOwner => "it belongs to another user",
            Self::OthersWrite => "other users can write to it",
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

/// Whose a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The effective user's.
    User,
    /// His, or the superuser's, who can do anything anyway.
    UserOrSuperuser,
}

impl Owner {
    fn may_be(self, owner: u32) -> bool {
        owner == rustix::process::geteuid().as_raw() || self == Self::UserOrSuperuser && owner == 0
    }
}

/// Whether anybody else could have written to an opened file or directory that should be `owner`'s;
/// `None`: nobody.
///
/// # Errors
/// What the host says.
pub fn distrust(file: &File, owner: Owner) -> io::Result<Option<Distrust>> {
    let metadata = file.metadata()?;
    Ok(if !owner.may_be(metadata.uid()) {
        Some(Distrust::OtherOwner)
    } else if metadata.mode() & OTHERS_WRITE != 0 {
        Some(Distrust::OthersWrite)
    } else {
        None
    })
}
