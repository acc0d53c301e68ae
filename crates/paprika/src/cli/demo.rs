//! `paprika demo`: see [`crate::demo`].

use super::exit;
use crate::demo::power_loss::report::Extent;
use crate::demo::{power_loss, scm};

/// Show what Paprika can do, on a real Linux, and check it
///
/// Boots Linux with two devices of persistent memory, pmem0 with sync-dax=on and pmem1 without; makes DAX file systems on both; shows
/// that MAP_SYNC works on the first and is refused on the second, whose fsync ends in the flush hypercall; and counts what that cost.
/// Needs nothing: the guest is built from the distribution's packages where it is not cached yet. Exits with 0 only where everything
/// was as it should be.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DemoArgs {
    /// Also show the guest's console, on standard error
    #[arg(long, short)]
    verbose: bool,

    #[command(subcommand)]
    which: Option<Which>,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    PowerLoss(PowerLossArgs),
}

/// Stop machines dead, and look for what they had acknowledged
///
/// Guests write numbered, checksummed records and acknowledge each when it is durable. Their machine is stopped dead, and another is
/// started on what was durable by then; every acknowledged record must be there, whole. The control does the same with sync-dax=on,
/// and must lose some. Exits with 0 only where that is so.
#[derive(Debug, clap::Args)]
struct PowerLossArgs {
    /// Repeat the cuts of an earlier run; the exact moments still differ [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Power losses of the bare-metal guest
    #[arg(long, value_name = "N", default_value_t = 200)]
    rounds: u64,

    /// Power losses of Linux, for each of XFS and ext4; 0: none
    #[arg(long, value_name = "N", default_value_t = 3)]
    linux_rounds: u64,
}

impl DemoArgs {
    /// The part of the program whose errors are what the demonstration is about: who cuts the power of storage has syncs that fail.
    pub(super) fn expected_errors(&self) -> Option<&'static str> {
        self.which
            .as_ref()
            .map(|Which::PowerLoss(_)| "papr_scm::flush")
    }
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    let as_expected = match &args.which {
        None => scm::run(args.verbose)?,
        Some(Which::PowerLoss(args)) => power_loss::report::run(Extent {
            // Short enough to be typed again.
            seed: args.seed.unwrap_or_else(|| fastrand::u32(..).into()),
            rounds: args.rounds,
            linux_rounds: args.linux_rounds,
        })?,
    };
    Ok(if as_expected { exit::OK } else { exit::ERROR })
}
