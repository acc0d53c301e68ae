//! Where Debian's packages come from: the archive that this machine's apt is configured with, and its proxy.

use std::process::Command;

use super::spec::is_archive;
use crate::{Error, Result, run};

/// What is asked of apt for each list of packages that it reads, one line each.
const FORMAT: &str = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(RELEASE)|$(CODENAME)|$(REPO_URI)";

/// The archive of Debian in this machine's package sources: one that has `suite` there, else any, because an archive has all suites.
///
/// # Errors
/// [`Error::NoMirror`] where there is none.
pub(super) fn of_this_machine(suite: &str) -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", FORMAT, "Created-By: Packages"]);
    let lines = run::output(&mut targets)?;
    choose(&lines, suite).ok_or(Error::NoMirror)
}

fn choose(lines: &str, suite: &str) -> Option<String> {
    let archives = lines.lines().filter_map(|line| {
        let fields: Vec<_> = line.split('|').collect();
        let [origin, label, component, release, codename, uri] = fields[..] else {
            return None;
        };
        // The archive of security updates has another label, and not the whole of a release.
        let whole = origin == "Debian" && label == "Debian" && component == "main";
        let has_suite = release == suite || codename == suite;
        (whole && is_archive(uri)).then_some((has_suite, uri))
    });
    let archives: Vec<_> = archives.collect();
    let best = archives.iter().find(|(has_suite, _)| *has_suite);
    let uri = best.or(archives.first())?.1;
    Some(uri.trim_end_matches('/').to_owned())
}

/// The variables by which wget, which debootstrap fetches with, is told of apt's proxies; one that is set already stays.
pub(super) fn proxies() -> Vec<(&'static str, String)> {
    let asked = [
        ("http_proxy", "Acquire::http::Proxy"),
        ("https_proxy", "Acquire::https::Proxy"),
    ];
    let unset = asked
        .into_iter()
        .filter(|(name, _)| std::env::var_os(name).is_none());
    let told = unset.filter_map(|(name, option)| {
        let mut config = Command::new("apt-config");
        config.args(["shell", "proxy", option]);
        let answer = run::output(&mut config).ok()?;
        let value = answer.trim().strip_prefix("proxy='")?.strip_suffix('\'')?;
        (!value.is_empty() && value != "DIRECT").then(|| (name, value.to_owned()))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: &str = "\
Example|Example|main|stable|stable|http://packages.example/apt/
Debian|Debian-Security|main|bookworm-security|bookworm-security|http://security.example/debian/
Debian|Debian|main|stable|bookworm|http://one.example/debian/
Debian|Debian|contrib|sid|sid|http://two.example/debian/
Debian|Debian|main|unstable|sid|http://three.example/debian
";

    #[test]
    fn the_archive_with_the_suite_is_taken_by_either_name() {
        let chosen = |suite| choose(SOURCES, suite).expect("there is one");
        assert_eq!(chosen("bookworm"), "http://one.example/debian");
        assert_eq!(chosen("stable"), "http://one.example/debian");
        assert_eq!(chosen("sid"), "http://three.example/debian");
        assert_eq!(chosen("forky"), "http://one.example/debian", "any has it");
    }

    #[test]
    fn a_machine_without_debian_s_archive_has_none() {
        let first_two: String = SOURCES
            .lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(choose(&first_two, "bookworm"), None);
        assert_eq!(
            choose("Debian|Debian|main|sid|sid|cdrom:[disc]/", "sid"),
            None
        );
    }
}
