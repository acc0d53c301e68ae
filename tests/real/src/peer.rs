//! The same commands under `qemu-ppc64le` on the host: a POWER9 that is not ours.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::session::ENVIRONMENT;

/// The emulator, from package qemu-user.
const EMULATOR: &str = "qemu-ppc64le";

/// What a command wrote (both outputs, as they came), and its exit status.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Exit status.
    pub status: i32,
    /// Output.
    pub output: Vec<u8>,
}

/// Runs `words` in the directory `at`, with the image's files in `tree`. An absolute path is one in
/// the image.
pub fn run(words: &[&str], at: &Path, tree: &Path) -> anyhow::Result<Told> {
    let (program, arguments) = words.split_first().context("a command has words")?;
    let program: PathBuf = match program.strip_prefix('/') {
        Some(inside) => tree.join(inside),
        None => at.join(program),
    };
    let output = tempfile::tempfile()?;
    let errors: File = output.try_clone()?;
    let environment = ENVIRONMENT
        .split(' ')
        .filter_map(|pair| pair.split_once('='));
    let status = Command::new(EMULATOR)
        .args(["-cpu", "power9", "-L"])
        .arg(tree)
        // As it is called in the guest: some programs print it.
        .args(["-0", words[0]])
        .arg(&program)
        .args(arguments)
        .current_dir(at)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(errors)
        .status()
        .with_context(|| format!("can't start {EMULATOR}, of package qemu-user"))?;
    let mut told = Vec::new();
    let mut output = output;
    std::io::Seek::rewind(&mut output)?;
    std::io::Read::read_to_end(&mut output, &mut told)?;
    Ok(Told {
        status: status.code().unwrap_or(-1),
        output: told,
    })
}
