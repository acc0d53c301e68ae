//! Folders of packages, without installing them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, Result, run};

/// Unpacks `folder` ("boot", without a slash before it) of a package file into `at`; the rest of it
/// is not needed. `step` says in an error what this was for.
pub(crate) fn folder(
    package: &Path,
    folder: &str,
    at: &Path,
    step: &str,
    log: &Path,
) -> Result<()> {
    let start = |source| Error::Start {
        program: "dpkg-deb".into(),
        source,
    };
    let mut open = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let archive = at.join("package.tar");
    let copied = open.stdout.take().map_or(Ok(0), |mut stream| {
        fs::File::create(&archive).and_then(|mut file| std::io::copy(&mut stream, &mut file))
    });
    let status = open.wait().map_err(start)?;
    copied.map_err(Error::io("write", &archive))?;
    if !status.success() {
        let tail = format!("dpkg-deb can't read {}", package.display());
        return Err(Error::Failed {
            step: step.into(),
            status,
            tail,
            log: log.to_owned(),
        });
    }
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(at)
        .args(["--no-same-owner", &format!("./{folder}")]);
    run::logged(&mut tar, step, log, |_| ())?;
    fs::remove_file(&archive).map_err(Error::io("delete", &archive))
}
