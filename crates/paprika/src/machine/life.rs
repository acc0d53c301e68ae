//! Power-on, reboots, and the end of a machine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use papr::host::Host;
use papr::vcpu::VcpuId;
use papr::{ConfigError, ConsoleBackend, DeviceTreeError, MachineExit, PersistentMemory, Platform};
use papr_scm::Scm;
use papr_scm::nvdimm::OpenNvdimm;
use power::memory::{HostMapping, MapError, OutOfMemory};
use power::{CpuStatistics, Partition};
use power_jit::{JitService, JitStatistics};
use thread_role::Role;
use tracing::{error, info};

use super::config::{Blueprint, Boot, HostOptions, MachineConfig};
use super::control::{Life, MachineControl};
use super::host::Carrier;
use super::pmem::{self, PmemError, Unreachable};
use super::processor::Engine;
use super::state::VcpuState;
use super::vcpu::{self, VcpuControl, VcpuEvent};
use crate::load::{FileError, KernelError, LayoutError};
use crate::memory::{self, Ram};

/// How long the end of a machine waits for the host's storage.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(60);

/// Bytes that are loaded without a look at whether the machine is to end.
const LOAD_STEP: usize = 16 << 20;

/// Why a machine could not be made or started.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The kernel.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Another file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Things don't fit into memory.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The platform refuses.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device tree.
    #[error(transparent)]
    DeviceTree(#[from] DeviceTreeError),
    /// The host has not enough memory.
    #[error("the host refuses {0} MiB of memory for the guest ({1}); choose less with --memory")]
    NoMemory(u64, std::io::Error),
    /// Memory could not be arranged (a defect of ours).
    #[error("guest memory can't be arranged: {0}")]
    Map(#[from] MapError),
    /// Something was placed outside memory (a defect of ours).
    #[error("loading failed: {0}")]
    Load(#[from] OutOfMemory),
    /// No randomness.
    #[error("the host gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// Persistent memory.
    #[error(transparent)]
    Pmem(#[from] PmemError),
    /// No thread.
    #[error("the host refuses another thread: {0}")]
    Thread(std::io::Error),
    /// What a saved machine boots from is not there as it was.
    #[error("the saved {0} is damaged; use another snapshot")]
    SavedFile(&'static str),
    /// A vCPU's thread ended by a panic (a defect of ours).
    #[error(
        "vCPU {0} stopped by a defect of Paprika, which the message above describes; please report it"
    )]
    Defect(u32),
    /// There is no lock step here, or the engines have parted: the report.
    #[error("{0}")]
    LockStep(String),
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The guest powered off.
    PowerOff,
    /// The guest rebooted, and the machine was told not to.
    Reboot,
    /// The guest's operating system died and said so.
    Panic(String),
    /// A vCPU stopped at a machine check that the guest could not take.
    Checkstop(String),
    /// The host could not give a byte of an NVDIMM: no room on its file system, or its file shrank,
    /// or its storage failed.
    BackingFailed(String),
    /// The user ended it.
    Killed,
    /// It was saved, and its guest goes on when that is restored.
    Saved(PathBuf),
    /// Its guest goes on in another process.
    Moved(String),
}

/// What may end a machine from outside its vCPUs.
#[derive(Debug, Clone)]
pub struct Outside(Sender<Event>);

impl Outside {
    /// Ends the machine at once, as if its power were cut.
    pub fn kill(&self) {
        // A machine that has ended already does not listen any more, which is what was wanted.
        let _ = self.0.send(Event::Kill);
    }

    /// Starts the guest afresh, as its own reboot does, whether the machine was told not to reboot or not.
    pub fn reset(&self) {
        let _ = self.0.send(Event::Reset);
    }

    /// Ends the machine, whose guest goes on elsewhere: its vCPUs stand still, and the NVDIMMs are not touched any more.
    pub(super) fn leave(&self, end: End) {
        let _ = self.0.send(Event::Leave(end));
    }

    /// Ends the machine at once, as if its host had crashed: unlike after [`kill`](Self::kill), nothing that the guest stored
    /// in persistent memory and did not flush is made durable any more. For proofs of durability.
    pub fn crash(&self) {
        let _ = self.0.send(Event::Crash);
    }
}

#[derive(Debug)]
enum Event {
    Vcpu(VcpuEvent),
    /// The thread of this vCPU panicked.
    Defect(u32),
    Reset,
    Kill,
    Crash,
    /// The guest goes on elsewhere.
    Leave(End),
}

/// What an ended machine still does for what its guest has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FinalSync {
    /// Makes it durable.
    Flush,
    /// Leaves it as it is.
    Nothing,
}

/// Lives on a vCPU's thread: a machine must not wait for ever for a vCPU that a defect of ours has ended.
struct DefectWatch {
    vcpu: u32,
    events: Sender<Event>,
}

impl Drop for DefectWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.events.send(Event::Defect(self.vcpu));
        }
    }
}

/// A machine, powered on when [`Machine::run`] is called.
pub struct Machine {
    options: HostOptions,
    pub(super) boot: Arc<Boot>,
    ram: Arc<Ram>,
    pub(super) partition: Arc<Partition>,
    pub(super) platform: Arc<Platform>,
    pub(super) scm: Arc<Scm>,
    controls: Vec<Arc<VcpuControl>>,
    pub(super) control: Arc<MachineControl>,
    /// Where its guest goes on when it runs; none: it boots.
    pub(super) adopted: Mutex<Option<Vec<VcpuState>>>,
    events: Receiver<Event>,
    events_in: Sender<Event>,
    /// Of all vCPUs; there when the machine has ended.
    done: Mutex<Done>,
}

/// What carrying out the guest's instructions has come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// All vCPUs together.
    pub cpu: CpuStatistics,
    /// The second tier, where the engine has one.
    pub jit: Option<JitStatistics>,
}

impl Machine {
    /// Puts a machine without persistent memory together; nothing runs yet.
    ///
    /// # Errors
    /// [`MachineError`] says what is wrong with the configuration or the host.
    pub fn new(
        config: MachineConfig,
        console: Box<dyn ConsoleBackend>,
    ) -> Result<Self, MachineError> {
        Self::build(Blueprint::new(config)?, &[], console)
    }

    /// Puts a machine with persistent memory together; nothing runs yet.
    ///
    /// # Errors
    /// [`MachineError`] says what is wrong with the configuration or the host.
    pub fn with_nvdimms(
        config: MachineConfig,
        nvdimms: &[OpenNvdimm],
        console: Box<dyn ConsoleBackend>,
    ) -> Result<Self, MachineError> {
        Self::build(Blueprint::new(config)?, nvdimms, console)
    }

    /// Puts together what a blueprint describes; nothing runs yet. For who has to know that the machine can be before its
    /// persistent memory is created.
    ///
    /// # Errors
    /// [`MachineError`]: the host refuses something, or the persistent memory does not fit this machine.
    pub fn build(
        blueprint: Blueprint,
        nvdimms: &[OpenNvdimm],
        console: Box<dyn ConsoleBackend>,
    ) -> Result<Self, MachineError> {
        let Blueprint {
            options,
            boot,
            platform: platform_config,
        } = blueprint;
        let boot = Arc::new(boot);
        let (cpus, memory) = (platform_config.vcpus, platform_config.memory);
        let ram = Ram::new(memory).map_err(|e| MachineError::NoMemory(memory >> 20, e))?;
        let ram = Arc::new(ram);
        let partition = Partition::new(cpus);
        partition
            .memory
            .map(0, Arc::clone(&ram) as Arc<dyn HostMapping>)?;
        let controls: Vec<_> = (0..cpus)
            .filter_map(|id| partition.signals(id))
            .map(|signals| Arc::new(VcpuControl::new(Arc::clone(signals))))
            .collect();
        let host: Arc<dyn Host> = Arc::new(Carrier::new(&partition, controls.clone()));
        let scm = pmem::build(&partition, platform_config.machine, memory, nvdimms)?;
        let platform = Arc::new(Platform::new(
            host,
            platform_config,
            console,
            vec![PersistentMemory::part(&scm)],
        )?);
        let (events_in, events) = unbounded();
        let control = Arc::new(MachineControl::new(
            Arc::clone(&boot),
            &partition,
            &platform,
            &scm,
            &ram,
            controls.clone(),
            Outside(events_in.clone()),
        ));
        control.know(nvdimms);
        Ok(Self {
            options,
            boot,
            ram,
            partition,
            platform,
            scm,
            controls,
            control,
            adopted: Mutex::new(None),
            events,
            events_in,
            done: Mutex::default(),
        })
    }

    /// The means to end it from another thread.
    pub fn outside(&self) -> Outside {
        Outside(self.events_in.clone())
    }

    /// What can be done to it while it runs, from any thread.
    pub fn control(&self) -> &Arc<MachineControl> {
        &self.control
    }

    /// The platform, for console input.
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// The persistent memory, for counters and health.
    pub fn scm(&self) -> &Arc<Scm> {
        &self.scm
    }

    /// Its RAM.
    pub fn ram(&self) -> &Arc<Ram> {
        &self.ram
    }

    /// How many guest instructions all vCPUs have executed; known when [`run`](Self::run) has returned, and 0 before.
    pub fn instructions_executed(&self) -> u64 {
        self.done().cpu.instructions
    }

    /// What its vCPUs have done; known when [`run`](Self::run) has returned, and nothing before.
    pub fn done(&self) -> Done {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Powers on, and runs until the machine ends. Reboots happen inside.
    ///
    /// # Errors
    /// [`MachineError`] where it can't be started.
    pub fn run(&self) -> Result<End, MachineError> {
        let engine = Engine::new(&self.options, self.partition.vcpus())?;
        let threads = self.spawn(&engine)?;
        let end = self.live();
        self.control.machine_ended();
        for control in &self.controls {
            control.quit();
        }
        let mut cpu = CpuStatistics::default();
        for thread in threads {
            cpu += thread.join().unwrap_or_default();
        }
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Done {
            cpu,
            jit: engine.compiler().map(JitService::statistics),
        };
        if !matches!(end, Ok((_, FinalSync::Nothing))) {
            self.make_durable();
        }
        info!(instructions = cpu.instructions, "machine ended");
        end.map(|(end, _)| end)
    }

    /// Makes durable whatever the guest has stored.
    fn make_durable(&self) {
        let report = self.scm.shutdown(SHUTDOWN_LIMIT);
        for failure in &report.failures {
            error!(%failure, "not everything that the guest stored is durable");
        }
        if report.abandoned > 0 {
            error!(
                flushes = report.abandoned,
                "flushes did not end in time; is the host's storage stuck?"
            );
        }
    }

    fn spawn(&self, engine: &Engine) -> Result<Vec<JoinHandle<CpuStatistics>>, MachineError> {
        let mut threads = Vec::new();
        for (id, control) in self.controls.iter().enumerate() {
            let (partition, platform) = (Arc::clone(&self.partition), Arc::clone(&self.platform));
            let (control, events) = (Arc::clone(control), self.events_in.clone());
            let engine = engine.clone();
            let body = move || {
                let _watch = DefectWatch {
                    vcpu: id as u32,
                    events: events.clone(),
                };
                let report = |event| {
                    // The machine outlives its vCPU threads; a closed channel means that it is ending anyway.
                    let _ = events.send(Event::Vcpu(event));
                };
                thread_role::begin(Role::GuestCpu);
                let id = VcpuId(id as u32);
                vcpu::run(&partition, &platform, &control, id, &engine, &report)
            };
            let thread = std::thread::Builder::new()
                .name(format!("vcpu{id}"))
                .spawn(body);
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    self.controls.iter().for_each(|c| c.quit());
                    return Err(MachineError::Thread(error));
                }
            }
        }
        Ok(threads)
    }

    fn live(&self) -> Result<(End, FinalSync), MachineError> {
        let adopted = self
            .adopted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut life = self.control.life();
        match adopted {
            Some(vcpus) => self.go_on(vcpus),
            None => self.power_on()?,
        }
        *life = Life::Started;
        drop(life);
        loop {
            let end = match self.events.recv() {
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::Reboot))) => {
                    if self.options.no_reboot {
                        return Ok((End::Reboot, FinalSync::Flush));
                    }
                    info!("guest reboots");
                    self.reset()?;
                    continue;
                }
                Ok(Event::Reset) => {
                    info!("guest is reset");
                    self.reset()?;
                    continue;
                }
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::PowerOff))) => End::PowerOff,
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::Panic(message)))) => {
                    End::Panic(message)
                }
                Ok(Event::Vcpu(VcpuEvent::Checkstop { vcpu, ea, nia })) => End::Checkstop(format!(
                    "vCPU {vcpu} checkstopped: the instruction at {nia:#x} accessed {ea:#x}, where there is no memory"
                )),
                Ok(Event::Defect(vcpu)) => return Err(MachineError::Defect(vcpu)),
                Ok(Event::Vcpu(VcpuEvent::Parted(report))) => {
                    return Err(MachineError::LockStep(report));
                }
                Ok(Event::Vcpu(VcpuEvent::BackingFailed)) => {
                    End::BackingFailed(self.failed_device())
                }
                Ok(Event::Crash) => return Ok((End::Killed, FinalSync::Nothing)),
                Ok(Event::Leave(end)) => return Ok((end, FinalSync::Nothing)),
                Ok(Event::Kill) | Err(_) => End::Killed,
            };
            return Ok((end, FinalSync::Flush));
        }
    }

    /// Which NVDIMM's file failed, in words.
    fn failed_device(&self) -> String {
        let address = memory::failure().unwrap_or_default();
        let devices = self.scm.devices();
        let hit = devices.iter().find_map(|device| {
            let host = &device.region().host;
            let offset = address.checked_sub(host.as_ptr() as usize)?;
            ((offset as u64) < host.len()).then_some((device, offset))
        });
        let (what, why) = match hit {
            Some((device, offset)) => (
                format!("nvdimm {}: byte {offset:#x} of its file", device.id()),
                self.control.why_unreachable(device.id()),
            ),
            None => (
                "a byte of an NVDIMM's file".to_owned(),
                Unreachable::Unknown,
            ),
        };
        format!("{what} could not be reached ({why}); the guest was stopped")
    }

    /// Everything back to the power-on state, and the guest started.
    fn reset(&self) -> Result<(), MachineError> {
        // Not while somebody looks at a machine that stands still.
        let _life = self.control.life();
        self.stop_all();
        self.platform.reset();
        self.control.machine_reset();
        let cleared = self.ram.clear();
        cleared.map_err(|e| MachineError::NoMemory(self.control.memory() >> 20, e))?;
        self.power_on()
    }

    /// Lets the vCPUs go on where saved ones were.
    fn go_on(&self, vcpus: Vec<VcpuState>) {
        self.partition.invalidate_code();
        for (control, vcpu) in self.controls.iter().zip(vcpus) {
            control.go_on(vcpu);
        }
    }

    fn stop_all(&self) {
        for control in &self.controls {
            control.stop();
        }
        for control in &self.controls {
            control.wait_stopped();
        }
    }

    /// Loads memory and starts vCPU 0, unless something has happened meanwhile: every event ends
    /// the machine or starts it afresh.
    fn power_on(&self) -> Result<(), MachineError> {
        let memory = &self.partition.memory;
        let layout = self.boot.layout;
        let kernel = self.boot.kernel.pieces();
        let kernel = kernel.map(|(offset, bytes)| (layout.kernel.saturating_add(offset), bytes));
        for (at, bytes) in kernel.chain([(layout.initrd, &*self.boot.initrd)]) {
            for (number, part) in (0u64..).zip(bytes.chunks(LOAD_STEP)) {
                if !self.events.is_empty() {
                    return Ok(());
                }
                memory.write(at.saturating_add(number * LOAD_STEP as u64), part)?;
            }
        }
        memory.write(layout.rtas, &self.platform.rtas_stub())?;
        let tree = self.platform.device_tree()?;
        memory.write(layout.device_tree, &tree)?;
        self.partition.invalidate_code();
        self.controls[0].start(self.platform.boot_state(layout.device_tree));
        Ok(())
    }
}
