//! The payload, built (or found) in the user's cache and booted under QEMU, which enters it as firmware: big-endian, in 32-bit mode.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guest_kit::{GuestKit, Progress};
use payload_format::Report;
use payload_format::record::{self, Condition, Words};

const SIZE: u64 = 4096;
const DATA_BYTES: u64 = 256 << 20;
const LABEL_BYTES: u64 = 128 << 10;

fn payload() -> PathBuf {
    GuestKit::ensure_payload(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"))
}

/// A file for a device of persistent memory, and the directory that it lives as long as.
fn backing() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("pmem0");
    fs::File::create(&file)
        .and_then(|file| file.set_len(DATA_BYTES + LABEL_BYTES))
        .expect("backing file");
    (directory, file)
}

/// QEMU's devices: the first needs flush hypercalls, the second does without.
const FLUSHED: &str = "spapr-nvdimm";
const UNFLUSHED: &str = "nvdimm";

/// Boots the payload with boot arguments and a device, and returns its console's lines when it has powered off.
fn boot(arguments: &str, device: Option<(&str, &Path)>) -> Vec<String> {
    guest_kit::require_packages(&["qemu-system-ppc"], &Progress::auto())
        .unwrap_or_else(|error| panic!("{error}"));
    let elf = payload();
    let mut qemu = Command::new("qemu-system-ppc64");
    qemu.args("-M pseries,ic-mode=xics,nvdimm=on -cpu power9 -m 1G,slots=2,maxmem=4G".split(' '));
    qemu.args("-nographic -vga none -nic none -no-reboot".split(' '));
    qemu.arg("-bios").arg(elf.with_extension("bin"));
    // QEMU takes boot arguments only with a kernel, which nobody enters here.
    qemu.arg("-kernel").arg(&elf).args(["-append", arguments]);
    if let Some((kind, file)) = device {
        let size = DATA_BYTES + LABEL_BYTES;
        let object = format!(
            "memory-backend-file,id=m,share=on,size={size},mem-path={}",
            file.display()
        );
        let device = format!(
            "{kind},id=pmem0,memdev=m,label-size=128K,uuid=f9d25a4c-8a53-4f51-a7b0-6a5d0b1d4c01"
        );
        qemu.args(["-object", &object, "-device", &device]);
    }
    let directory = tempfile::tempdir().expect("directory");
    let console = directory.path().join("console");
    qemu.stdin(Stdio::null())
        .stdout(fs::File::create(&console).expect("console file"));
    let mut running = qemu.spawn().expect("QEMU starts");
    // Not a measurement: only so that a guest which hangs ends the test.
    let deadline = Instant::now() + Duration::from_secs(120);
    while running.try_wait().expect("QEMU's state").is_none() {
        if Instant::now() > deadline {
            let _ = running.kill();
            let _ = running.wait();
            panic!(
                "no end:\n{}",
                fs::read_to_string(&console).unwrap_or_default()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(&console).expect("a console of text");
    text.lines().map(str::to_owned).collect()
}

fn reports(lines: &[String]) -> Vec<Report<'_>> {
    lines
        .iter()
        .filter_map(|line| Report::parse(line))
        .collect()
}

#[test]
fn the_payload_is_a_ppc64le_program_at_address_0_and_carries_no_path_of_this_machine() {
    let elf = fs::read(payload()).expect("ELF");
    assert!(elf.starts_with(b"\x7fELF\x02\x01") && elf[18..20] == [21, 0]);
    let doubleword = |at: usize| u64::from_le_bytes(elf[at..at + 8].try_into().expect("eight"));
    let (entry, headers) = (doubleword(24), doubleword(32) as usize);
    // The only program header: what is loaded, and where. Its physical address is at 24.
    assert_eq!((entry, doubleword(headers + 24)), (0, 0));
    let binary = fs::read(payload().with_extension("bin")).expect("binary");
    // The trap that never happens, which is a branch in the other byte order: at 0, and where firmware is entered.
    assert_eq!(
        (&binary[..4], &binary[0x100..0x104]),
        (&[0x48, 0, 0, 8][..], &[0x48, 0, 0, 8][..])
    );
    let home = b".cache/paprika";
    assert!(!elf.windows(home.len()).any(|bytes| bytes == home));
}

#[test]
fn under_qemu_acknowledged_records_are_in_the_backing_file_whole() {
    for (device, hcall_flush) in [(FLUSHED, true), (UNFLUSHED, false)] {
        let (_directory, file) = backing();
        let lines = boot("records seed=11 count=12 batch=5", Some((device, &file)));
        let reports = reports(&lines);
        assert!(
            matches!(reports[0], Report::Region { drc: 0x9000_0000, length: DATA_BYTES, hcall_flush: flush, .. } if flush == hcall_flush),
            "{lines:?}"
        );
        let acknowledged: Vec<Report<'_>> = (1..=12).map(Report::Ack).collect();
        assert_eq!(reports[1..13], acknowledged, "{lines:?}");
        assert_eq!(
            reports[13..],
            [Report::Written(12), Report::Done],
            "{lines:?}"
        );

        let content = fs::read(&file).expect("backing file");
        for (place, number) in content.chunks(SIZE as usize).zip(1..=13) {
            let expected = if number == 13 {
                Condition::Empty
            } else {
                Condition::Whole
            };
            assert_eq!(
                record::examine(place, 11, number),
                expected,
                "record {number}"
            );
        }
    }
}

#[test]
fn under_qemu_verify_tells_whole_torn_foreign_and_missing_records_apart() {
    let (_directory, file) = backing();
    let mut content = Vec::new();
    for (seed, number) in [(3, 1), (3, 2), (3, 3), (4, 4), (3, 6)] {
        content.extend(Words::new(seed, number, SIZE).flat_map(u64::to_le_bytes));
    }
    content[2 * SIZE as usize + 512..][..512].fill(0);
    content.resize((DATA_BYTES + LABEL_BYTES) as usize, 0);
    fs::write(&file, content).expect("backing file");
    let lines = boot("verify seed=3 count=8", Some((FLUSHED, &file)));
    let verified = Report::Verified {
        whole: 2,
        torn: 1,
        empty: 3,
        other: 2,
    };
    assert_eq!(
        reports(&lines)[1..],
        [Report::Whole(1, 2), Report::Torn(3), verified, Report::Done],
        "{lines:?}"
    );
}

#[test]
fn under_qemu_a_flush_is_measured_in_hypercalls_and_ticks() {
    let (_directory, file) = backing();
    let lines = boot("flush count=5", Some((FLUSHED, &file)));
    // QEMU never answers a flush at once: at least two hypercalls each.
    let measured = |report: &Report<'_>| matches!(*report, Report::Flushed { count: 5, hcalls, ticks, frequency: 512_000_000 } if hcalls >= 10 && ticks > 0);
    assert!(reports(&lines).iter().any(measured), "{lines:?}");
}

#[test]
fn under_qemu_what_cannot_be_done_is_reported_and_the_machine_ends() {
    let (_directory, file) = backing();
    for (arguments, reason) in [
        ("quiet", "\"quiet\" is no command"),
        ("records device=1", "there is no device 1"),
        (
            "records first=65537 count=1",
            "a region of 268435456 bytes has no room for 1 such records",
        ),
    ] {
        let lines = boot(arguments, Some((FLUSHED, &file)));
        match reports(&lines).last() {
            Some(Report::Failed(text)) => assert!(text.starts_with(reason), "{text}"),
            other => panic!("{arguments}: {other:?} in {lines:?}"),
        }
    }
    assert_eq!(reports(&boot("flush", None)).len(), 1);
}

#[test]
fn under_qemu_hostile_hypercalls_are_survived_where_there_is_no_device() {
    // With a device QEMU 7.2 ends in an assertion of its own.
    let run = || boot("hcalls seed=1 count=300", None);
    let lines = run();
    assert!(
        matches!(
            reports(&lines)[..],
            [Report::Digest { count: 300, .. }, Report::Done]
        ),
        "{lines:?}"
    );
    assert_eq!(run(), lines);
}
