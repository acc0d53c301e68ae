//! What a name in a file system can stand for (inode(7)).

use std::fmt;

use rustix::fs::{FileType, RawMode};

/// What a name stands for. Displayed with its article: "a FIFO".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes with a length.
    Regular,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// A terminal, `/dev/zero` and the like.
    CharacterDevice,
    /// A disk.
    BlockDevice,
    /// A symbolic link, where none is followed.
    SymbolicLink,
    /// Something that Linux has no name for.
    Unknown,
}

impl Kind {
    /// That of a `st_mode`.
    pub(crate) fn of_mode(mode: RawMode) -> Self {
        match FileType::from_raw_mode(mode) {
            FileType::RegularFile => Self::Regular,
            FileType::Directory => Self::Directory,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::BlockDevice => Self::BlockDevice,
            FileType::Symlink => Self::SymbolicLink,
            FileType::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::SymbolicLink => "a symbolic link",
            Self::Unknown => "no kind of file that is known",
        })
    }
}
