//! What a guest was told is durable survives the loss of power, whenever it comes; and where it is told wrongly that it need not
//! flush, this harness sees it lose records.

mod common;

use guest_kit::{GuestKit, Progress};
use paprika::demo::power_loss::{Campaign, FileSystem, LinuxWriter, PayloadWriter, Tally, Writer};

fn payload(batch: u64) -> PayloadWriter {
    let elf = GuestKit::ensure_payload(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"));
    PayloadWriter::new(elf, batch)
}

fn hold(writer: &dyn Writer, lives: u64, seed: u64, sync_dax: bool) -> Tally {
    let campaign = Campaign {
        lives,
        seed,
        sync_dax,
    };
    campaign
        .run(writer, &mut |_| ())
        .unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn nothing_is_lost(tally: &Tally, lives: u64) {
    assert_eq!((tally.lost, tally.lives), (0, lives), "{tally:?}");
    assert!(tally.acknowledged >= lives, "{tally:?}");
}

#[test]
fn acknowledged_records_survive_power_loss() {
    let tally = hold(&payload(1), 150, 11, false);
    nothing_is_lost(&tally, 150);
    // The proof is one only where there was something to lose.
    assert!(tally.pages.dirty > 0, "{tally:?}");
    assert!(
        tally.acknowledged >= 1000 && tally.in_flush > 10,
        "{tally:?}"
    );
}

#[test]
fn records_that_shared_a_flush_survive_power_loss() {
    let tally = hold(&payload(8), 100, 12, false);
    nothing_is_lost(&tally, 100);
    let pages = tally.pages;
    assert!(
        pages.torn > 0 && pages.dirty > pages.kept + pages.torn,
        "{pages:?}"
    );
}

#[test]
fn a_guest_that_is_told_not_to_flush_is_seen_to_lose_records() {
    let tally = hold(&payload(1), 20, 13, true);
    assert!(tally.lost > 0, "{tally:?}");
}

#[test]
fn what_linux_made_durable_on_xfs_survives_power_loss() {
    let writer = LinuxWriter::new(common::kit(), FileSystem::Xfs);
    nothing_is_lost(&hold(&writer, 2, 14, false), 2);
}

#[test]
fn what_linux_made_durable_on_ext4_survives_power_loss() {
    let writer = LinuxWriter::new(common::kit(), FileSystem::Ext4);
    nothing_is_lost(&hold(&writer, 2, 15, false), 2);
}

#[test]
fn linux_without_flushes_is_seen_to_lose_records() {
    let writer = LinuxWriter::new(common::kit(), FileSystem::Xfs);
    let tally = hold(&writer, 10, 16, true);
    assert!(tally.lost > 0, "{tally:?}");
}
