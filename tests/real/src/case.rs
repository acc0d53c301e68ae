//! What a case is: programs that somebody else wrote, a script that runs them in the guest, and how
//! it is judged.

/// One thing to be run in a Debian guest.
///
/// The script is run by `bash -eu -o pipefail` in a directory of its own, with `files` and
/// `sources` in it, after `programs/library.sh`. It finds in its environment: `CPUS` (of the
/// guest), `SCALE` (1 in the sample, more in the long run), and `ENGINE`.
#[derive(Debug)]
pub struct Case {
    /// Its name for `--only`, in lower case and hyphens.
    pub name: &'static str,
    /// What passes if it passes, in words.
    pub claim: &'static str,
    /// Debian packages that the image has to have.
    pub packages: &'static [&'static str],
    /// Debian packages whose files (`NAME.deb`) are carried into the directory `debs`.
    pub debs: &'static [&'static str],
    /// Debian source packages that are carried in, each in a directory of its name.
    pub sources: &'static [&'static str],
    /// Files that are carried in, by name and content.
    pub files: &'static [(&'static str, &'static str)],
    /// What is run.
    pub script: &'static str,
    /// How it is judged.
    pub verdict: Verdict,
    /// Where it is run.
    pub extent: Extent,
    /// Whether its programs die of signals on purpose, so that the kernel's notes about that tell
    /// nothing.
    pub dies_on_purpose: bool,
    /// After so many minutes it hangs; the interpreter is given more.
    pub minutes: u32,
}

/// How a case is judged, beside that the script exits with 0 and the kernel notes no trouble.
#[derive(Debug, Clone, Copy)]
pub enum Verdict {
    /// The script has checked everything.
    Succeeds,
    /// It prints exactly this.
    Prints(&'static str),
    /// It prints the same on every machine of the run.
    PrintsTheSame,
    /// Then each of these commands writes the same, and exits alike, in the guest and under
    /// `qemu-ppc64le` on the host. A command is a program (a path in the image, or in the case's
    /// directory) and its arguments, split at white space: no shell.
    AsPeer(&'static [&'static str]),
}

/// Where a case is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// In the long run only, with the JIT.
    Long,
    /// In the sample on two vCPUs, in the long run on 1, 2 and 4.
    Sample,
    /// On every machine, with the interpreter too.
    Everywhere,
}

impl Case {
    /// What most cases have in common.
    pub const USUAL: Self = Self {
        name: "",
        claim: "",
        packages: &[],
        debs: &[],
        sources: &[],
        files: &[],
        script: "",
        verdict: Verdict::Succeeds,
        extent: Extent::Sample,
        dies_on_purpose: false,
        minutes: 10,
    };

    /// Whether `--only PATTERN` means it: its name, or the beginning of it up to a hyphen (`python`
    /// means all of `python-…`).
    pub fn is_meant(&self, pattern: &str) -> bool {
        let rest = self.name.strip_prefix(pattern);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_its_first_words_mean_a_case() {
        let case = Case {
            name: "python-float",
            ..Case::USUAL
        };
        assert!(case.is_meant("python-float") && case.is_meant("python"));
        assert!(!case.is_meant("pyth") && !case.is_meant("float") && !case.is_meant("python-"));
    }
}
