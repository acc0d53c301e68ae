//! Names of entries and of builds: digests of what they stand for.

use std::fmt;

/// A BLAKE3 digest of several parts, none of which can lend bytes to its neighbour.
fn digest(context: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Everything that compiled code depends on beside what it was compiled of. Code of one build is never given to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BuildId(pub(crate) [u8; 32]);

impl BuildId {
    /// The build that these say: versions, settings, the host's CPU features.
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(digest("paprika code-store 1 build", parts))
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

/// Everything that an entry was compiled of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(crate) [u8; 32]);

impl Key {
    /// The key of an input that has these parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(digest("paprika code-store 1 key", parts))
    }

    /// The digest that it is.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key that is a digest already.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        hex(&self.0, f)?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_apart_where_parts_end_and_what_is_named() {
        assert_ne!(Key::of(&[b"ab", b"c"]), Key::of(&[b"a", b"bc"]));
        assert_ne!(Key::of(&[b"ab"]), Key::of(&[b"ab", b""]));
        assert_ne!(Key::of(&[b"ab"]).0, BuildId::of(&[b"ab"]).0);
    }
}
