//! Builds the peer's program on demand and keeps it in the user's cache directory under a hash of its sources.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::PeerError;
use crate::layout;

const COMPILER: &str = "powerpc64le-linux-gnu-gcc";
const FLAGS: [&str; 6] = ["-static", "-O2", "-mcpu=power9", "-Wall", "-Wextra", "-I."];
const SOURCES: [(&str, &str); 2] = [
    ("peer.c", include_str!("../../peer/peer.c")),
    ("switch.S", include_str!("../../peer/switch.S")),
];

/// The peer's program, built if the cache does not have it.
pub(super) fn peer_binary() -> Result<PathBuf, PeerError> {
    // Threads of one process take turns; processes get a work folder each.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let header = layout::c_header();
    let mut hasher = DefaultHasher::new();
    (COMPILER, FLAGS, SOURCES, &header).hash(&mut hasher);
    let folder = cache_dir()
        .join("paprika")
        .join("difftest")
        .join(format!("{:016x}", hasher.finish()));
    let binary = folder.join("peer");
    if binary.exists() {
        return Ok(binary);
    }
    // Built beside and renamed into place: another process may do the same, and either may be interrupted.
    let work = folder.join(format!("build-{}", std::process::id()));
    build_in(&work, &header)?;
    std::fs::rename(work.join("peer"), &binary).map_err(|error| PeerError::file(&binary, error))?;
    std::fs::remove_dir_all(&work).map_err(|error| PeerError::file(&work, error))?;
    Ok(binary)
}

fn build_in(work: &Path, header: &str) -> Result<(), PeerError> {
    std::fs::create_dir_all(work).map_err(|error| PeerError::file(work, error))?;
    for (name, text) in SOURCES.into_iter().chain([("layout.h", header)]) {
        let path = work.join(name);
        std::fs::write(&path, text).map_err(|error| PeerError::file(&path, error))?;
    }
    let output = Command::new(COMPILER)
        .current_dir(work)
        .args(FLAGS)
        .args(["-o", "peer", "peer.c", "switch.S"])
        .output()
        .map_err(|error| PeerError::Missing {
            program: COMPILER,
            package: "gcc-powerpc64le-linux-gnu",
            error,
        })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(PeerError::Compile {
            compiler: COMPILER,
            message: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

fn cache_dir() -> PathBuf {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
}
