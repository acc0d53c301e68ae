//! Power-on, reboots, and the end of a machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use papr::host::Host;
use papr::vcpu::VcpuId;
use papr_scm::Scm;
use papr_scm::nvdimm::OpenNvdimm;
use papr::{ConfigError, ConsoleBackend, DeviceTreeError, MachineExit, MachineVersion, Platform, PlatformConfig};
use power::Partition;
use power::memory::{HostMapping, MapError, OutOfMemory};
use tracing::{error, info};
use uuid::Uuid;

use super::host::Carrier;
use super::pmem::{self, PmemError};
use super::vcpu::{self, VcpuControl, VcpuEvent};
use crate::load::{self, FileError, Kernel, KernelError, Layout, LayoutError};
use crate::memory::Ram;

/// How long the end of a machine waits for the host's storage.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(60);

/// What a machine is made of, as the user says it.
#[derive(Debug, Clone)]
pub struct MachineConfig {
    /// Machine type.
    pub machine: MachineVersion,
    /// The kernel's file.
    pub kernel: PathBuf,
    /// The initramfs as bytes; empty: none.
    pub initrd: Vec<u8>,
    /// Kernel command line.
    pub cmdline: String,
    /// Number of vCPUs.
    pub cpus: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// Name of the machine.
    pub name: String,
    /// Whether a reboot that the guest asks for ends the machine instead.
    pub no_reboot: bool,
}

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
    /// The user ended it.
    Killed,
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
}

#[derive(Debug)]
enum Event {
    Vcpu(VcpuEvent),
    Kill,
}

/// A machine, powered on when [`Machine::run`] is called.
pub struct Machine {
    config: MachineConfig,
    kernel: Kernel,
    layout: Layout,
    ram: Arc<Ram>,
    partition: Arc<Partition>,
    platform: Arc<Platform>,
    scm: Arc<Scm>,
    controls: Vec<Arc<VcpuControl>>,
    events: Receiver<Event>,
    events_in: Sender<Event>,
}

impl Machine {
    /// Puts a machine without persistent memory together; nothing runs yet.
    ///
    /// # Errors
    /// [`MachineError`] says what is wrong with the configuration or the host.
    pub fn new(config: MachineConfig, console: Box<dyn ConsoleBackend>) -> Result<Self, MachineError> {
        Self::with_nvdimms(config, &[], console)
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
        let kernel = Kernel::read(&config.kernel)?;
        let layout = Layout::new(config.memory, kernel.size(), config.initrd.len() as u64)?;
        let mut rng_seed = [0; 32];
        getrandom::fill(&mut rng_seed).map_err(MachineError::Random)?;
        let platform_config = PlatformConfig {
            machine: config.machine,
            vcpus: config.cpus,
            max_vcpus: config.cpus,
            memory: config.memory,
            cmdline: config.cmdline.clone(),
            initrd: (!config.initrd.is_empty()).then(|| layout.initrd..layout.initrd + config.initrd.len() as u64),
            kernel_start: layout.kernel + kernel.entry(),
            rtas_base: layout.rtas,
            uuid: Uuid::new_v4(),
            name: config.name.clone(),
            rng_seed,
        };
        platform_config.validate()?;
        let ram = Ram::new(config.memory).map_err(|e| MachineError::NoMemory(config.memory >> 20, e))?;
        let ram = Arc::new(ram);
        let partition = Partition::new(config.cpus);
        partition.memory.map(0, Arc::clone(&ram) as Arc<dyn HostMapping>)?;
        let controls: Vec<_> = (0..config.cpus)
            .filter_map(|id| partition.signals(id))
            .map(|signals| Arc::new(VcpuControl::new(Arc::clone(signals))))
            .collect();
        let host: Arc<dyn Host> = Arc::new(Carrier::new(&partition, controls.clone()));
        let scm = pmem::build(&partition, config.machine, config.memory, nvdimms)?;
        let platform = Arc::new(Platform::new(host, platform_config, console, Some(Arc::clone(&scm)))?);
        let (events_in, events) = unbounded();
        Ok(Self { config, kernel, layout, ram, partition, platform, scm, controls, events, events_in })
    }

    /// The means to end it from another thread.
    pub fn outside(&self) -> Outside {
        Outside(self.events_in.clone())
    }

    /// The platform, for console input.
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// The persistent memory, for counters and health.
    pub fn scm(&self) -> &Arc<Scm> {
        &self.scm
    }

    /// Powers on, and runs until the machine ends. Reboots happen inside.
    ///
    /// # Errors
    /// [`MachineError`] where it can't be started.
    pub fn run(&self) -> Result<End, MachineError> {
        let threads = self.spawn()?;
        let end = self.live();
        for control in &self.controls {
            control.quit();
        }
        let mut instructions = 0;
        for thread in threads {
            instructions += thread.join().unwrap_or_default();
        }
        let report = self.scm.shutdown(SHUTDOWN_LIMIT);
        for failure in &report.failures {
            error!(%failure, "not everything that the guest stored is durable");
        }
        if report.abandoned > 0 {
            error!(flushes = report.abandoned, "flushes did not end in time; is the host's storage stuck?");
        }
        info!(instructions, "machine ended");
        end
    }

    fn spawn(&self) -> Result<Vec<JoinHandle<u64>>, MachineError> {
        let mut threads = Vec::new();
        for (id, control) in self.controls.iter().enumerate() {
            let (partition, platform) = (Arc::clone(&self.partition), Arc::clone(&self.platform));
            let (control, events) = (Arc::clone(control), self.events_in.clone());
            let body = move || {
                let report = |event| {
                    // The machine outlives its vCPU threads; a closed channel means that it is ending anyway.
                    let _ = events.send(Event::Vcpu(event));
                };
                vcpu::run(&partition, &platform, &control, VcpuId(id as u32), &report)
            };
            let thread = std::thread::Builder::new().name(format!("vcpu{id}")).spawn(body);
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

    fn live(&self) -> Result<End, MachineError> {
        loop {
            self.power_on()?;
            let end = match self.events.recv() {
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::Reboot))) => {
                    if self.config.no_reboot {
                        return Ok(End::Reboot);
                    }
                    info!("guest reboots");
                    self.stop_all();
                    self.platform.reset();
                    self.ram.clear().map_err(|e| MachineError::NoMemory(self.config.memory >> 20, e))?;
                    continue;
                }
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::PowerOff))) => End::PowerOff,
                Ok(Event::Vcpu(VcpuEvent::Exit(MachineExit::Panic(message)))) => End::Panic(message),
                Ok(Event::Vcpu(VcpuEvent::Checkstop { vcpu, ea, nia })) => End::Checkstop(format!(
                    "vCPU {vcpu} checkstopped: the instruction at {nia:#x} accessed {ea:#x}, where there is no memory"
                )),
                Ok(Event::Kill) | Err(_) => End::Killed,
            };
            return Ok(end);
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

    /// Loads memory and starts vCPU 0.
    fn power_on(&self) -> Result<(), MachineError> {
        let memory = &self.partition.memory;
        for (offset, bytes) in self.kernel.pieces() {
            memory.write(self.layout.kernel + offset, bytes)?;
        }
        memory.write(self.layout.initrd, &self.config.initrd)?;
        memory.write(self.layout.rtas, &self.platform.rtas_stub())?;
        let tree = self.platform.device_tree()?;
        memory.write(self.layout.device_tree, &tree)?;
        self.partition.invalidate_code();
        self.controls[0].start(self.platform.boot_state(self.layout.device_tree));
        Ok(())
    }
}

impl MachineConfig {
    /// Reads an initramfs.
    ///
    /// # Errors
    /// [`MachineError::File`] names it.
    pub fn read_initrd(path: &std::path::Path) -> Result<Vec<u8>, MachineError> {
        Ok(load::read_file("initrd", path)?)
    }
}
