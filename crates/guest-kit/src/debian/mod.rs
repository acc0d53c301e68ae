//! A Debian system for ppc64el, as far as this machine can make it: the first stage of debootstrap, in an image of a file system.
//!
//! debootstrap splits what it does where two machines differ. The first stage fetches packages, checks them, and unpacks those that
//! the second needs; it runs none of their programs. The second runs dpkg on all of them, so it belongs to a machine that can execute
//! them: the guest.
//!
//! No right is needed. The tree is made under fakeroot, which remembers owners, modes and devices that this user may not set, and
//! mkfs.ext4 copies the tree under the same fakeroot into an image.
//!
//! - [`DebianSpec`]: what is wanted, and what can be wrong with it; `mirror`: where packages come
//!   from; `closure`: what they depend on; `first_stage`: the recipe; `suite_apt`: apt over one
//!   suite; `carried`: packages and sources for a guest without a network.

mod carried;
mod closure;
mod first_stage;
mod mirror;
mod spec;
mod suite_apt;

pub use spec::{DEFAULT_SUITE, DebianSpec, IMAGE_BLOCK, ROOT_ID, SpecError};

use std::path::{Path, PathBuf};

use crate::apt::ARCHITECTURE;
use crate::{GuestKit, Progress, Result, host};

/// The part of the cache.
const FIRST_STAGE: &str = "debian-first-stage";
/// Where fetched packages are kept, for first stages that have some in common.
const PACKAGES: &str = "debian-packages";

/// Parts of the cache: package files, and unpacked sources.
const CARRIED_PACKAGES: &str = "debian-carried";
const SOURCES: &str = "debian-sources";

/// Packages of this machine that the first stage needs.
const HOST_PACKAGES: &[&str] = &[
    "debootstrap",
    "debian-archive-keyring",
    "e2fsprogs",
    "fakeroot",
    "wget",
];

impl GuestKit {
    /// The image with the first stage of `spec`, made where it is not cached: an ext4 file system of 4 KiB blocks, and room for a label
    /// area behind it. It is a sparse file, to be copied and never to be booted from.
    ///
    /// # Errors
    /// [`Error::Spec`](crate::Error::Spec), [`Error::NoMirror`](crate::Error::NoMirror), and as for [`ensure`](Self::ensure). What
    /// debootstrap says of a package that does not exist is in [`Error::Failed`](crate::Error::Failed).
    pub fn debian_first_stage(&self, spec: &DebianSpec, progress: &Progress) -> Result<PathBuf> {
        spec.check()?;
        let mirror = match &spec.mirror {
            Some(mirror) => mirror.clone(),
            None => mirror::of_this_machine(&spec.suite)?,
        };
        let key = first_stage::key(spec, &mirror);
        let built = self.cache.find_or_build(FIRST_STAGE, &key, progress, |at| {
            host::require(HOST_PACKAGES, &self.cache, progress)?;
            let packages = self.cache.root().join(PACKAGES).join(&spec.suite);
            first_stage::build(at, spec, &mirror, &packages, progress)
        });
        progress.finish();
        Ok(built?.join(first_stage::IMAGE))
    }

    /// A directory with the file `NAME.deb` for each of `packages`, for the guest's architecture, fetched where it is not cached. What
    /// they depend on is not fetched.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure); a package that does not exist in [`Error::Failed`](crate::Error::Failed).
    pub fn debian_packages(&self, packages: &[&str], progress: &Progress) -> Result<PathBuf> {
        let key = carried::key(packages, ARCHITECTURE, "");
        let part = CARRIED_PACKAGES;
        let built = self.cache.find_or_build(part, &key, progress, |at| {
            carried::fetch_packages(at, packages, &self.cache, progress)
        });
        progress.finish();
        built
    }

    /// A directory with a directory of the same name for each of the source packages `sources` of `suite`, fetched and unpacked (with
    /// Debian's patches) where it is not cached.
    ///
    /// # Errors
    /// As for [`debian_first_stage`](Self::debian_first_stage).
    pub fn debian_sources(
        &self,
        sources: &[&str],
        suite: &str,
        progress: &Progress,
    ) -> Result<PathBuf> {
        let mirror = mirror::of_this_machine(suite)?;
        let key = carried::key(sources, suite, &mirror);
        let built = self.cache.find_or_build(SOURCES, &key, progress, |at| {
            host::require(carried::SOURCE_TOOLS, &self.cache, progress)?;
            carried::fetch_sources(at, sources, suite, &mirror, progress)
        });
        progress.finish();
        built
    }

    /// Where the system that is used when none is named is kept: in this cache, for this spec.
    pub fn debian_image(&self, spec: &DebianSpec) -> PathBuf {
        let key = first_stage::key(spec, spec.mirror.as_deref().unwrap_or_default());
        self.cache.root().join(format!("debian-{key}.img"))
    }

    /// The directory of the cache.
    pub fn directory(&self) -> &Path {
        self.cache.root()
    }
}
