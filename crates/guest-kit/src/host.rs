//! Packages of this machine: which are missing, and installing them where this user may.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::cache::Cache;
use crate::{Error, Progress, Result, run};

/// What compiles the guest's programs.
pub(crate) const COMPILER_PACKAGES: &[&str] =
    &["gcc-powerpc64le-linux-gnu", "libc6-dev-ppc64el-cross"];

/// What the kernel's build needs beside the cross compiler.
pub(crate) const KERNEL_PACKAGES: &[&str] = &[
    "linux-source",
    "gcc-powerpc64le-linux-gnu",
    "gcc",
    "libc6-dev",
    "make",
    "flex",
    "bison",
    "bc",
    "xz-utils",
    // depmod
    "kmod",
];

/// How this process may install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Root,
    Sudo,
    None,
}

/// Sees to it that `packages` of this machine's distribution are installed: by root, or by `sudo` where that needs no password.
///
/// # Errors
/// [`Error::MissingPackages`] with the command to run where this user may not install; a failed apt-get as [`Error::Failed`].
pub fn require_packages(packages: &[&str], progress: &Progress) -> Result<()> {
    let done = require(packages, &Cache::of_user()?, progress);
    progress.finish();
    done
}

/// As [`require_packages`], with the log and the lock in `cache`.
pub(crate) fn require(packages: &[&str], cache: &Cache, progress: &Progress) -> Result<()> {
    let missing = missing(packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    let right = right();
    if right == Right::None {
        return Err(Error::MissingPackages {
            command: command_line(&missing),
        });
    }
    std::fs::create_dir_all(cache.root()).map_err(Error::io("create", cache.root()))?;
    let _lock = cache.lock("packages", progress)?;
    let log = &cache.root().join("packages.log");
    progress.step(&format!("Installing {}", missing.join(", ")), 0);
    run::logged(
        &mut apt_get(right, &["update"]),
        "updating the package lists",
        log,
        |_| progress.advance(""),
    )?;
    // Whoever else installs something just now is waited for.
    let mut arguments = vec![
        "install",
        "-y",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
    ];
    arguments.extend(&missing);
    run::logged(
        &mut apt_get(right, &arguments),
        "installing packages",
        log,
        |line| progress.advance(line),
    )
}

/// Those of `packages` that dpkg does not call installed.
fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut query = Command::new("dpkg-query");
    query
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(packages);
    let answer = run::output(&mut query).map_err(|_| Error::NotDebian)?;
    Ok(absent_from(&answer, packages))
}

fn absent_from<'a>(answer: &str, packages: &[&'a str]) -> Vec<&'a str> {
    let installed = |package: &str| {
        answer
            .lines()
            .any(|line| line.split_once(' ') == Some((package, "installed")))
    };
    packages
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect()
}

fn right() -> Right {
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return Right::Root;
    }
    // -n: never ask for a password.
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    if sudo.is_ok_and(|output| output.status.success()) {
        Right::Sudo
    } else {
        Right::None
    }
}

fn apt_get(right: Right, arguments: &[&str]) -> Command {
    const QUIET: &str = "DEBIAN_FRONTEND=noninteractive";
    let mut command = match right {
        Right::Sudo => {
            let mut sudo = Command::new("sudo");
            // sudo clears the environment: env sets it again on the other side.
            sudo.args(["-n", "env", QUIET, "apt-get"]);
            sudo
        }
        Right::Root | Right::None => {
            let mut env = Command::new("env");
            env.args([QUIET, "apt-get"]);
            env
        }
    };
    command.args(arguments);
    command
}

fn command_line(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_package_with_configuration_left_counts_as_missing() {
        let answer = "bc installed\nflex config-files\n";
        assert_eq!(
            absent_from(answer, &["bc", "flex", "bison"]),
            ["flex", "bison"]
        );
    }

    #[test]
    fn the_command_names_every_missing_package() {
        let error = Error::MissingPackages {
            command: command_line(&["bc", "flex"]),
        };
        assert!(
            error
                .to_string()
                .ends_with("install -y --no-install-recommends bc flex"),
            "{error}"
        );
    }
}
