//! `paprika guest`: the guest kit in the user's cache.

use guest_kit::{GuestKit, GuestPaths, Progress};

use super::output::OutputError;
use super::{exit, output};

/// Make or find the guest kit: a small ppc64le Linux to run, from the distribution's packages
#[derive(Debug, clap::Subcommand)]
pub(super) enum GuestCommand {
    /// Make the guest kit, if it is not cached yet; takes some minutes the first time
    ///
    /// Builds a kernel and an initramfs from the distribution's packages, and keeps them in the user's cache directory. Packages that
    /// the build needs are installed where this user may do that; otherwise the command that installs them is printed. Progress goes to
    /// standard error. An interrupted build is taken up again by the next.
    Build {
        /// Fetch the distribution's own ppc64el kernel as well
        #[arg(long)]
        stock: bool,
    },
    /// Show where the cached guest kit is
    Path {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &GuestCommand) -> anyhow::Result<u8> {
    match command {
        GuestCommand::Build { stock } => {
            let progress = Progress::auto();
            show(&GuestKit::ensure(&progress)?)?;
            if *stock {
                let kernel = GuestKit::ensure_stock_kernel(&progress)?;
                output::line(format_args!("stock kernel  {}", kernel.display()))?;
            }
        }
        GuestCommand::Path { json: true } => {
            output::line(serde_json::to_string_pretty(&GuestKit::locate()?)?)?;
        }
        GuestCommand::Path { json: false } => show(&GuestKit::locate()?)?,
    }
    Ok(exit::OK)
}

fn show(kit: &GuestPaths) -> Result<(), OutputError> {
    for (what, path) in [
        ("kernel", &kit.vmlinux),
        ("for QEMU", &kit.vmlinux_peer),
        ("initramfs", &kit.initramfs),
        ("programs", &kit.programs_dir),
    ] {
        output::line(format_args!("{what:<13} {}", path.display()))?;
    }
    Ok(())
}
