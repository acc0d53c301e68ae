//! Decimal floating point as a compiler uses it: the same program in a guest and under
//! qemu-ppc64le.

mod common;

use std::process::Command;

use common::{PATIENCE, kit};
use paprika::machine::End;
use paprika::session::{CommandScript, GuestSession};

/// Compiles the program; the file goes away with the directory.
fn compiled(directory: &std::path::Path) -> std::path::PathBuf {
    let program = directory.join("decimal");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/decimal.c");
    let status = Command::new("powerpc64le-linux-gnu-gcc")
        .args([
            "-O2",
            "-static",
            "-mcpu=power9",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-s",
        ])
        .arg(source)
        .arg("-o")
        .arg(&program)
        .status()
        .expect("the cross compiler is installed (cargo xtask setup)");
    assert!(status.success(), "{source} does not compile");
    program
}

#[test]
fn a_compiled_program_s_decimal_arithmetic_is_that_of_the_peer() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = compiled(directory.path());
    let peer = Command::new("qemu-ppc64le")
        .args(["-cpu", "power9"])
        .arg(&program)
        .output()
        .expect("qemu-ppc64le is installed (cargo xtask setup)");
    assert!(peer.status.success());
    let wanted = String::from_utf8(peer.stdout).expect("text");
    assert!(wanted.lines().count() > 10_000);

    // The console is slow for so much text: the guest compares, and shows what differs.
    let script = CommandScript::new([
        "/paprika/decimal > /tmp/found; echo $?",
        "diff /paprika/wanted /tmp/found | head -n 20",
        "tail -n 1 /tmp/found",
    ]);
    let content = std::fs::read(&program).expect("the program");
    let outcome = GuestSession::of_kit(&kit())
        .unwrap_or_else(|error| panic!("{error}"))
        .memory(512 << 20)
        .timeout(PATIENCE)
        .file("/paprika/decimal", 0o755, &content)
        .file("/paprika/wanted", 0o644, wanted.as_bytes())
        .script(&script.text())
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.end, End::PowerOff, "{}", outcome.console);
    let outputs = script.outputs(&outcome.console);
    let told: Vec<&str> = outputs.iter().map(|found| found.output.trim()).collect();
    assert_eq!(told, ["0", "", "hwcap 1"], "{}", outcome.console);
}
