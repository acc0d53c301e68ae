//! What packages depend on, as apt resolves it.
//!
//! debootstrap follows dependencies by names of packages only. One that several packages can
//! provide (a virtual package, as `libboost-regex1.74.0-icu72`) it leaves out, and the second stage
//! then can't configure who depends on it. So apt is asked first, and debootstrap is told every
//! name.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::suite_apt::{Kind, SuiteApt};
use crate::{Error, Progress, Result, run};

/// What debootstrap installs in its own way, so that apt is not to choose an alternative for it:
/// how /usr was merged.
const SETTLED: &str = "usr-is-merged";

/// `packages` of a suite and all that they depend on. `state` is a directory for apt, deleted
/// after use.
///
/// # Errors
/// What apt says of a package that there is not is in [`Error::Failed`].
pub(super) fn of(
    packages: &[&str],
    suite: (&str, &str),
    state: &Path,
    log: &Path,
    progress: &Progress,
) -> Result<Vec<String>> {
    let status = format!(
        "Package: {SETTLED}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n\
         Version: 99:1\nMaintainer: none\nDescription: settled\n\n"
    );
    let apt = SuiteApt::open(state, Kind::Packages, suite, &status, log, progress)?;
    let mut simulation: Command = apt.command();
    simulation.args(["--simulate", "install"]).args(packages);
    let mut lines = Vec::new();
    let step = "Resolving dependencies";
    progress.step(step, 0);
    run::logged(&mut simulation, step, log, |line| {
        lines.push(line.to_owned())
    })?;
    fs::remove_dir_all(apt.state()).map_err(Error::io("delete", apt.state()))?;
    Ok(installed(packages, &lines))
}

/// The packages that a simulation installs, and those that were asked for, in order.
fn installed(packages: &[&str], lines: &[String]) -> Vec<String> {
    let chosen = lines.iter().filter_map(|line| line.strip_prefix("Inst "));
    let names = chosen.filter_map(|rest| rest.split_whitespace().next());
    // A package of a foreign architecture has it behind a colon.
    let names = names.filter(|name| !name.contains(':'));
    let mut all: Vec<_> = names
        .chain(packages.iter().copied())
        .map(str::to_owned)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_provides_a_virtual_package_is_among_what_is_named() {
        let said = [
            "Reading package lists...",
            "Inst libboost-regex1.74.0 (1.74.0+ds1-21 Debian:12 [ppc64el])",
            "Inst gdb (13.1-3 Debian:12 [ppc64el])",
            "Conf gdb (13.1-3 Debian:12 [ppc64el])",
        ];
        let all = installed(&["udev", "gdb"], &said.map(String::from));
        assert_eq!(all, ["gdb", "libboost-regex1.74.0", "udev"]);
    }
}
