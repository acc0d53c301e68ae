//! What a user can get wrong, and what the program says then: one sentence that names the thing and the mend, an exit code, no guest,
//! no backtrace.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{RunOutcome, argument, run, tiny_guest};
use flate2::Compression;
use flate2::write::GzEncoder;

const ERROR: i32 = 1;
const USAGE: i32 = 2;

/// That the run was refused with this exit code, and that its one sentence contains all of `said`.
#[track_caller]
fn refused(ran: &RunOutcome, code: i32, said: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert_eq!(ran.stdout, "", "nothing ran");
    let sentence = ran.stderr.lines().next().unwrap_or_default();
    assert!(sentence.starts_with("error: "), "{ran:?}");
    for text in said {
        assert!(sentence.contains(text), "no {text:?} in {sentence:?}");
    }
    for noise in ["panicked", "backtrace", "stack", "src/"] {
        assert!(!ran.stderr.contains(noise), "{ran:?}");
    }
    let more: Vec<&str> = ran.stderr.lines().skip(1).collect();
    let usual = ["", "For more information, try '--help'."];
    assert!(
        more.iter()
            .all(|line| usual.contains(line) || line.starts_with("  ")),
        "{ran:?}"
    );
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("directory")
}

fn file(directory: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).expect("file");
    path
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(content).expect("memory");
    packed.finish().expect("memory")
}

/// Runs this content as a kernel.
fn run_kernel(content: &[u8]) -> RunOutcome {
    let directory = directory();
    let path = file(directory.path(), "the-kernel", content);
    run(&["run", "--kernel", argument(&path)])
}

#[test]
fn impossible_memory_sizes_are_refused_with_what_would_be_possible() {
    for (size, said) in [
        ("0", "the least is 256M"),
        ("0G", "the least is 256M"),
        ("1M", "less than the least, 256M"),
        ("300M", "256M and 512M"),
        ("1073741825K", "blocks of 256M"),
        ("2048", "2048M or 2G"),
        ("2Q", "no unit \"Q\""),
        ("1.5G", "a whole number and a unit"),
        ("plenty", "a whole number and a unit"),
        ("", "a whole number and a unit"),
        ("-2G", "a whole number and a unit"),
        ("99999999999T", "more than any machine"),
        ("999999999999999999999999", "more than any machine"),
    ] {
        let ran = run(&["run", &format!("--memory={size}")]);
        refused(&ran, USAGE, &["--memory", said]);
    }
    let ran = run(&["run", "--kernel=/nowhere", "--memory=2T"]);
    refused(&ran, USAGE, &["1024 GiB", "choose less"]);
}

#[test]
fn impossible_cpu_counts_are_refused_with_the_range() {
    for count in ["0", "17", "4294967297", "-1", "two", "1.5", ""] {
        let ran = run(&["run", &format!("--cpus={count}")]);
        refused(&ran, USAGE, &["--cpus", "from 1 to 16"]);
    }
}

#[test]
fn unknown_machines_options_and_log_levels_are_refused() {
    let ran = run(&["run", "--machine", "pseries-9"]);
    refused(&ran, USAGE, &["--machine", "pseries-9"]);
    assert!(ran.stderr.contains("pseries-1.0, pseries-1.1"), "{ran:?}");
    assert_eq!(run(&["run", "--bogus"]).code, Some(USAGE));
    assert_eq!(run(&[]).code, Some(USAGE));
    let ran = run(&["guest", "path", "--log", "louder=than,=x"]);
    refused(&ran, USAGE, &["--log", "warn,papr=debug"]);
    let ran = run(&["guest", "path", "--log-file", "/no/such/directory/log"]);
    refused(&ran, ERROR, &["/no/such/directory/log", "check the path"]);
}

#[test]
fn a_file_that_can_not_be_read_is_named_with_the_reason() {
    let directory = directory();
    let missing = directory.path().join("missing");
    let ran = run(&["run", "--kernel", argument(&missing)]);
    refused(&ran, ERROR, &["kernel", argument(&missing), "No such file"]);
    let ran = run(&["run", "--kernel", argument(directory.path())]);
    refused(
        &ran,
        ERROR,
        &[
            argument(directory.path()),
            "is a directory, not a regular file",
        ],
    );
    let kernel = tiny_guest::write(directory.path());
    let ran = run(&[
        "run",
        "--kernel",
        argument(&kernel),
        "--initrd",
        argument(&missing),
    ]);
    refused(&ran, ERROR, &["initrd", argument(&missing), "No such file"]);
}

#[test]
fn a_file_without_permission_is_named_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let kernel = tiny_guest::write(directory.path());
    fs::set_permissions(&kernel, fs::Permissions::from_mode(0o000)).expect("mode");
    if fs::read(&kernel).is_ok() {
        // Root reads everything, so that there is nothing to refuse.
        return;
    }
    let ran = run(&["run", "--kernel", argument(&kernel)]);
    refused(&ran, ERROR, &[argument(&kernel), "Permission denied"]);
}

#[test]
fn a_file_that_is_larger_than_any_kernel_is_not_read() {
    let directory = directory();
    let path = directory.path().join("huge");
    let sparse = fs::File::create(&path).and_then(|file| file.set_len((1 << 30) + 1));
    sparse.expect("a sparse file");
    let ran = run(&["run", "--kernel", argument(&path)]);
    refused(&ran, ERROR, &["huge", "larger than 1024 MiB"]);
}

#[test]
fn what_is_no_kernel_is_named_with_what_was_expected() {
    let expected = "expected a vmlinux (64-bit little-endian PowerPC ELF";
    let tiny = tiny_guest::elf();
    let changed = |at: usize, value: u8| {
        let mut elf = tiny.clone();
        elf[at] = value;
        elf
    };
    for (what, content, said) in [
        ("empty", vec![], "an empty file"),
        ("text", b"#!/bin/sh\n".to_vec(), "no ELF file"),
        ("garbage", vec![0xa5; 4096], "no ELF file"),
        ("32-bit", changed(4, 1), "a 32-bit ELF file"),
        ("big-endian", changed(5, 2), "a big-endian ELF file"),
        (
            "x86",
            changed(18, 62),
            "another processor (machine number 62)",
        ),
        ("packed text", gzip(b"hello"), "no ELF file"),
    ] {
        let ran = run_kernel(&content);
        refused(&ran, ERROR, &["the-kernel", said, expected]);
        assert!(!ran.stderr.contains("(os error"), "{what}: {ran:?}");
    }
}

#[test]
fn a_kernel_that_was_cut_short_or_damaged_is_said_to_be() {
    let tiny = tiny_guest::elf();
    for length in [5, 16, 63, 64, 100, 200, tiny.len() - 1] {
        let ran = run_kernel(&tiny[..length]);
        assert_eq!(ran.code, Some(ERROR), "{length}: {ran:?}");
        assert!(ran.stderr.contains("the-kernel"), "{length}: {ran:?}");
    }
    refused(
        &run_kernel(&tiny[..tiny.len() - 1]),
        ERROR,
        &["damaged or cut short", "beyond the end of the file"],
    );
    // Sizes and offsets of the one segment that wrap around, or make no sense.
    for (field, value) in [
        (64 + 8, u64::MAX),
        (64 + 24, u64::MAX),
        (64 + 32, u64::MAX),
        (64 + 40, 1),
        (24, 0x10_0000),
        (32, u64::MAX - 8),
    ] {
        let mut elf = tiny.clone();
        elf[field..field + 8].copy_from_slice(&value.to_le_bytes());
        refused(&run_kernel(&elf), ERROR, &["the-kernel", "damaged"]);
    }
}

#[test]
fn a_packed_kernel_boots() {
    let directory = directory();
    let kernel = file(directory.path(), "kernel.gz", &gzip(&tiny_guest::elf()));
    let keys = file(directory.path(), "keys", &[tiny_guest::POWER_OFF]);
    let ran = common::paprika(&["run", "--kernel", argument(&kernel)])
        .stdin(fs::File::open(keys).expect("keys"))
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert_eq!(ran.stdout, tiny_guest::READY.as_bytes());
}

#[test]
fn a_packed_kernel_that_is_damaged_is_said_to_be() {
    let packed = gzip(&tiny_guest::elf());
    refused(
        &run_kernel(&packed[..packed.len() / 2]),
        ERROR,
        &["the-kernel", "gzip-compressed", "damaged or cut short"],
    );
    let mut flipped = packed.clone();
    let end = flipped.len() - 6;
    flipped[end] ^= 1;
    refused(
        &run_kernel(&flipped),
        ERROR,
        &["gzip-compressed", "damaged"],
    );
}

#[test]
fn a_kernel_that_does_not_fit_into_memory_is_refused_with_the_mend() {
    let mut elf = tiny_guest::elf();
    elf[64 + 40..64 + 48].copy_from_slice(&(400u64 << 20).to_le_bytes());
    let directory = directory();
    let kernel = file(directory.path(), "large-kernel", &elf);
    let ran = run(&["run", "--kernel", argument(&kernel), "--memory", "256M"]);
    refused(&ran, ERROR, &["kernel needs 400 MiB", "--memory"]);

    let kernel = tiny_guest::write(directory.path());
    let initrd = directory.path().join("large-initrd");
    let sparse = fs::File::create(&initrd).and_then(|file| file.set_len(300 << 20));
    sparse.expect("initrd");
    let ran = run(&[
        "run",
        "--kernel",
        argument(&kernel),
        "--initrd",
        argument(&initrd),
        "--memory",
        "256M",
    ]);
    refused(&ran, ERROR, &["kernel and initrd together", "--memory"]);
}

#[test]
fn nothing_is_created_for_a_run_that_is_refused() {
    let directory = directory();
    let image = directory.path().join("pmem0.img");
    let nvdimm = format!("id=pmem0,path={},size=256M", image.display());
    let ran = run(&["run", "--kernel", "/nowhere", "--nvdimm", &nvdimm]);
    refused(&ran, ERROR, &["/nowhere"]);
    assert!(!image.exists());
    let ran = run(&["run", "--nvdimm", "id=pmem0"]);
    refused(&ran, USAGE, &["--nvdimm", "path"]);
}

#[test]
fn a_guest_kit_that_is_not_there_is_said_to_be_with_the_command_that_makes_it() {
    let empty = directory();
    for arguments in [
        &["run"][..],
        &["guest", "path"],
        &["guest", "path", "--json"],
    ] {
        let output = common::paprika(arguments)
            .env("XDG_CACHE_HOME", empty.path())
            .output()
            .expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(ERROR), "{stderr}");
        assert!(stderr.contains("`paprika guest build`"), "{stderr}");
    }
}

#[test]
fn the_help_tells_keys_exit_codes_and_defaults() {
    let ran = run(&["run", "--help"]);
    assert_eq!(ran.code, Some(0));
    for text in [
        "Ctrl-a x",
        "Exit codes:\n  0  ",
        "\n  3  the guest's operating system died",
        "[default: 2G]",
        "[default: pseries-1.1]",
        "1 to 16",
        "--nvdimm",
    ] {
        assert!(ran.stdout.contains(text), "no {text:?} in {}", ran.stdout);
    }
}
