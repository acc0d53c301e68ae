//! The guest that Paprika is shown, tested and measured with: a small ppc64le Linux kernel, an initramfs, and the programs in it.
//!
//! Nothing is downloaded but the distribution's own packages, by name. [`GuestKit::ensure`] builds what is not cached yet,
//! [`GuestKit::locate`] only looks. The kernel's configuration, the init script and the programs' sources (the folder `guest/` of the
//! repository) are embedded, so that an installed binary can build the guest too.
//!
//! Where to look:
//! - [`kit`]: the public face; `cache`: where results live, and how they get there whole or not at all;
//! - `kernel`, `initramfs`, `programs`, `stock`, `payload`, `vectors`: the recipes; `inputs`: what goes into them, and the hash over it;
//! - [`debian`]: a whole Debian system, its first stage;
//! - `host`, `apt` and `unpack`: packages of this machine, of the guest's architecture, and what is in them;
//! - [`cpio`], [`peer`], `elf`: the formats.
#![forbid(unsafe_code)]

mod apt;
mod cache;
pub mod cpio;
pub mod debian;
mod elf;
mod error;
mod host;
mod initramfs;
mod inputs;
mod kernel;
pub mod kit;
mod payload;
pub mod peer;
mod programs;
mod progress;
mod run;
mod stock;
mod unpack;
mod vectors;

pub use cache::user_cache;
pub use cpio::with_files;
pub use debian::DebianSpec;
pub use error::Error;
pub use host::require_packages;
pub use kit::{GuestKit, GuestPaths};
pub use peer::patch_for_peer;
pub use progress::Progress;

/// What this crate's fallible functions return.
pub type Result<T> = std::result::Result<T, Error>;
