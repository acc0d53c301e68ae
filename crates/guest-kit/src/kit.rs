//! The public face: what is cached, and making what is not.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::{Error, Progress, Result, host, initramfs, inputs, kernel, payload, stock, vectors};

const KERNEL: &str = "kernel";
const PEER: &str = "peer";
const INITRAMFS: &str = "initramfs";
const INITRD: &str = "initrd";
const STOCK: &str = "stock";
const PAYLOAD: &str = "payload";
const VECTORS: &str = "decimal-vectors";

/// The files of a finished kit. They are never changed in place: what changes gets another directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestPaths {
    /// The kernel: a ppc64le ELF.
    pub vmlinux: PathBuf,
    /// The same kernel for QEMU (see [`crate::peer`]).
    pub vmlinux_peer: PathBuf,
    /// The initramfs: uncompressed cpio archives, one behind the other.
    pub initramfs: PathBuf,
    /// Our programs, static ppc64le ELFs, as they are in the initramfs.
    pub programs_dir: PathBuf,
}

/// The guest kit in one cache directory. The associated functions [`locate`](Self::locate), [`ensure`](Self::ensure),
/// [`ensure_stock_kernel`](Self::ensure_stock_kernel), [`ensure_decimal_vectors`](Self::ensure_decimal_vectors) and
/// [`ensure_payload`](Self::ensure_payload) are for the user's cache.
#[derive(Debug, Clone)]
pub struct GuestKit {
    pub(crate) cache: Cache,
}

impl GuestKit {
    /// What is in the user's cache for this version's inputs; builds nothing.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] where kernel or initramfs is missing; [`Error::NoCacheDir`].
    pub fn locate() -> Result<GuestPaths> {
        Self::of_user()?.find()
    }

    /// The kit in the user's cache, made where it is not there yet: that takes some minutes.
    ///
    /// # Errors
    /// [`Error::MissingPackages`] with the command to run, a failed step with the end of its output, or the cache can't be written.
    pub fn ensure(progress: &Progress) -> Result<GuestPaths> {
        Self::of_user()?.build(progress)
    }

    /// The distribution's own ppc64el kernel in the user's cache, fetched where it is not there yet.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn ensure_stock_kernel(progress: &Progress) -> Result<PathBuf> {
        Self::of_user()?.stock_kernel(progress)
    }

    /// The directory of the decimal test vectors (`*.decTest`) in the user's cache, fetched where it is not there yet.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn ensure_decimal_vectors(progress: &Progress) -> Result<PathBuf> {
        Self::of_user()?.decimal_vectors(progress)
    }

    /// The payload in the user's cache, made where it is not there yet: the bare-metal guest, an ELF that is booted like a kernel. Its
    /// boot arguments are a command (crate `payload-format`). `payload.bin` beside it is the same for QEMU's `-bios`.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn ensure_payload(progress: &Progress) -> Result<PathBuf> {
        Self::of_user()?.payload(progress)
    }

    /// The kit of the user's cache directory.
    ///
    /// # Errors
    /// [`Error::NoCacheDir`].
    pub fn of_user() -> Result<Self> {
        Ok(Self {
            cache: Cache::of_user()?,
        })
    }

    /// A kit that keeps everything in `directory`.
    pub fn at(directory: &Path) -> Self {
        Self {
            cache: Cache::at(directory),
        }
    }

    /// As [`locate`](Self::locate), for this cache directory.
    ///
    /// # Errors
    /// [`Error::NotBuilt`].
    pub fn find(&self) -> Result<GuestPaths> {
        let part = |name: &str, key: String| {
            self.cache
                .find(name, &key)
                .ok_or_else(|| Error::NotBuilt(self.cache.root().to_owned()))
        };
        let kernel = part(KERNEL, inputs::kernel_key())?;
        let peer = part(PEER, inputs::peer_key())?;
        let initramfs = part(INITRAMFS, inputs::initramfs_key())?;
        let initrd = part(INITRD, inputs::initrd_key())?;
        Ok(paths(&kernel, &peer, &initramfs, &initrd))
    }

    /// As [`ensure`](Self::ensure), for this cache directory. Kernel and initramfs are cached apart: a changed program does not cost a
    /// kernel build.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn build(&self, progress: &Progress) -> Result<GuestPaths> {
        let built = self.build_parts(progress);
        progress.finish();
        built
    }

    fn build_parts(&self, progress: &Progress) -> Result<GuestPaths> {
        // All packages at once: a user who has to install them does it once.
        let mut packages = Vec::new();
        if self
            .cache
            .find(INITRAMFS, &inputs::initramfs_key())
            .is_none()
        {
            packages.extend(host::COMPILER_PACKAGES);
        }
        if self.cache.find(KERNEL, &inputs::kernel_key()).is_none() {
            packages.extend(host::KERNEL_PACKAGES);
        }
        packages.sort_unstable();
        packages.dedup();
        if !packages.is_empty() {
            host::require(&packages, &self.cache, progress)?;
        }
        // The short part first: what is wrong with packages or network shows at once.
        let initramfs =
            self.cache
                .find_or_build(INITRAMFS, &inputs::initramfs_key(), progress, |at| {
                    initramfs::build(at, &self.cache, progress)
                })?;
        let kernel = self
            .cache
            .find_or_build(KERNEL, &inputs::kernel_key(), progress, |at| {
                kernel::build(at, progress)
            })?;
        let peer = self
            .cache
            .find_or_build(PEER, &inputs::peer_key(), progress, |at| {
                kernel::build_for_peer(at, &kernel, progress)
            })?;
        let initrd = self
            .cache
            .find_or_build(INITRD, &inputs::initrd_key(), progress, |at| {
                initramfs::join(at, &initramfs, &kernel)
            })?;
        Ok(paths(&kernel, &peer, &initramfs, &initrd))
    }

    /// As [`ensure_stock_kernel`](Self::ensure_stock_kernel), for this cache directory.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn stock_kernel(&self, progress: &Progress) -> Result<PathBuf> {
        let built = self
            .cache
            .find_or_build(STOCK, &inputs::stock_key(), progress, |at| {
                stock::build(at, &self.cache, progress)
            });
        progress.finish();
        Ok(built?.join(stock::VMLINUX))
    }

    /// As [`ensure_decimal_vectors`](Self::ensure_decimal_vectors), for this cache directory.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn decimal_vectors(&self, progress: &Progress) -> Result<PathBuf> {
        let built = self
            .cache
            .find_or_build(VECTORS, &inputs::vectors_key(), progress, |at| {
                vectors::build(at, &self.cache, progress)
            });
        progress.finish();
        Ok(built?.join(vectors::VECTORS))
    }

    /// As [`ensure_payload`](Self::ensure_payload), for this cache directory.
    ///
    /// # Errors
    /// As for [`ensure`](Self::ensure).
    pub fn payload(&self, progress: &Progress) -> Result<PathBuf> {
        let built = self
            .cache
            .find_or_build(PAYLOAD, &payload::key(), progress, |at| {
                host::require(payload::PACKAGES, &self.cache, progress)?;
                payload::build(at, &self.cache, progress)
            });
        progress.finish();
        Ok(built?.join(payload::ELF))
    }
}

fn paths(kernel: &Path, peer: &Path, initramfs: &Path, initrd: &Path) -> GuestPaths {
    GuestPaths {
        vmlinux: kernel.join(kernel::VMLINUX),
        vmlinux_peer: peer.join(kernel::VMLINUX),
        initramfs: initrd.join(initramfs::INITRAMFS),
        programs_dir: initramfs.join(initramfs::PROGRAMS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cache_says_which_command_fills_it() {
        let directory = tempfile::tempdir().expect("directory");
        let error = GuestKit::at(directory.path())
            .find()
            .expect_err("nothing there");
        assert!(
            error.to_string().contains("`paprika guest build`"),
            "{error}"
        );
    }

    #[test]
    fn a_finished_kit_is_found_by_the_keys_of_its_inputs() {
        let directory = tempfile::tempdir().expect("directory");
        for (part, key) in [
            (KERNEL, inputs::kernel_key()),
            (PEER, inputs::peer_key()),
            (INITRAMFS, inputs::initramfs_key()),
            (INITRD, inputs::initrd_key()),
        ] {
            std::fs::create_dir(directory.path().join(format!("{part}-{key}"))).expect("part");
        }
        let kit = GuestKit::at(directory.path());
        let found = kit.find().expect("all parts are there");
        assert!(found.vmlinux.starts_with(directory.path()));
        assert_eq!(
            kit.build(&Progress::silent()).expect("nothing to build"),
            found
        );
        let json = serde_json::to_string(&found).expect("JSON");
        assert_eq!(
            serde_json::from_str::<GuestPaths>(&json).expect("paths"),
            found
        );
    }
}
