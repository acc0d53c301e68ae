//! A booted system in which cases are run, one after the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use papr_scm::nvdimm::NvdimmConfig;
use paprika::debian::{Command, CommandOutput, DebianConfig, DebianGuest};
use paprika::machine::{CpuEngine, HostOptions};
use tempfile::TempDir;

use crate::case::Case;
use crate::kernel_log;
use crate::machine::Kind;
use crate::system::System;

/// Where cases are run in the guest; each in a directory with its name.
const PLACE: &str = "/root/real";
/// Functions for scripts.
const LIBRARY: &str = include_str!("../programs/library.sh");
/// RAM of the guest.
const MEMORY: u64 = 3 << 30;
/// Data of the NVDIMM that cases may use as they like, and of one that promises that stores are
/// durable.
const WORK_SIZE: u64 = 1 << 30;
const SYNC_SIZE: u64 = 512 << 20;

/// The system. What it needs of the host's disk goes with it.
pub struct Session {
    /// The guest.
    pub guest: DebianGuest,
    /// What it is.
    pub kind: Kind,
    /// Where its files are.
    pub directory: TempDir,
}

/// How a guest gets to another machine.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// Saved to files, and restored from them.
    Saved,
    /// Migrated over a socket.
    Migrated,
}

/// What a case wrote.
pub struct RunOutcome {
    /// Status, output and errors.
    pub output: CommandOutput,
    /// Lines of the kernel's log that tell of trouble.
    pub trouble: Vec<String>,
}

impl Session {
    /// Boots a copy of the system.
    pub fn boot(system: &System, kind: Kind) -> anyhow::Result<Self> {
        let directory = system.scratch()?;
        let image = system.copy(directory.path())?;
        let mut config = DebianConfig::new(&system.kit, image)?.configure(|machine| {
            machine.cpus = kind.cpus;
            machine.memory = MEMORY;
            machine.host.engine = kind.engine;
        });
        config.boot_timeout *= kind.patience();
        let device = |id: &str, size| {
            let mut device = NvdimmConfig::new(id, directory.path().join(format!("{id}.img")));
            device.size = Some(size);
            device
        };
        let mut sync = device("sync", SYNC_SIZE);
        sync.sync_dax = true;
        config.nvdimms = vec![device("work", WORK_SIZE), sync];
        let guest = DebianGuest::boot(config)?;
        let mut session = Self {
            guest,
            kind,
            directory,
        };
        session.shell("sysctl -qw debug.exception-trace=1 kernel.printk_ratelimit=0 || true")?;
        Ok(session)
    }

    /// Runs a line that has to succeed.
    pub fn shell(&mut self, line: &str) -> anyhow::Result<Vec<u8>> {
        let output = self.guest.output(&Command::shell(line))?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status == 0, "`{line}` failed in the guest: {said}");
        Ok(output.stdout)
    }

    /// Makes the case's directory in the guest, with everything in it that it wants.
    pub fn prepare(&mut self, case: &Case, carried: &Carried) -> anyhow::Result<()> {
        let at = tempfile::tempdir()?;
        let directory = at.path().join(case.name);
        std::fs::create_dir(&directory)?;
        let mut files = vec![("library.sh", LIBRARY), ("script.sh", case.script)];
        files.extend(case.files);
        for (name, content) in files {
            std::fs::write(directory.join(name), content)?;
        }
        // A case that has failed may have left something mounted.
        self.shell(&format!(
            "grep -o ' {PLACE}/[^ ]*' /proc/mounts | xargs -r umount; rm -rf {PLACE}; mkdir -p {PLACE}"
        ))?;
        self.guest.copy_in(&[directory], PLACE)?;
        let place = place(case);
        for source in case.sources {
            let from = carried.sources.join(source);
            self.guest.copy_in(&[from], &place)?;
        }
        let debs: Vec<_> = case
            .debs
            .iter()
            .map(|name| carried.debs.join(format!("{name}.deb")))
            .collect();
        if !debs.is_empty() {
            self.guest.copy_in(&debs, &format!("{place}/debs"))?;
        }
        self.shell("dmesg --clear; sync")?;
        Ok(())
    }

    /// Runs the script of a prepared case.
    pub fn run(&mut self, case: &Case, scale: u32) -> anyhow::Result<RunOutcome> {
        let limit = Duration::from_secs(60) * case.minutes * self.kind.patience() * scale.min(10);
        let line = command_line(case, self.kind, scale);
        let output = self.guest.output(&Command::shell(&line).timeout(limit))?;
        let trouble = self.trouble(case)?;
        Ok(RunOutcome { output, trouble })
    }

    /// Starts the script of a prepared case, without waiting for it.
    pub fn start(&mut self, case: &Case, scale: u32) -> anyhow::Result<()> {
        let line = command_line(case, self.kind, scale);
        let result = format!("{}.result", place(case));
        let whole = format!(
            "({line}) > \"$0/out\" 2> \"$0/err\"; echo $? > \"$0/part\"; mv \"$0/part\" \"$0/status\""
        );
        let begin = "mkdir -p \"$1\"; setsid sh -c \"$0\" \"$1\" < /dev/null > /dev/null 2>&1 &";
        let output = self
            .guest
            .output(&Command::new(["sh", "-c", begin, &whole, &result]))?;
        anyhow::ensure!(output.status == 0, "the case can't be started");
        Ok(())
    }

    /// What a started case wrote, if it has ended.
    pub fn finished(&mut self, case: &Case) -> anyhow::Result<Option<RunOutcome>> {
        let result = format!("{}.result", place(case));
        let line = format!("cd {result} && [ -e status ] && cat status || true");
        let status = String::from_utf8_lossy(&self.shell(&line)?)
            .trim()
            .to_owned();
        if status.is_empty() {
            return Ok(None);
        }
        let output = CommandOutput {
            status: status.parse()?,
            stdout: self.shell(&format!("cat {result}/out"))?,
            stderr: self.shell(&format!("cat {result}/err"))?,
            timed_out: false,
        };
        let trouble = self.trouble(case)?;
        Ok(Some(RunOutcome { output, trouble }))
    }

    /// The same guest in another machine, on `engine`.
    pub fn moved(self, way: Way, engine: CpuEngine) -> anyhow::Result<Self> {
        let Self {
            guest,
            kind,
            directory,
        } = self;
        let host = HostOptions {
            engine,
            ..HostOptions::default()
        };
        let at = directory.path().join("on-its-way");
        let guest = match way {
            Way::Saved => {
                let guest = guest.save_and_restore(&at, host)?;
                std::fs::remove_dir_all(&at)?;
                guest
            }
            Way::Migrated => guest.migrate(&at, host)?,
        };
        Ok(Self {
            guest,
            kind: Kind { engine, ..kind },
            directory,
        })
    }

    /// Lines of the kernel's log since the case was prepared that tell of trouble.
    pub fn trouble(&mut self, case: &Case) -> anyhow::Result<Vec<String>> {
        let log = self.shell("dmesg --notime")?;
        let log = String::from_utf8_lossy(&log);
        Ok(kernel_log::trouble(&log, case.dies_on_purpose))
    }

    /// Runs one command in the directory of a case.
    pub fn command(&mut self, case: &Case, words: &[&str]) -> anyhow::Result<CommandOutput> {
        let line = format!(
            "cd {} && exec env -i {ENVIRONMENT} \"$@\" 2>&1",
            place(case)
        );
        let mut whole = vec!["sh", "-c", &line, "sh"];
        whole.extend(words);
        let limit = Duration::from_secs(600) * self.kind.patience();
        Ok(self.guest.output(&Command::new(whole).timeout(limit))?)
    }

    /// Copies the directory of a case to the host; answers where it is.
    pub fn bring_out(&mut self, case: &Case, to: &Path) -> anyhow::Result<PathBuf> {
        self.guest
            .copy_out(&place(case), to)
            .context("the case's directory can't be copied out")?;
        Ok(to.join(case.name))
    }
}

/// What commands that are compared have in their environment, on both sides.
pub const ENVIRONMENT: &str = "PATH=/usr/bin LANG=C.UTF-8 HOME=/nonexistent TZ=UTC";

/// The directory of a case in the guest.
pub fn place(case: &Case) -> String {
    format!("{PLACE}/{}", case.name)
}

/// A line for the guest's sh that runs the script of a case.
pub fn command_line(case: &Case, kind: Kind, scale: u32) -> String {
    format!(
        "cd {} && CPUS={} SCALE={scale} ENGINE={} exec bash -eu -o pipefail -c '. ./library.sh; . ./script.sh'",
        place(case),
        kind.cpus,
        kind.engine_name(),
    )
}

/// What is carried into guests.
#[derive(Debug, Default)]
pub struct Carried {
    /// The directory of unpacked sources.
    pub sources: PathBuf,
    /// The directory of package files.
    pub debs: PathBuf,
}
