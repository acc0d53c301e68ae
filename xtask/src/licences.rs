//! cargo-deny looks at what the workspace is built with: licences, two versions of one crate, and
//! where crates come from. `deny.toml` has the rules.

use std::path::PathBuf;
use std::process::Command;

use crate::steps::{Failure, cargo_program, succeed};

/// The version that is known to run. (MIT OR Apache-2.0; from crates.io.)
const VERSION: &str = "0.20.2";
/// What is looked at. Advisories are not: their database can't be had everywhere.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];

/// Installs it where it is missing, and runs it.
pub(crate) fn check() -> Result<(), Failure> {
    let mut command = Command::new(install()?);
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["--locked", "check", "--hide-inclusion-graph"])
        .args(CHECKS);
    succeed(
        &mut command,
        &format!("cargo deny check {}", CHECKS.join(" ")),
    )
}

/// The program, in a folder of its own below the user's cache.
fn install() -> Result<PathBuf, Failure> {
    let place = guest_kit::user_cache()?.join(format!("cargo-deny-{VERSION}"));
    let program = place.join("bin/cargo-deny");
    if program.exists() {
        return Ok(program);
    }
    let mut command = cargo_program();
    command
        .args([
            "install",
            "--quiet",
            "--locked",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(&place)
        .arg("cargo-deny");
    succeed(&mut command, &format!("cargo install cargo-deny@{VERSION}"))?;
    Ok(program)
}
