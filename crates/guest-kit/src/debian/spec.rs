//! What is wanted of a Debian system.

use crate::inputs;

/// The suite where none is named.
pub const DEFAULT_SUITE: &str = "bookworm";
/// An image's file system is a multiple of this many bytes: the block in which a guest binds persistent memory.
pub const IMAGE_BLOCK: u64 = 256 << 20;
/// The least file system: what the smallest system fills, and room for the second stage to work in.
const LEAST_SIZE: u64 = 1 << 30;
/// What mkfs.ext4 can make without more options than ours.
const GREATEST_SIZE: u64 = 16 << 40;
/// The id of the NVDIMM that a system is on. The guest's namespace labels carry a uuid that follows from it, so an image is found under
/// this id only.
pub const ROOT_ID: &str = "root";

/// Packages that every system gets beside those that Debian calls required, and apt.
const ALWAYS: &[&str] = &["systemd-sysv", "udev", "kmod", "procps", "iproute2"];

/// A Debian system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianSpec {
    /// The release: `bookworm`, `sid`.
    pub suite: String,
    /// Packages that it has beside the smallest system; what they depend on comes by itself.
    pub include: Vec<String>,
    /// Bytes of its file system.
    pub size: u64,
    /// The URL of the archive; none: the one that this machine's apt uses.
    pub mirror: Option<String>,
}

/// Why there is no such system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not the name of a release.
    #[error("{0:?} is no name of a Debian release; write it in lower case, for example bookworm")]
    Suite(String),
    /// Not the name of a package.
    #[error(
        "{0:?} is no name of a Debian package; names are lower-case letters, digits, and + - . in them, separated by commas"
    )]
    Package(String),
    /// A size that can't be.
    #[error(
        "an image of {0} bytes can't be made: it has at least 1G, at most 16T, and is a multiple of 256M; 4G is a good start"
    )]
    Size(u64),
    /// Not a place to fetch from.
    #[error("{0:?} is no URL of a Debian archive; it begins with http://, https:// or file:///")]
    Mirror(String),
}

impl Default for DebianSpec {
    /// Bookworm, nothing more than the smallest system, 4 GiB.
    fn default() -> Self {
        Self {
            suite: DEFAULT_SUITE.into(),
            include: Vec::new(),
            size: 4 << 30,
            mirror: None,
        }
    }
}

impl DebianSpec {
    /// Checks what can be checked without the archive.
    ///
    /// # Errors
    /// [`SpecError`].
    pub fn check(&self) -> Result<(), SpecError> {
        if !is_name(&self.suite) {
            return Err(SpecError::Suite(self.suite.clone()));
        }
        if let Some(bad) = self.include.iter().find(|package| !is_name(package)) {
            return Err(SpecError::Package(bad.clone()));
        }
        let sizes = LEAST_SIZE..=GREATEST_SIZE;
        if !sizes.contains(&self.size) || !self.size.is_multiple_of(IMAGE_BLOCK) {
            return Err(SpecError::Size(self.size));
        }
        match &self.mirror {
            Some(mirror) if !is_archive(mirror) => Err(SpecError::Mirror(mirror.clone())),
            _ => Ok(()),
        }
    }

    /// The packages to be named to debootstrap, in order and each once.
    pub(super) fn packages(&self) -> Vec<&str> {
        let mut packages = ALWAYS.to_vec();
        packages.extend(self.include.iter().map(String::as_str));
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    /// A hash over all of it and what else decides the result.
    pub(super) fn key(&self, more: &[&str]) -> String {
        let size = self.size.to_string();
        let mut parts = vec![self.suite.as_str(), &size];
        parts.extend(more);
        parts.extend(self.packages());
        inputs::hash(parts)
    }
}

/// Debian policy 5.6.1, for packages; suites are written with the same letters. No name begins with a sign, so none is an option.
fn is_name(text: &str) -> bool {
    let sign = |c: char| matches!(c, '+' | '-' | '.');
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(letter) && text.chars().all(|c| letter(c) || sign(c))
}

pub(super) fn is_archive(url: &str) -> bool {
    let known = ["http://", "https://", "file:///"];
    known.iter().any(|scheme| url.starts_with(scheme)) && !url.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut DebianSpec)) -> Result<(), SpecError> {
        let mut spec = DebianSpec::default();
        change(&mut spec);
        spec.check()
    }

    #[test]
    fn the_default_and_what_users_write_is_accepted() {
        assert_eq!(with(|_| ()), Ok(()));
        let include = ["gcc", "libstdc++6", "python3.11", "g++"].map(String::from);
        assert_eq!(with(|spec| spec.include = include.to_vec()), Ok(()));
        assert_eq!(
            with(|spec| spec.mirror = Some("file:///srv/debian".into())),
            Ok(())
        );
    }

    #[test]
    fn nothing_that_is_no_name_reaches_a_command_line() {
        for bad in [
            "", "-oBad", "a b", "a,b", "a;b", "../x", "Bookworm", "a/b", "ä",
        ] {
            let package = with(|spec| spec.include = vec![bad.into()]);
            assert_eq!(package, Err(SpecError::Package(bad.into())));
            let suite = with(|spec| spec.suite = bad.into());
            assert_eq!(suite, Err(SpecError::Suite(bad.into())));
        }
        for bad in ["", "example.org/debian", "http://a b", "ssh://host/debian"] {
            let mirror = with(|spec| spec.mirror = Some(bad.into()));
            assert_eq!(mirror, Err(SpecError::Mirror(bad.into())));
        }
    }

    #[test]
    fn sizes_are_blocks_and_enough() {
        for bad in [0, 1, 512 << 20, (1 << 30) + 4096, u64::MAX] {
            assert_eq!(with(|spec| spec.size = bad), Err(SpecError::Size(bad)));
        }
    }

    #[test]
    fn the_order_of_packages_does_not_matter_and_what_is_there_anyway_counts_once() {
        let spec = |include: &[&str]| DebianSpec {
            include: include.iter().map(|name| (*name).into()).collect(),
            ..DebianSpec::default()
        };
        assert_eq!(
            spec(&["gcc", "make"]).key(&[]),
            spec(&["make", "udev", "gcc"]).key(&[])
        );
        assert_ne!(spec(&["gcc"]).key(&[]), spec(&[]).key(&[]));
        assert_ne!(spec(&[]).key(&["http://a"]), spec(&[]).key(&[]));
    }
}
