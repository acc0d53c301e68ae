//! `paprika ctl`: looks at and changes a machine that runs, by its control socket.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use papr_scm::nvdimm::NvdimmConfig;
use serde::Serialize;

use super::{exit, migrate, output, progress};
use crate::control::api::{AddNvdimm, NvdimmInfo, SaveRequest, State, Status};
use crate::control::client::Client;
use crate::snapshot::Saved;
use crate::text;

/// Look at or change a machine that runs (paprika run --api-socket)
///
/// Exit code 0 where it was done, 1 where it was not; standard error says why.
#[derive(Debug, clap::Args)]
pub(super) struct CtlArgs {
    /// The machine's control socket
    #[arg(long, value_name = "PATH", env = "PAPRIKA_SOCKET")]
    socket: PathBuf,

    /// Answer as JSON, for programs
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: CtlCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CtlCommand {
    /// Show what the machine is and does
    Status,
    /// Make the guest stand still; its clock stands still too
    Pause,
    /// Let a paused guest go on
    Resume,
    /// Start the guest afresh, as its own reboot does
    Reset,
    /// Ask the guest to shut itself down, as a power button does
    Powerdown,
    /// Plug, unplug and list NVDIMMs
    #[command(subcommand)]
    Nvdimm(NvdimmCommand),
    /// Show all counters, in Prometheus' text format
    Metrics,
    /// Save the guest into a directory, for `paprika restore`
    ///
    /// The guest stands still meanwhile, and goes on afterwards. Once it stores to an NVDIMM, the snapshot does not agree with that
    /// file any more and can't be restored: use --quit where the guest is to go on from the snapshot. A snapshot that is there is
    /// replaced when the new one is whole.
    Snapshot {
        /// The directory
        #[arg(required_unless_present = "cancel")]
        directory: Option<PathBuf>,
        /// End the machine when the guest is saved
        #[arg(long)]
        quit: bool,
        /// Read the NVDIMMs' files and keep digests of them, so that the snapshot can be moved with copies of the files
        #[arg(long)]
        digest: bool,
        /// Cancel the snapshot that is being made
        #[arg(long, conflicts_with_all = ["directory", "quit", "digest"])]
        cancel: bool,
    },
    Migrate(migrate::MigrateArgs),
}

#[derive(Debug, clap::Subcommand)]
enum NvdimmCommand {
    /// Plug an NVDIMM while the guest runs
    Add {
        /// As for `paprika run --nvdimm`
        #[arg(value_name = "id=NAME,path=FILE,...")]
        keys: NvdimmConfig,
        #[command(flatten)]
        patience: Patience,
    },
    /// Ask the guest for an NVDIMM and take it out
    ///
    /// Unmount what is on it first: Linux gives a device back without asking whether it is in use.
    Remove {
        /// Its name
        id: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Show the plugged NVDIMMs
    List,
}

#[derive(Debug, clap::Args)]
struct Patience {
    /// How many seconds the guest is waited for, 0 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=60))]
    timeout: u64,
}

/// Does it; answers the exit code.
pub(super) fn run(args: CtlArgs) -> anyhow::Result<u8> {
    let CtlArgs {
        socket,
        json,
        command,
    } = args;
    let client = Client::new(socket);
    match command {
        CtlCommand::Status => show(json, &client.status()?, status)?,
        CtlCommand::Pause => show(json, &client.pause()?, |_| "paused".into())?,
        CtlCommand::Resume => show(json, &client.resume()?, |_| "running".into())?,
        CtlCommand::Reset => show(json, &client.reset()?, |_| "the guest starts afresh".into())?,
        CtlCommand::Powerdown => show(json, &client.power_down()?, |_| {
            "the guest was asked to shut down".into()
        })?,
        CtlCommand::Metrics if json => show(json, &client.metrics()?, |_| String::new())?,
        CtlCommand::Metrics => output::text(text::formatted(&client.metrics_text()?))?,
        CtlCommand::Snapshot { cancel: true, .. } => {
            show(json, &client.cancel_save()?, |_| "cancelled".into())?;
        }
        CtlCommand::Snapshot {
            directory,
            quit,
            digest,
            ..
        } => {
            // The machine may be in another directory.
            let path = std::path::absolute(directory.unwrap_or_default())
                .context("the current directory can't be found")?;
            let request = SaveRequest { path, quit, digest };
            show(json, &progress::saving(&client, &request)?, saved)?;
        }
        CtlCommand::Migrate(args) => match migrate::run(&client, args)? {
            migrate::Answer::Moved(moved) => show(json, &moved, migrate::moved)?,
            migrate::Answer::Status(status) => show(json, &status, migrate::status)?,
        },
        CtlCommand::Nvdimm(command) => nvdimm(&client, json, command)?,
    }
    Ok(exit::OK)
}

fn nvdimm(client: &Client, json: bool, command: NvdimmCommand) -> anyhow::Result<()> {
    match command {
        NvdimmCommand::List => show(json, &client.nvdimms()?, |list| table(&list.nvdimms)),
        NvdimmCommand::Add { keys, patience } => {
            let mut wanted = AddNvdimm::from(keys);
            // The machine may be in another directory.
            wanted.path = std::path::absolute(&wanted.path)
                .context("the current directory can't be found")?;
            wanted.timeout_ms = Some(patience.timeout * 1000);
            let added = client.add_nvdimm(&wanted)?;
            for warning in &added.warnings {
                output::say(format_args!("warning: {}", text::line(warning)));
            }
            show(json, &added, |added| {
                let NvdimmInfo { id, slot, .. } = &added.nvdimm;
                let id = text::line(id);
                if added.taken {
                    format!("nvdimm {id} is in slot {slot}, and the guest has it")
                } else {
                    format!(
                        "nvdimm {id} is in slot {slot}; the guest has not taken it yet, and will at its next boot"
                    )
                }
            })
        }
        NvdimmCommand::Remove { id, patience } => {
            let removed = client.remove_nvdimm(&id, Some(Duration::from_secs(patience.timeout)))?;
            show(json, &removed, |removed| {
                format!("nvdimm {} is gone", text::line(&removed.id))
            })?;
            if let Some(failure) = removed.sync_failure {
                anyhow::bail!(
                    "nvdimm {id} is gone, but not everything that the guest stored is durable: {failure}"
                );
            }
            if !removed.released {
                output::say(
                    "warning: its file is still open; the host's storage does not end a sync",
                );
            }
            Ok(())
        }
    }
}

fn show<T: Serialize>(
    json: bool,
    value: &T,
    plain: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    if json {
        output::line(text::formatted(&serde_json::to_string_pretty(value)?))?;
    } else {
        output::line(plain(value))?;
    }
    Ok(())
}

fn saved(saved: &Saved) -> String {
    let Saved {
        path,
        memory_bytes,
        stood_still_ms,
        ended,
    } = saved;
    let then = if *ended { ", and ends" } else { "" };
    format!(
        "the guest is saved in {}: {} MiB of memory; it stood still for {stood_still_ms} ms{then}",
        text::line(&path.to_string_lossy()),
        memory_bytes >> 20
    )
}

fn status(status: &Status) -> String {
    let state = match status.state {
        State::Running => "running",
        State::Paused => "paused",
        State::Ended => "ended",
    };
    let Status {
        name,
        machine,
        cpus,
        memory,
        nvdimms,
        age_ms,
        pid,
        sandbox,
        ..
    } = status;
    let (name, machine) = (text::line(name), text::line(machine));
    format!(
        "{name}: {state} for {} s\n{machine}, {cpus} CPUs, {} MiB of memory, {nvdimms} NVDIMMs, process {pid}\n{sandbox}",
        age_ms / 1000,
        memory >> 20
    )
}

fn table(nvdimms: &[NvdimmInfo]) -> String {
    let row = |id: &str, slot: &str, size: &str, address: &str, flush: &str, state: &str| {
        format!("{id:<16} {slot:>4} {size:>10} {address:>18}  {flush:<9} {state}")
    };
    let mut lines = vec![row(
        "id",
        "slot",
        "size",
        "guest address",
        "flush by",
        "state",
    )];
    lines.extend(nvdimms.iter().map(|it| {
        let flush = if it.flush_announced {
            "hypercall"
        } else {
            "store"
        };
        let state = match &it.failure {
            Some(failure) => failure.as_str(),
            None if it.read_only => "read-only",
            None => "good",
        };
        let (size, address) = (
            format!("{} MiB", it.size >> 20),
            format!("{:#x}", it.guest_address),
        );
        let (id, state) = (text::line(&it.id), text::line(state));
        row(&id, &it.slot.to_string(), &size, &address, flush, &state)
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client of a machine may call things, and what a peer may say.
    const HOSTILE: &str = "x\x1b[2J\nforged: good\u{9b}1m";

    #[track_caller]
    fn assert_plain(text: &str, lines: usize) {
        assert_eq!(text.lines().count(), lines, "{text}");
        let active = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(active), "{text:?}");
    }

    #[test]
    fn names_and_words_of_others_are_shown_on_their_line_and_harmless() {
        let status = Status {
            state: State::Running,
            name: HOSTILE.into(),
            machine: HOSTILE.into(),
            cpus: 1,
            memory: 1 << 28,
            nvdimms: 1,
            age_ms: 1,
            pid: 1,
            version: HOSTILE.into(),
            sandbox: crate::sandbox::SandboxStatus::default(),
        };
        assert_plain(&super::status(&status), 3);
        let nvdimm = NvdimmInfo {
            id: HOSTILE.into(),
            uuid: uuid::Uuid::max(),
            slot: 0,
            drc_index: 1,
            guest_address: 1 << 32,
            size: 1 << 28,
            label_size: 1 << 17,
            read_only: false,
            sync_dax: false,
            flush_announced: true,
            failure: Some(HOSTILE.into()),
        };
        assert_plain(&table(&[nvdimm]), 2);
        let saved = Saved {
            path: HOSTILE.into(),
            memory_bytes: 1,
            stood_still_ms: 1,
            ended: false,
        };
        assert_plain(&super::saved(&saved), 1);
    }
}
