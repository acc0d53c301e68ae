//! What can be done to a machine while it runs: looked at, paused, reset, asked to power off. From any thread; nothing here waits for the
//! guest without a bound.
//!
//! While a machine is paused its guest's time base stands still, as under QEMU: timers do not fire in a burst afterwards, and Linux sees
//! no stalled CPUs. What the guest takes for the time of day lags behind by the pause.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use papr::{MachineVersion, Platform, QueueFull};
use papr_scm::Scm;
use papr_scm::backing::Backing;
use papr_scm::nvdimm::{Nvdimm, NvdimmConfig, OpenNvdimm};
use power::Partition;
use rustix::fs::fstat;
use tracing::info;

use super::config::Boot;
use super::life::Outside;
use super::pmem::Unreachable;
use super::state::BootState;
use super::vcpu::VcpuControl;
use crate::files::NamedFile;
use crate::memory::Ram;

/// How long a pause waits for the vCPUs. They come to an instruction boundary in well under a millisecond, unless the host's storage
/// holds up an access to persistent memory.
const PAUSE_LIMIT: Duration = Duration::from_secs(5);

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Its guest runs.
    Running,
    /// Its vCPUs stand still.
    Paused,
    /// It has ended, or is about to.
    Ended,
}

/// Why something could not be done to a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The machine is not there any more.
    #[error("the machine has ended")]
    Ended,
    /// A vCPU does not come to an instruction boundary.
    #[error("a vCPU did not stand still within {} s; is the host's storage stuck? The guest runs on", PAUSE_LIMIT.as_secs())]
    NotStill,
    /// Somebody else has made the machine stand still.
    #[error("the machine is being saved or moved; wait until that is done, or cancel it")]
    Held,
    /// Its guest has not begun, or is about to end or to boot again.
    #[error("the guest is just starting, ending or booting again; come again in a moment")]
    Between,
    /// The guest does not fetch its events.
    #[error(transparent)]
    NotListening(#[from] QueueFull),
}

/// What all vCPUs of a machine have done since it was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Guest instructions executed; of each vCPU as of its last exit from guest code (a hypercall, for example).
    pub instructions: u64,
    /// Hypercalls made.
    pub hypercalls: u64,
    /// Resets and reboots.
    pub resets: u64,
}

/// What the thread that a machine lives on has come to. Held by whoever must not have the guest booted afresh meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Nothing has run.
    New,
    /// The guest was started.
    Started,
}

/// Whether and why the guest stands still.
#[derive(Debug, Default)]
pub(super) struct PauseState {
    /// The time base at which it stands; none: it runs.
    pub(super) paused_at: Option<u64>,
    /// Somebody has made it stand still and relies on it: what becomes of it when he is done.
    pub(super) held: Option<Afterwards>,
}

/// What becomes of a guest that was made to stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It goes on.
    Resume,
    /// It stays paused.
    StayPaused,
}

/// What is known of a device beside what it knows itself.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) config: NvdimmConfig,
    pub(super) backing: Weak<dyn Backing>,
}

/// The means to control a machine.
pub struct MachineControl {
    pub(super) platform: Arc<Platform>,
    pub(super) scm: Arc<Scm>,
    pub(super) partition: Arc<Partition>,
    pub(super) boot: Arc<Boot>,
    pub(super) vcpus: Vec<Arc<VcpuControl>>,
    pub(super) outside: Outside,
    ram: Arc<Ram>,
    /// Held while a device is placed and plugged, or asked back.
    plugging: Mutex<()>,
    life: Mutex<Life>,
    standing: Mutex<PauseState>,
    /// How the devices were described, by id.
    known: Mutex<BTreeMap<String, Known>>,
    /// Devices that say that the guest flushes them, while this very guest was not told to (see `state::compat`).
    flush_not_advertised: Mutex<BTreeSet<String>>,
    ended: AtomicBool,
    resets: AtomicU64,
    started: Instant,
}

impl MachineControl {
    pub(super) fn new(
        boot: Arc<Boot>,
        partition: &Arc<Partition>,
        platform: &Arc<Platform>,
        scm: &Arc<Scm>,
        ram: &Arc<Ram>,
        vcpus: Vec<Arc<VcpuControl>>,
        outside: Outside,
    ) -> Self {
        Self {
            platform: Arc::clone(platform),
            scm: Arc::clone(scm),
            partition: Arc::clone(partition),
            boot,
            vcpus,
            outside,
            ram: Arc::clone(ram),
            plugging: Mutex::new(()),
            life: Mutex::new(Life::New),
            standing: Mutex::default(),
            known: Mutex::default(),
            flush_not_advertised: Mutex::default(),
            ended: AtomicBool::new(false),
            resets: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// Its name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.platform.config().name
    }

    /// Its type.
    pub fn machine(&self) -> MachineVersion {
        self.platform.config().machine
    }

    /// The number of its vCPUs.
    pub fn cpus(&self) -> usize {
        self.vcpus.len()
    }

    /// Its RAM in bytes.
    pub fn memory(&self) -> u64 {
        self.platform.config().memory
    }

    /// Its RAM, to look at while the guest runs.
    pub fn ram(&self) -> &Arc<Ram> {
        &self.ram
    }

    /// What its guest's next boot begins with.
    pub fn boot_state(&self) -> &BootState {
        self.boot.state()
    }

    /// The unpacked kernel that it boots.
    pub fn kernel(&self) -> &[u8] {
        self.boot.kernel.image()
    }

    /// The RAM disk that it boots with; empty: none.
    pub fn initrd(&self) -> &[u8] {
        &self.boot.initrd
    }

    /// Its persistent memory, for counters and health.
    pub fn scm(&self) -> &Arc<Scm> {
        &self.scm
    }

    /// How long ago it was put together.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// What its vCPUs have done.
    pub fn counts(&self) -> Counts {
        let each = self.vcpus.iter().map(|vcpu| vcpu.counts());
        let (instructions, hypercalls) =
            each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Counts {
            instructions,
            hypercalls,
            resets: self.resets.load(Ordering::Relaxed),
        }
    }

    /// What it is doing.
    pub fn state(&self) -> RunState {
        if self.has_ended() {
            RunState::Ended
        } else if self.standing().paused_at.is_some() {
            RunState::Paused
        } else {
            RunState::Running
        }
    }

    /// Makes every vCPU stand still at an instruction boundary, and returns when they do. Paused already, nothing changes.
    ///
    /// # Errors
    /// [`ControlError::NotStill`] where a vCPU does not come to one; the guest runs on then. [`ControlError::Ended`].
    pub fn pause(&self) -> Result<(), ControlError> {
        let mut standing = self.standing();
        self.check_alive()?;
        if standing.held.is_some() {
            standing.held = Some(Afterwards::StayPaused);
        }
        self.pause_now(&mut standing)
    }

    /// The same for one who holds the lock.
    pub(super) fn pause_now(&self, standing: &mut PauseState) -> Result<(), ControlError> {
        if standing.paused_at.is_some() {
            return Ok(());
        }
        self.vcpus.iter().for_each(|vcpu| vcpu.pause());
        let deadline = Instant::now() + PAUSE_LIMIT;
        // Twice: one that was found stopped may have been started since by another that stood still only later.
        let all_still = || self.vcpus.iter().all(|vcpu| vcpu.wait_still(deadline));
        if !(all_still() && all_still()) {
            self.vcpus.iter().for_each(|vcpu| vcpu.resume());
            return Err(ControlError::NotStill);
        }
        standing.paused_at = Some(self.partition.time_base.now());
        info!("paused");
        Ok(())
    }

    /// Lets the guest go on where it stands. Running already, nothing changes.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Held`] while the machine is saved or moved.
    pub fn resume(&self) -> Result<(), ControlError> {
        let mut standing = self.standing();
        self.check_alive()?;
        if standing.held.is_some() {
            return Err(ControlError::Held);
        }
        self.resume_now(&mut standing);
        Ok(())
    }

    /// The same for one who holds the lock, and the machine.
    pub(super) fn resume_now(&self, standing: &mut PauseState) {
        if let Some(time) = standing.paused_at.take() {
            self.partition.time_base.set(time);
            self.vcpus.iter().for_each(|vcpu| vcpu.resume());
            info!("resumed");
        }
    }

    /// Starts the guest afresh, as its own reboot does. A paused machine stays paused, before the first instruction.
    ///
    /// Only asks for it: [`counts`](Self::counts) tell when it was done.
    ///
    /// # Errors
    /// [`ControlError::Ended`].
    pub fn reset(&self) -> Result<(), ControlError> {
        self.check_alive()?;
        self.outside.reset();
        Ok(())
    }

    /// Asks the guest to shut itself down, as a power button does. Whether and when it does so is its own decision.
    ///
    /// # Errors
    /// [`ControlError::NotListening`], [`ControlError::Ended`].
    pub fn power_down(&self) -> Result<(), ControlError> {
        self.check_alive()?;
        Ok(self.platform.request_power_off()?)
    }

    /// The machine has ended: whoever waits for its guest waits in vain.
    pub(super) fn machine_ended(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// The machine was reset: its guest reads the device tree anew.
    pub(super) fn machine_reset(&self) {
        lock(&self.flush_not_advertised).clear();
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(super) fn check_alive(&self) -> Result<(), ControlError> {
        if self.has_ended() {
            Err(ControlError::Ended)
        } else {
            Ok(())
        }
    }

    pub(super) fn standing(&self) -> MutexGuard<'_, PauseState> {
        lock(&self.standing)
    }

    /// Keeps the guest from being started afresh as long as the result lives.
    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        lock(&self.life)
    }

    /// Keeps devices from coming and going as long as the result lives.
    pub(super) fn plugging(&self) -> MutexGuard<'_, ()> {
        lock(&self.plugging)
    }

    /// The same for one who changes them: not while somebody relies on the machine's standing still.
    pub(super) fn plugging_allowed(&self) -> Result<MutexGuard<'_, ()>, ControlError> {
        if self.standing().held.is_some() {
            return Err(ControlError::Held);
        }
        Ok(self.plugging())
    }

    /// Remembers how devices were described.
    pub(super) fn know(&self, nvdimms: &[OpenNvdimm]) {
        let mut known = lock(&self.known);
        for nvdimm in nvdimms {
            let config = nvdimm.config.clone();
            lock(&self.flush_not_advertised).remove(&config.id);
            let backing = Arc::downgrade(&nvdimm.backing);
            known.insert(config.id.clone(), Known { config, backing });
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        lock(&self.known)
    }

    /// The files of the plugged devices.
    pub fn nvdimm_files(&self) -> Vec<NamedFile> {
        let known = self.known();
        let plugged = known.values().filter_map(|device| {
            let backing = device.backing.upgrade()?;
            let what = format!("the file of nvdimm {}", device.config.id);
            let mut file = NamedFile::new(what, &device.config.path);
            // Whatever is at its path by now, this is what is in use.
            let stat = backing.sync_fd(0).and_then(|file| fstat(file).ok());
            file.identity = stat.map(|stat| (stat.st_dev, stat.st_ino));
            Some(file)
        });
        plugged.collect()
    }

    /// Why a byte of a device's file could not be reached.
    pub(super) fn why_unreachable(&self, id: &str) -> Unreachable {
        let backing = self.known().get(id).and_then(|it| it.backing.upgrade());
        backing.map_or(Unreachable::Unknown, |it| Unreachable::of(&*it))
    }

    /// Remembers devices that the running guest was not told to flush though they say so; the next one will be.
    pub(super) fn set_flush_not_advertised(&self, ids: BTreeSet<String>) {
        *lock(&self.flush_not_advertised) = ids;
    }

    /// Whether the running guest was told to flush a device by hypercall.
    pub fn was_told_to_flush(&self, device: &Nvdimm) -> bool {
        device.flush_announced() && !lock(&self.flush_not_advertised).contains(device.id())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
