//! A Debian system takes commands and files, and tells exit codes. On a copy of the image in the
//! user's cache.

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use guest_kit::{DebianSpec, Progress};
use paprika::debian::build::copy_sparse;
use paprika::debian::{self, Command, DebianConfig, DebianError, DebianGuest};
use paprika::machine::{CpuEngine, End, HostOptions};
use tempfile::TempDir;

use common::{kit, paprika};

/// A copy of the default image, which is made where it is not cached.
fn image(directory: &TempDir) -> PathBuf {
    let cached = debian::default_image(&DebianSpec::default(), &kit(), &Progress::auto());
    let image = directory.path().join("debian.img");
    copy_sparse(&cached.expect("image"), &image).expect("copy");
    image
}

fn boot(image: &Path) -> DebianGuest {
    let config = DebianConfig::new(&kit(), image).expect("kit");
    DebianGuest::boot(config.configure(|machine| machine.cpus = 2)).expect("boot")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn one_boot_runs_many_commands_and_carries_files_both_ways() {
    let directory = tempfile::tempdir().expect("directory");
    let image = image(&directory);
    let mut guest = boot(&image);
    let mut output = |line: &str| guest.output(&Command::shell(line)).expect("guest");

    let told = output("uname -m; echo problem >&2; exit 42");
    assert_eq!(
        (text(&told.stdout), text(&told.stderr)),
        ("ppc64le\n", "problem\n")
    );
    assert_eq!((told.status, told.timed_out), (42, false));
    assert_eq!(output("kill -TERM $$").status, 128 + 15);
    let settings = output("echo $HOME $USER $(pwd) $PATH; systemctl is-active basic.target");
    assert!(text(&settings.stdout).starts_with("/root root /root /usr/local/sbin:"));
    assert!(text(&settings.stdout).ends_with("\nactive\n"));
    // Every byte arrives, those that begin a frame too.
    let many = output(
        "i=0; while [ $i -lt 40 ]; do printf '\\001o0004\\377\\r\\n%4096s' x; i=$((i+1)); done",
    );
    let one = [b"\x01o0004\xff\r\n".as_slice(), &[b' '; 4095], b"x"].concat();
    assert!(many.stdout == one.repeat(40));

    let missing = guest
        .output(&Command::new(["/no/such/program"]))
        .expect("guest");
    assert_eq!(missing.status, 127);
    assert!(text(&missing.stderr).contains("No such file"));
    let endless = Command::new(["sleep", "1000"]).timeout(Duration::from_secs(1));
    let killed = guest.output(&endless).expect("guest");
    assert_eq!((killed.status, killed.timed_out), (128 + 9, true));
    let nothing = guest.output(&Command::new(Vec::<String>::new()));
    assert!(matches!(nothing, Err(DebianError::NoCommand)));

    let tree = directory.path().join("tree");
    fs::create_dir_all(tree.join("deep")).expect("directories");
    fs::write(tree.join("deep/data"), vec![0xA5; 3_000_000]).expect("file");
    guest
        .copy_in(std::slice::from_ref(&tree), "/srv/new place")
        .expect("copied in");
    let sum = guest.output(&Command::shell(
        "sha256sum < '/srv/new place/tree/deep/data'; mv '/srv/new place/tree' /root/back",
    ));
    let here = std::process::Command::new("sha256sum")
        .arg(tree.join("deep/data"))
        .output();
    let here = here.expect("sha256sum").stdout;
    assert_eq!(text(&sum.expect("guest").stdout)[..64], text(&here)[..64]);
    let back = directory.path().join("out");
    guest.copy_out("/root/back", &back).expect("copied out");
    assert_eq!(
        fs::read(back.join("back/deep/data")).expect("file"),
        vec![0xA5; 3_000_000]
    );
    let refused = guest
        .copy_out("/no/such/file", &back)
        .expect_err("not there");
    assert!(refused.to_string().contains("No such file"), "{refused}");

    assert_eq!(guest.power_off().expect("ended"), End::PowerOff);
    // What was written is in the image, which was left clean.
    let mut guest = boot(&image);
    let kept = guest.output(&Command::shell(
        "stat -c %s /root/back/deep/data; dmesg | grep -c 'EXT4-fs.*recovery'",
    ));
    assert_eq!(text(&kept.expect("guest").stdout), "3000000\n0\n");
    assert_eq!(guest.power_off().expect("ended"), End::PowerOff);
}

#[test]
fn programs_go_on_while_their_guest_is_saved_restored_and_migrated() {
    let directory = tempfile::tempdir().expect("directory");
    let image = image(&directory);
    let mut guest = boot(&image);
    let counting = "(n=0; while [ ! -e stop ]; do n=$((n+1)); echo $n > new; mv new count; done; echo done > end) > /dev/null 2>&1 &";
    let started = guest.output(&Command::shell(counting)).expect("guest");
    assert_eq!(started.status, 0);
    let mut last = 0;
    for (number, engine) in [CpuEngine::Interpreter, CpuEngine::Jit]
        .into_iter()
        .enumerate()
    {
        let host = || HostOptions {
            engine,
            ..HostOptions::default()
        };
        let at = directory.path().join(format!("snapshot{number}"));
        guest = guest.save_and_restore(&at, host()).expect("restored");
        last = counted_on(&mut guest, last);
        // The device for copying is one of those that are handed over.
        let data = directory.path().join("data");
        fs::write(&data, vec![number as u8; 300_000]).expect("file");
        guest.copy_in(&[data], "/root").expect("copied in");
        let by = directory.path().join("socket");
        guest = guest.migrate(&by, host()).expect("migrated");
        last = counted_on(&mut guest, last);
        let back = directory.path().join("back");
        guest.copy_out("/root/data", &back).expect("copied out");
        let back = fs::read(back.join("data")).expect("file");
        assert!(back == vec![number as u8; 300_000]);
    }
    let end =
        "touch stop; while [ ! -e end ]; do sleep 0.1; done; cat end; dmesg | grep -c 'I/O error'";
    let end = guest.output(&Command::shell(end)).expect("guest");
    assert_eq!(text(&end.stdout), "done\n0\n");
    assert_eq!(guest.power_off().expect("ended"), End::PowerOff);
}

/// Waits until the guest has counted on from `last`; answers how far.
fn counted_on(guest: &mut DebianGuest, last: u64) -> u64 {
    // The first number may not be there yet.
    let line = format!(
        "while [ $(cat count 2>/dev/null || echo 0) -le {last} ]; do sleep 0.1; done; cat count"
    );
    let told = guest.output(&Command::shell(&line).timeout(Duration::from_secs(300)));
    let told = told.expect("guest");
    assert!(!told.timed_out, "it stands still");
    text(&told.stdout).trim().parse().expect("a number")
}

fn debian_run(image: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let image = image.to_str().expect("text");
    let mut command = paprika(&["debian", "run", "--image", image]);
    let command = command.args(arguments).stdin(std::process::Stdio::piped());
    let mut child = command.spawn().expect("paprika");
    let mut stdin = child.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        // Beside the reading: what is written comes back while more is to be written. One that does
        // not read may be gone before the end.
        scope.spawn(move || stdin.write_all(input).is_ok());
        child.wait_with_output().expect("paprika")
    })
}

#[test]
fn the_command_line_gives_input_output_files_and_the_exit_code() {
    let directory = tempfile::tempdir().expect("directory");
    let image = image(&directory);
    let program = directory.path().join("double.sh");
    fs::write(
        &program,
        "#!/bin/sh\ncat; cat > /dev/null; echo made > /root/result\nexit 7\n",
    )
    .expect("file");
    let out = format!("/root/result:{}", directory.path().join("out").display());
    let line = [
        "--copy-in",
        program.to_str().expect("text"),
        "--copy-out",
        &out,
        "--",
        "sh",
        "double.sh",
    ];
    let input: Vec<u8> = (0..60_000u32).flat_map(u32::to_le_bytes).collect();
    let ran = debian_run(&image, &line, &input);
    assert_eq!(
        ran.status.code(),
        Some(7),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(ran.stdout == input, "{} bytes came back", ran.stdout.len());
    let result = fs::read_to_string(directory.path().join("out/result"));
    assert_eq!(result.expect("copied out"), "made\n");
}

#[test]
fn what_can_not_be_is_refused_before_anything_is_booted() {
    let directory = tempfile::tempdir().expect("directory");
    let missing = directory.path().join("no.img");
    let ran = debian_run(&missing, &["--", "true"], b"");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(1));
    assert!(
        said.contains("there is no image") && said.contains("paprika debian build"),
        "{said}"
    );
    let ran = debian_run(&missing, &["--copy-in", "/no/such/file", "--", "true"], b"");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        said.contains("--copy-in: can't read /no/such/file"),
        "{said}"
    );
}
