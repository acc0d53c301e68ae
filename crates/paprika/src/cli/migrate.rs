//! `paprika ctl migrate`: moves a machine's guest to another process.

use std::time::Duration;

use anyhow::Context;
use paprika_migration::Uri;

use super::progress;
use crate::control::api::{
    DecideRequest, GuestRuns, MigrateRequest, Migrated, MigrationProgress, MigrationStage,
    MigrationStatus,
};
use crate::control::client::Client;
use crate::text;

/// Move the guest to another process, in which `paprika receive` waits for it
///
/// Memory is copied while the guest runs; then it stands still for a moment, and goes on there. This machine ends. Whatever fails, the
/// guest goes on at one of the two, and never at both.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArgs {
    /// Where to: unix:PATH, tcp:HOST:PORT or tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE
    ///
    /// tcp: is neither encrypted nor authenticated. With tls: both sides show a certificate; name=NAME in the URI says what the
    /// destination's is for, where that is not HOST.
    #[arg(required_unless_present_any = ["status", "cancel", "decide"])]
    uri: Option<Uri>,

    /// For how many milliseconds the guest may stand still
    #[arg(long, value_name = "MS", default_value_t = default_limit(), value_parser = clap::value_parser!(u64).range(1..=60_000))]
    downtime_limit: u64,

    /// Slow the guest down where it writes faster than the connection carries; else the migration fails then
    #[arg(long)]
    brake: bool,

    /// Show how far a migration is that is going on, or how the last one ended
    #[arg(long, conflicts_with_all = ["uri", "cancel", "decide"])]
    status: bool,

    /// Cancel the migration that is going on
    #[arg(long, conflicts_with_all = ["uri", "decide"])]
    cancel: bool,

    /// Say where the guest is, when a migration does not know it (its stage is `unsure`): look at the destination first
    #[arg(long, value_name = "WHERE", conflicts_with = "uri")]
    decide: Option<GuestRuns>,
}

fn default_limit() -> u64 {
    let limit: Duration = paprika_migration::Options::DOWNTIME_LIMIT;
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

/// What is to be shown.
pub(super) enum Answer {
    Moved(Migrated),
    Status(MigrationStatus),
}

/// Does it.
pub(super) fn run(client: &Client, args: MigrateArgs) -> anyhow::Result<Answer> {
    if args.status {
        return Ok(Answer::Status(client.migrating()?));
    }
    if args.cancel {
        return Ok(Answer::Status(client.cancel_migration()?));
    }
    if let Some(guest_runs) = args.decide {
        return Ok(Answer::Status(client.decide(DecideRequest { guest_runs })?));
    }
    let uri = args.uri.context("no URI is given")?;
    // The machine may be in another directory.
    let uri = uri
        .absolute()
        .context("the current directory can't be found")?;
    let request = MigrateRequest {
        uri: uri.written(),
        downtime_limit_ms: Some(args.downtime_limit),
        brake: args.brake,
    };
    Ok(Answer::Moved(progress::migrating(client, &request)?))
}

/// In words.
pub(super) fn moved(moved: &Migrated) -> String {
    let Migrated {
        to,
        total_ms,
        downtime_ms,
        rounds,
        bytes,
    } = moved;
    let rounds = if *rounds == 1 {
        "one round".to_owned()
    } else {
        format!("{rounds} rounds")
    };
    let to = text::line(to);
    format!(
        "the guest goes on in {to}; it stood still for {downtime_ms:.0} ms, and moved in {:.1} s ({} MiB, {rounds})",
        total_ms / 1000.0,
        bytes >> 20
    )
}

/// In words.
pub(super) fn status(status: &MigrationStatus) -> String {
    let Some(progress) = &status.migration else {
        return "there was no migration".into();
    };
    let MigrationProgress {
        stage,
        round,
        ram_bytes,
        left_bytes,
        bandwidth,
        dirty_rate,
        note,
        ..
    } = progress;
    let mut words = words(*stage).to_owned();
    if *stage == MigrationStage::Memory {
        words += &format!(
            ": round {round}, {} of {} MiB left; {} MiB per second, the guest changes {}",
            left_bytes >> 20,
            ram_bytes >> 20,
            bandwidth >> 20,
            dirty_rate >> 20
        );
    }
    if let Some(note) = note {
        words += &format!(": {}", text::line(note));
    }
    if *stage == MigrationStage::Unsure {
        words += "\n`paprika ctl migrate --decide there` ends this machine; `--decide here` lets the guest go on here";
    }
    words
}

/// A stage in words, for bars too.
pub(super) const fn words(stage: MigrationStage) -> &'static str {
    match stage {
        MigrationStage::Connecting => "connecting",
        MigrationStage::Checking => "checking",
        MigrationStage::Memory => "copying memory",
        MigrationStage::Stopping => "copying the rest",
        MigrationStage::HandingOver => "handing over",
        MigrationStage::Unsure => "unsure",
        MigrationStage::Held => "waiting for files",
        MigrationStage::Done => "done",
        MigrationStage::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_peer_are_shown_on_their_line_and_harmless() {
        let hostile = "x\x1b[2J\nforged: done\u{9b}1m";
        let shown = [
            moved(&Migrated {
                to: hostile.into(),
                total_ms: 1.0,
                downtime_ms: 1.0,
                rounds: 1,
                bytes: 1,
            }),
            status(&MigrationStatus {
                migration: Some(MigrationProgress {
                    stage: MigrationStage::Failed,
                    round: 1,
                    ram_bytes: 1,
                    left_bytes: 1,
                    wire_bytes: 1,
                    bandwidth: 1,
                    dirty_rate: 1,
                    expected_downtime_ms: None,
                    downtime_ms: None,
                    brake: 0,
                    elapsed_ms: 1,
                    note: Some(hostile.into()),
                }),
            }),
        ];
        for text in shown {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}
