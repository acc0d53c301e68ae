//! QEMU, asked by its machine protocol, as the programs that manage it ask it.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::monitor::{Machine, Monitor};
use crate::process::Process;
use crate::qmp::Qmp;
use crate::vm::{DOWNTIME_LIMIT, LABEL_BYTES, Memory, NVDIMM_BYTES, NVDIMM_ID, NVDIMM_UUID};
use crate::vm::{Place, Role, Vm};

/// A QEMU that runs.
pub(crate) struct Qemu {
    process: Process,
    qmp: Qmp,
}

/// QEMU's memory backend of the NVDIMM.
const BACKEND: &str = "m0";

/// Bytes per second that it may send. Its default is that of a network of 1 Gbit/s; ours has no such limit.
const BANDWIDTH: u64 = 100 << 30;

/// What `qemu` waits for where its command line says that a guest comes: until it is told what from.
const LATER: &str = "defer";

impl Qemu {
    /// With a guest that boots.
    pub(crate) fn boot(place: &Place<'_>, memory: Memory<'_>) -> Result<Self> {
        Self::start(place, memory, Role::First, None)
    }

    /// With a saved guest that goes on.
    pub(crate) fn restore(place: &Place<'_>, snapshot: &Path) -> Result<Self> {
        let from = format!("exec:cat {}", quoted(snapshot));
        let mut vm = Self::start(place, Memory::Plain, Role::Second, Some(&from))?;
        // It was saved standing still, and so it is restored.
        vm.leave("inmigrate")?;
        vm.qmp.execute("cont", json!({}))?;
        Ok(vm)
    }

    /// That waits for a guest, and the address at which it does.
    pub(crate) fn receive(place: &Place<'_>, memory: Memory<'_>) -> Result<(Self, String)> {
        let mut vm = Self::start(place, memory, Role::Second, Some(LATER))?;
        let at = json!({ "uri": "tcp:127.0.0.1:0" });
        vm.qmp.execute("migrate-incoming", at)?;
        let waiting = vm.qmp.execute("query-migrate", json!({}))?;
        let port = waiting["socket-address"][0]["port"].as_str();
        let port = port.with_context(|| format!("QEMU does not say where it waits: {waiting}"))?;
        Ok((vm, format!("tcp:127.0.0.1:{port}")))
    }

    fn start(
        place: &Place<'_>,
        memory: Memory<'_>,
        role: Role,
        incoming: Option<&str>,
    ) -> Result<Self> {
        let size = match memory {
            Memory::Plain => place.machine.memory.to_owned(),
            // QEMU wants to be told where NVDIMMs may go.
            Memory::Nvdimm(_) | Memory::Pluggable => {
                format!("{},slots=1,maxmem=64G", place.machine.memory)
            }
        };
        let mut command = Monitor::Qemu.command(&Machine {
            memory: &size,
            ..place.machine
        });
        if let Memory::Nvdimm(image) = memory {
            nvdimm(&mut command, image);
        }
        if let Some(from) = incoming {
            command.args(["-incoming", from]);
        }
        let socket = place.socket(role);
        command.arg("-qmp");
        command.arg(format!("unix:{},server=on,wait=off", socket.display()));

        let mut process = Process::start(command, &place.log(role))?;
        let stream = process.poll("it answered", |_| Ok(UnixStream::connect(&socket).ok()))?;
        let mut qmp = Qmp::greet(stream)?;
        let capability = |name: &str, state| json!({ "capability": name, "state": state });
        // With x-ignore-shared an NVDIMM's content stays in its file, which both processes have.
        let with_nvdimm = matches!(memory, Memory::Nvdimm(_));
        let capabilities = [
            capability("events", true),
            capability("x-ignore-shared", with_nvdimm),
        ];
        // A QEMU that loads already has no use for them, and refuses.
        if incoming.is_none_or(|from| from == LATER) {
            qmp.execute(
                "migrate-set-capabilities",
                json!({ "capabilities": capabilities }),
            )?;
            let limits = json!({
                "downtime-limit": u64::try_from(DOWNTIME_LIMIT.as_millis())?,
                "max-bandwidth": BANDWIDTH,
            });
            qmp.execute("migrate-set-parameters", limits)?;
        }
        Ok(Self { process, qmp })
    }

    /// Waits until it is in another state than this one.
    fn leave(&mut self, state: &str) -> Result<()> {
        let Self { process, qmp } = self;
        process.poll(&format!("it left the state {state}"), |_| {
            let status = qmp.execute("query-status", json!({}))?;
            Ok((status["status"] != state).then_some(()))
        })
    }

    /// Has the guest sent to `uri`, and waits until it says that it was.
    fn send(&mut self, uri: &str) -> Result<()> {
        self.qmp.execute("migrate", json!({ "uri": uri }))?;
        let status = self.qmp.event("the guest was sent", |event, data| {
            match data["status"].as_str() {
                Some(status @ ("completed" | "failed" | "cancelled")) if event == "MIGRATION" => {
                    Some(status.to_owned())
                }
                _ => None,
            }
        })?;
        if status != "completed" {
            let told = self.qmp.execute("query-migrate", json!({}))?;
            bail!("QEMU's migration is {status}: {told}");
        }
        Ok(())
    }
}

impl Vm for Qemu {
    fn process(&self) -> &Process {
        &self.process
    }

    /// As its timers are lost, the guest shows nothing: it is QEMU's word that its vCPUs run.
    fn comes_alive(&mut self) -> Result<Instant> {
        self.qmp.event("its guest runs", |event, _| {
            (event == "RESUME").then(Instant::now)
        })
    }

    /// QEMU 7.2 with TCG carries no decrementer over, and starts none: Linux waits for its next timer for ever. (Later versions
    /// do: "target/ppc: Migrate DECR SPR".)
    fn keeps_timers(&self) -> bool {
        false
    }

    fn save(&mut self, target: &Path) -> Result<()> {
        let (part, whole) = (quoted(&target.with_extension("part")), quoted(target));
        let to = format!("exec:cat > {part} && mv {part} {whole}");
        self.qmp.execute("stop", json!({}))?;
        self.send(&to)?;
        self.leave("finish-migrate")?;
        self.qmp.execute("cont", json!({}))?;
        // QEMU is done when the last bytes are in the pipe; the file is whole when it has its name.
        let whole = |_: &Process| Ok(target.exists().then_some(()));
        self.process.poll("the file was whole", whole)?;
        let file = File::open(target).and_then(|file| file.sync_all());
        file.with_context(|| format!("syncing {}", target.display()))
    }

    fn migrate(&mut self, address: &str) -> Result<Duration> {
        self.send(address)?;
        // It counts its downtime after it has said that it is done.
        self.leave("finish-migrate")?;
        let told = self.qmp.execute("query-migrate", json!({}))?;
        let downtime = told["downtime"].as_u64();
        let downtime = downtime.with_context(|| format!("QEMU tells no downtime: {told}"))?;
        Ok(Duration::from_millis(downtime))
    }

    fn plug(&mut self, image: &Path) -> Result<()> {
        let image = image.to_str().context("a path that is not UTF-8")?;
        let backend = json!({
            "qom-type": "memory-backend-file",
            "id": BACKEND,
            "share": true,
            "mem-path": image,
            "size": NVDIMM_BYTES + LABEL_BYTES,
        });
        self.qmp.execute("object-add", backend)?;
        let device = json!({
            "driver": "spapr-nvdimm",
            "id": NVDIMM_ID,
            "memdev": BACKEND,
            "label-size": LABEL_BYTES,
            "uuid": NVDIMM_UUID,
        });
        let answer = self.qmp.execute("device_add", device)?;
        ensure!(
            answer.as_object().is_some_and(serde_json::Map::is_empty),
            "QEMU answers device_add with {answer}"
        );
        Ok(())
    }
}

/// The same NVDIMM as ours.
fn nvdimm(command: &mut Command, image: &Path) {
    let (image, size) = (image.display(), NVDIMM_BYTES + LABEL_BYTES);
    command.arg("-object");
    command.arg(format!(
        "memory-backend-file,id={BACKEND},share=on,mem-path={image},size={size}"
    ));
    command.arg("-device");
    command.arg(format!(
        "spapr-nvdimm,id={NVDIMM_ID},memdev={BACKEND},label-size={LABEL_BYTES},uuid={NVDIMM_UUID}"
    ));
}

/// A path as a word of a shell's.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
