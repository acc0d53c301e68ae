//! Ours, asked by its own commands, as a user asks it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::heartbeat;
use crate::monitor::Monitor;
use crate::process::{self, Process};
use crate::vm::{DOWNTIME_LIMIT, Memory, NVDIMM_ID, NVDIMM_SIZE, NVDIMM_UUID, Place, Role, Vm};

/// A Paprika that runs.
pub(crate) struct Paprika {
    process: Process,
    socket: PathBuf,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_paprika");

/// How `paprika receive` begins the line that says at which address it waits.
const WAITING: &str = "paprika: waiting for a guest at ";

impl Paprika {
    /// `paprika run`.
    pub(crate) fn boot(place: &Place<'_>, memory: Memory<'_>) -> Result<Self> {
        let mut command = Monitor::Paprika.command(&place.machine);
        if let Memory::Nvdimm(image) = memory {
            command.arg("--nvdimm").arg(keys(image));
        }
        Self::start(command, place, Role::First)
    }

    /// `paprika restore`.
    pub(crate) fn restore(place: &Place<'_>, snapshot: &Path) -> Result<Self> {
        let mut command = Command::new(PROGRAM);
        command.arg("restore").arg(snapshot);
        Self::start(command, place, Role::Second)
    }

    /// `paprika receive`, and the address at which it waits. What the machine is like comes with the guest.
    pub(crate) fn receive(place: &Place<'_>, memory: Memory<'_>) -> Result<(Self, String)> {
        let mut command = Command::new(PROGRAM);
        command.args(["receive", "tcp:127.0.0.1:0"]);
        if let Memory::Nvdimm(image) = memory {
            command.arg("--nvdimm").arg(keys(image));
        }
        let mut vm = Self::start(command, place, Role::Second)?;
        let address = vm.process.wait_for_word(WAITING)?;
        Ok((vm, format!("tcp:{address}")))
    }

    fn start(mut command: Command, place: &Place<'_>, role: Role) -> Result<Self> {
        let socket = place.socket(role);
        command.arg("--api-socket").arg(&socket);
        // What it will be asked to save to, to plug, and to move to.
        if let Some(directory) = place.file("any").parent() {
            command.arg("--allow-dir").arg(directory);
        }
        command.args(["--allow-port", "any"]);
        let process = Process::start(command, &place.log(role))?;
        Ok(Self { process, socket })
    }

    /// `paprika ctl`, with its answer.
    fn ctl(&self, arguments: impl FnOnce(&mut Command)) -> Result<Value> {
        let mut command = Command::new(PROGRAM);
        command
            .args(["ctl", "--json", "--socket"])
            .arg(&self.socket);
        arguments(&mut command);
        let answer = process::run(command)?;
        serde_json::from_str(&answer)
            .with_context(|| format!("`paprika ctl` answered `{}`", answer.trim()))
    }
}

impl Vm for Paprika {
    fn process(&self) -> &Process {
        &self.process
    }

    fn comes_alive(&mut self) -> Result<Instant> {
        Ok(heartbeat::first_after(&self.process, self.process.started())?.at)
    }

    fn keeps_timers(&self) -> bool {
        true
    }

    fn save(&mut self, target: &Path) -> Result<()> {
        self.ctl(|command| {
            command.arg("snapshot").arg(target);
        })?;
        Ok(())
    }

    fn migrate(&mut self, address: &str) -> Result<Duration> {
        let limit = DOWNTIME_LIMIT.as_millis().to_string();
        let moved = self.ctl(|command| {
            command.args(["migrate", "--downtime-limit", &limit, address]);
        })?;
        let downtime = moved["downtime_ms"].as_f64();
        let downtime = downtime.context("`paprika ctl migrate` tells no downtime")?;
        Ok(Duration::from_secs_f64(downtime / 1e3))
    }

    fn plug(&mut self, image: &Path) -> Result<()> {
        self.ctl(|command| {
            command.args(["nvdimm", "add", &keys(image)]);
        })?;
        Ok(())
    }
}

fn keys(image: &Path) -> String {
    let path = image.display();
    format!("id={NVDIMM_ID},path={path},size={NVDIMM_SIZE},uuid={NVDIMM_UUID}")
}
