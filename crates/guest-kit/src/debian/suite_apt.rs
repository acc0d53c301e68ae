//! apt over one suite of one archive, whatever this machine's own sources are: a state of its own
//! in a directory, with a single line of sources. apt checks signatures and hashes as ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Progress, Result, apt, run};

/// The keys that sign Debian's archive, as package debian-archive-keyring installs them.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is read of a suite.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Packages of the guest's architecture.
    Packages,
    /// Source packages.
    Sources,
}

/// An apt that knows one suite.
#[derive(Debug)]
pub(super) struct SuiteApt {
    state: PathBuf,
    options: Vec<String>,
}

impl SuiteApt {
    /// Makes the state in `state`, with `status` as the list of installed packages (dpkg's format),
    /// and reads the lists.
    ///
    /// # Errors
    /// Files; [`Error::Failed`] where the archive has no such suite or can't be reached.
    pub(super) fn open(
        state: &Path,
        kind: Kind,
        (suite, mirror): (&str, &str),
        status: &str,
        log: &Path,
        progress: &Progress,
    ) -> Result<Self> {
        for directory in ["lists/partial", "cache/archives/partial"] {
            let directory = state.join(directory);
            fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        }
        let (word, step) = match kind {
            Kind::Packages => ("deb", "Reading the list of packages"),
            Kind::Sources => ("deb-src", "Reading the list of source packages"),
        };
        let line = format!("{word} [signed-by={KEYRING}] {mirror} {suite} main\n");
        for (name, text) in [("sources.list", line.as_str()), ("status", status)] {
            let path = state.join(name);
            fs::write(&path, text).map_err(Error::io("write", &path))?;
        }
        let mut options = vec![
            format!("Dir::Etc::sourcelist={}/sources.list", state.display()),
            "Dir::Etc::sourceparts=/dev/null".into(),
        ];
        if let Kind::Packages = kind {
            options.extend(apt::FOR_THE_GUEST.map(String::from));
        }
        let suite_apt = Self {
            state: state.to_owned(),
            options,
        };
        progress.step(step, 0);
        let mut update = suite_apt.command();
        run::logged(update.arg("update"), step, log, |line| {
            progress.advance(line)
        })?;
        Ok(suite_apt)
    }

    /// An apt-get that knows nothing else.
    pub(super) fn command(&self) -> Command {
        apt::command("apt-get", &self.state, &self.options)
    }

    /// The directory of its state.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }
}
