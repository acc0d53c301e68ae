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
    /// Its owner is neither the effective user nor the superuser.
    OtherOwner,
    /// Its group, or everybody, may write.
    OthersWrite,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherOwner => "it belongs to another user",
            Self::OthersWrite => "other users can write to it",
        })
    }
}

/// Whether anybody but the effective user and the superuser (who can do anything anyway) could have
/// written to an opened file or directory; `None`: nobody.
///
/// # Errors
/// What the host says.
pub fn distrust(file: &File) -> io::Result<Option<Distrust>> {
    let metadata = file.metadata()?;
    let owner = metadata.uid();
    Ok(
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            Some(Distrust::OtherOwner)
        } else if metadata.mode() & OTHERS_WRITE != 0 {
            Some(Distrust::OthersWrite)
        } else {
            None
        },
    )
}
