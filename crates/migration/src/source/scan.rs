//! Reads memory and makes frames of it, on a thread of its own, so that reading and sending overlap.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use thread_role::Role;

use crate::machine::SourceMachine;
use crate::pages::PageSet;
use crate::wire::{RamBuilder, SealedFrame};

/// Frames that wait to be sent, at most.
const AHEAD: usize = 4;

/// Frames of a round, and how many pages were looked at for each.
pub(super) struct Frames {
    pub(super) ready: Receiver<(SealedFrame, u64)>,
    /// Buffers to be used again.
    pub(super) spare: Sender<Vec<u8>>,
}

/// Runs `send` with the frames of `pages`, which a thread makes meanwhile. `zeros`: whether pages that are all zeros are to be told:
/// not in the first round, as the destination's are.
pub(super) fn scan<T>(
    machine: &dyn SourceMachine,
    pages: &PageSet,
    zeros: bool,
    send: impl FnOnce(Frames) -> T,
) -> T {
    let (ready_in, ready) = sync_channel(AHEAD);
    let (spare, spare_out) = channel();
    std::thread::scope(|scope| {
        let body = move || {
            thread_role::begin(Role::Copy);
            fill(machine, pages, zeros, &ready_in, &spare_out);
        };
        std::thread::Builder::new()
            .name("migration-scan".into())
            .spawn_scoped(scope, body)
            .map(drop)
            .unwrap_or_else(|error| tracing::error!(%error, "memory can't be read"));
        send(Frames { ready, spare })
    })
}

/// The thread: ends when all is read, or nobody wants more.
fn fill(
    machine: &dyn SourceMachine,
    pages: &PageSet,
    zeros: bool,
    ready: &SyncSender<(SealedFrame, u64)>,
    spare: &Receiver<Vec<u8>>,
) {
    let page_size = machine.ram().page_size;
    let mut builder = RamBuilder::new(Vec::new(), page_size);
    // The part of RAM that may hold something, as far as it is known.
    let mut populated = 0..0;
    for run in pages.runs() {
        let mut page = run.start;
        while page < run.end {
            if !zeros && page >= populated.end {
                populated = match machine.next_populated(page) {
                    Some(range) if !range.is_empty() => range,
                    _ => pages.pages()..pages.pages(),
                };
            }
            if !zeros && page < populated.start {
                let end = populated.start.min(run.end);
                builder.skip(end - page);
                page = end;
                continue;
            }
            machine.read_page(page, builder.slot());
            builder.add(page, zeros);
            page += 1;
            if builder.is_full() {
                let next = RamBuilder::new(spare.try_recv().unwrap_or_default(), page_size);
                let full = std::mem::replace(&mut builder, next);
                if ready.send(full.finish()).is_err() {
                    return;
                }
            }
        }
    }
    // Nobody listens any more where the migration was called off.
    let _ = ready.send(builder.finish());
}
