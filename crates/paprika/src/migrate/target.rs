//! A machine that a guest comes to: made when the source has said what it is like, and started, standing still, before the guest is this
//! one's, so that nothing can fail any more when it is.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use papr::{ConsoleBackend, MAX_VCPUS, MachineVersion};
use papr_scm::nvdimm::{NvdimmConfig, Plan};
use paprika_migration::{DestinationMachine, Problem, RamShape};
use thread_role::Role;
use tracing::warn;

use super::message::{self, Offer, Parting};
use super::{PAGE, files};
use crate::machine::state::{BootFiles, Description, compat};
use crate::machine::{Blueprint, End, HostOptions, Machine, MachineError};
use crate::snapshot::{NvdimmChange, arrange};

/// How long a machine is given to start its threads.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What who receives chooses.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// Another machine type than the guest's.
    pub machine: Option<MachineVersion>,
    /// What is changed of NVDIMMs: where their files are, above all.
    pub nvdimms: Vec<NvdimmChange>,
    /// The directory of the files of NVDIMMs that no change names a file for.
    pub nvdimm_directory: Option<PathBuf>,
    /// The most RAM that a guest may have, in bytes.
    pub max_memory: u64,
    /// The most vCPUs that a guest may have.
    pub max_cpus: u32,
    /// What only the host cares for.
    pub host: HostOptions,
}

impl TargetOptions {
    /// RAM of a guest, in bytes, where nobody says how much it may have: half of the host's.
    pub fn default_max_memory() -> u64 {
        let host = rustix::system::sysinfo();
        let unit = u64::from(host.mem_unit.max(1));
        (host.totalram as u64).saturating_mul(unit) / 2
    }
}

impl Default for TargetOptions {
    fn default() -> Self {
        Self {
            machine: None,
            nvdimms: Vec::new(),
            nvdimm_directory: None,
            max_memory: Self::default_max_memory(),
            max_cpus: MAX_VCPUS,
            host: HostOptions::default(),
        }
    }
}

/// A machine, as the destination of a migration.
pub struct MigrationTarget {
    options: TargetOptions,
    console: Option<Box<dyn ConsoleBackend>>,
    /// What the source has said, and the machine that is made of it.
    offer: Option<Offer>,
    here: Option<(Description, Vec<NvdimmConfig>)>,
    parting: Option<Parting>,
    machine: Option<Arc<Machine>>,
    life: Option<Life>,
    paused: bool,
}

/// The thread that a machine lives on.
type Life = JoinHandle<Result<End, MachineError>>;

impl MigrationTarget {
    /// A machine to be, with the console that it will have.
    pub fn new(options: TargetOptions, console: Box<dyn ConsoleBackend>) -> Self {
        Self {
            options,
            console: Some(console),
            offer: None,
            here: None,
            parting: None,
            machine: None,
            life: None,
            paused: false,
        }
    }

    /// The machine that a guest has come to, and the thread that tells its end; none: no guest has come.
    pub fn into_machine(mut self) -> Option<(Arc<Machine>, Life)> {
        Some((self.machine.take()?, self.life.take()?))
    }

    /// Whether a guest may have what is offered, before anything is taken from the host for it.
    fn check_bounds(&self, offer: &Offer) -> Result<(), Problem> {
        let Description { cpus, memory, .. } = offer.description;
        let TargetOptions {
            max_memory,
            max_cpus,
            ..
        } = self.options;
        if memory > max_memory {
            return Err(Problem(format!(
                "the guest has {} MiB of memory, and {} MiB are allowed here; allow more with --max-memory",
                memory >> 20,
                max_memory >> 20
            )));
        }
        if cpus > max_cpus {
            return Err(Problem(format!(
                "the guest has {cpus} CPUs, and {max_cpus} are allowed here; allow more with --max-cpus"
            )));
        }
        // What it boots from has to fit into its memory.
        if offer.boot_bytes() > memory {
            return Err(Problem::new(
                "the source contradicts itself about what the guest boots from",
            ));
        }
        Ok(())
    }

    fn machine(&self) -> Result<&Arc<Machine>, Problem> {
        self.machine
            .as_ref()
            .ok_or_else(|| Problem::new("the source does not keep to the order of things"))
    }

    /// Opens and locks the NVDIMMs' files, and looks whether they are those that the source let go of.
    fn adopt(&self, parting: Parting) -> Result<(), Problem> {
        let machine = self.machine()?;
        let (offered, configs) = self
            .here
            .as_ref()
            .ok_or_else(|| Problem::new("no machine was described"))?;
        let mut here = offered.clone();
        let opened = Plan::new(configs.clone())
            .and_then(Plan::open)
            .map_err(Problem::new)?;
        // Now that nobody else can write to the files. A source that does not say how it left one
        // is refused.
        let TargetOptions {
            nvdimms: changes,
            nvdimm_directory,
            ..
        } = &self.options;
        files::look(
            &mut here,
            &opened,
            &parting.machine.description,
            changes,
            nvdimm_directory.as_deref(),
        )?;
        compat::check(&parting.machine.description, &here).map_err(Problem::new)?;
        let warnings = machine
            .adopt(parting.machine, &opened)
            .map_err(Problem::new)?;
        let of_files = opened.iter().flat_map(|nvdimm| &nvdimm.warnings);
        of_files.for_each(|warning| warn!("{warning}"));
        warnings.iter().for_each(|warning| warn!("{warning}"));
        Ok(())
    }

    /// Starts the machine's threads, with a guest that stands still.
    fn start(&mut self) -> Result<(), Problem> {
        let machine = Arc::clone(self.machine()?);
        machine.control().pause().map_err(Problem::new)?;
        let living = Arc::clone(&machine);
        let life = std::thread::Builder::new()
            .name("machine".into())
            .spawn(move || {
                thread_role::begin(Role::Machine);
                living.run()
            });
        let life =
            life.map_err(|error| Problem(format!("the host refuses another thread: {error}")))?;
        let deadline = Instant::now() + START_LIMIT;
        while !machine.control().has_begun() && !life.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(100));
        }
        if machine.control().has_begun() && !life.is_finished() {
            self.life = Some(life);
            return Ok(());
        }
        machine.outside().crash();
        match life.join() {
            Ok(Err(error)) => Err(Problem::new(error)),
            _ => Err(Problem::new("the machine could not be started in time")),
        }
    }
}

impl DestinationMachine for MigrationTarget {
    fn check(&mut self, description: &[u8], ram: RamShape) -> Result<(), Problem> {
        let offer = Offer::read(description)?;
        let saved = &offer.description;
        if u64::from(ram.page_size) != PAGE || ram.bytes() != saved.memory {
            return Err(Problem::new(
                "the source contradicts itself about the machine's memory",
            ));
        }
        self.check_bounds(&offer)?;
        let saved = &offer.description;
        let TargetOptions {
            machine,
            nvdimms: changes,
            nvdimm_directory,
            ..
        } = &self.options;
        let (mut here, mut configs) = arrange(saved, *machine, changes).map_err(Problem::new)?;
        files::find(
            &mut here,
            &mut configs,
            changes,
            nvdimm_directory.as_deref(),
        )?;
        files::look_ahead(&mut here)?;
        compat::check(saved, &here).map_err(Problem::new)?;
        self.here = Some((here, configs));
        self.offer = Some(offer);
        Ok(())
    }

    fn static_payload_size(&self) -> Option<u64> {
        self.offer.as_ref().map(Offer::boot_bytes)
    }

    fn prepare(&mut self, mut static_payload: Vec<u8>) -> Result<(), Problem> {
        let disorder = || Problem::new("the source does not keep to the order of things");
        let (offer, (here, _)) = self
            .offer
            .as_ref()
            .zip(self.here.as_ref())
            .ok_or_else(disorder)?;
        let boot = &offer.boot;
        let kernel_length = usize::try_from(boot.kernel.length).unwrap_or(usize::MAX);
        if static_payload.len() as u64 != offer.boot_bytes() || kernel_length > static_payload.len()
        {
            return Err(Problem::new(
                "the source has not sent what the guest boots from",
            ));
        }
        let initrd = static_payload.split_off(kernel_length);
        let files = BootFiles {
            kernel: static_payload.into(),
            initrd: initrd.into(),
        };
        let blueprint = Blueprint::of_saved(here, boot, files, self.options.host.clone())
            .map_err(Problem::new)?;
        let console = self.console.take().ok_or_else(disorder)?;
        let machine = Machine::build(blueprint, &[], console).map_err(Problem::new)?;
        self.machine = Some(Arc::new(machine));
        Ok(())
    }

    fn write_pages(&mut self, first: u64, bytes: &[u8]) {
        if let Some(machine) = &self.machine
            && let Err(error) = machine.ram().write(first * PAGE, bytes)
        {
            // They are within what `check` has compared.
            tracing::error!(%error, "pages can't be written");
        }
    }

    fn clear_pages(&mut self, pages: Range<u64>) {
        const ZEROS: [u8; PAGE as usize] = [0; PAGE as usize];
        pages.for_each(|page| self.write_pages(page, &ZEROS));
    }

    fn load(&mut self, state: &[u8]) -> Result<(), Problem> {
        let parting: Parting = message::read(state)?;
        self.machine()?;
        let mut described = parting.machine.description.clone();
        described
            .nvdimms
            .iter_mut()
            .for_each(|device| device.backing = None);
        if self.offer.as_ref().map(|offer| &offer.description) != Some(&described) {
            return Err(Problem::new(
                "the state is not of the machine that the source has described",
            ));
        }
        self.paused = parting.paused;
        self.parting = Some(parting);
        Ok(())
    }

    fn take(&mut self) -> Result<(), Problem> {
        let parting = self.parting.take();
        let parting = parting.ok_or_else(|| Problem::new("there is no state"))?;
        self.adopt(parting)?;
        self.start()
    }

    fn run(&mut self, _: Duration) {
        if self.paused {
            return;
        }
        if let Some(machine) = &self.machine
            && let Err(error) = machine.control().resume()
        {
            tracing::error!(%error, "the guest that has come can't go on");
        }
    }

    fn give_up(&mut self) {
        if let (Some(machine), Some(life)) = (&self.machine, self.life.take()) {
            // Its guest has never run: there is nothing to make durable.
            machine.outside().crash();
            // How it ended does not matter any more.
            let _ = life.join();
        }
        // With it the files and their locks.
        self.machine = None;
    }
}
