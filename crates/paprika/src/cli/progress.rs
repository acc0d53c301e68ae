//! Bars on the user's terminal while something long is done; nothing where standard error is no terminal.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::control::api::{
    MigrateRequest, Migrated, MigrationProgress, SaveRequest, SavingProgress,
};
use crate::control::client::{Client, ClientError};
use crate::snapshot::{Progress, Saved, Stage};

/// How often a bar is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// A bar for so many bytes of memory.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new() -> Self {
        if !stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(1);
        let style = ProgressStyle::with_template("{prefix:18} [{bar:32}] {bytes}/{total_bytes}");
        // A template that indicatif can't parse is a mistake of ours, and no reason to stop.
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(bar))
    }

    fn show(&self, stage: Stage, done: u64, total: u64) {
        self.show_words(stage.words(), done, total);
    }

    fn show_migration(&self, progress: &MigrationProgress) {
        let done = progress.ram_bytes.saturating_sub(progress.left_bytes);
        let words = super::migrate::words(progress.stage);
        self.show_words(words, done, progress.ram_bytes);
    }

    fn show_words(&self, words: &'static str, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_prefix(words);
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Does `work` while `look` tells how far it is.
fn watched<T: Send>(work: impl FnOnce() -> T + Send, look: impl Fn(&Bar)) -> T {
    let bar = Bar::new();
    if bar.0.is_none() {
        // Nobody looks, so nobody need do so beside the work.
        return work();
    }
    std::thread::scope(|scope| {
        let working = scope.spawn(work);
        let mut looked = Instant::now();
        while !working.is_finished() {
            std::thread::sleep(LOOK / 20);
            if looked.elapsed() >= LOOK {
                look(&bar);
                looked = Instant::now();
            }
        }
        working
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Has a machine save its guest.
pub(super) fn saving(client: &Client, request: &SaveRequest) -> Result<Saved, ClientError> {
    watched(
        || client.save(request),
        |bar| {
            // Who can't say how far it is will say how it went.
            let status = client.saving().ok().and_then(|status| status.saving);
            if let Some(SavingProgress { stage, done, total }) = status {
                bar.show(stage, done, total);
            }
        },
    )
}

/// Has a machine move its guest.
pub(super) fn migrating(
    client: &Client,
    request: &MigrateRequest,
) -> Result<Migrated, ClientError> {
    watched(
        || client.migrate(request),
        |bar| {
            let status = client.migrating().ok().and_then(|status| status.migration);
            if let Some(progress) = status {
                bar.show_migration(&progress);
            }
        },
    )
}

/// Waits for a guest.
pub(super) fn receiving<T: Send>(
    handle: &paprika_migration::Handle,
    work: impl FnOnce() -> T + Send,
) -> T {
    watched(work, |bar| {
        bar.show_migration(&MigrationProgress::of(&handle.progress()))
    })
}

/// Does what reports its progress.
pub(super) fn shown<T: Send>(progress: &Progress, work: impl FnOnce() -> T + Send) -> T {
    watched(work, |bar| {
        let (stage, done, total) = progress.now();
        bar.show(stage, done, total);
    })
}
