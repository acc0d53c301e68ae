//! `paprika demo`: see [`crate::demo`].

use super::exit;
use crate::demo;

/// Show what Paprika can do: boot a real Linux, run commands in it, and check what they say
///
/// Needs nothing: the guest is built from the distribution's packages where it is not cached yet. Exits with 0 only where everything was
/// as it should be.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Also show the guest's console, on standard error
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    let as_expected = demo::boot::run(args.verbose)?;
    Ok(if as_expected { exit::OK } else { exit::ERROR })
}
