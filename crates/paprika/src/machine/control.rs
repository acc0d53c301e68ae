//! What can be done to a machine while it runs: looked at, paused, reset, asked to power off. From any thread; nothing here waits for the
//! guest without a bound.
//!
//! While a machine is paused its guest's time base stands still, as under QEMU: timers do not fire in a burst afterwards, and Linux sees
//! no stalled CPUs. What the guest takes for the time of day lags behind by the pause.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use papr::{MachineVersion, Platform, QueueFull};
use papr_scm::Scm;
use power::Partition;
use tracing::info;

use super::config::MachineConfig;
use super::life::Outside;
use super::vcpu::VcpuControl;

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

/// The means to control a machine.
pub struct MachineControl {
    pub(super) platform: Arc<Platform>,
    pub(super) scm: Arc<Scm>,
    pub(super) memory: u64,
    /// Held while a device is placed and plugged.
    pub(super) plugging: Mutex<()>,
    name: String,
    machine: MachineVersion,
    partition: Arc<Partition>,
    vcpus: Vec<Arc<VcpuControl>>,
    outside: Outside,
    /// The time base at which a paused guest stands; none: it runs.
    paused_at: Mutex<Option<u64>>,
    ended: AtomicBool,
    resets: AtomicU64,
    started: Instant,
}

impl MachineControl {
    pub(super) fn new(
        config: &MachineConfig,
        partition: &Arc<Partition>,
        platform: &Arc<Platform>,
        scm: &Arc<Scm>,
        vcpus: Vec<Arc<VcpuControl>>,
        outside: Outside,
    ) -> Self {
        Self {
            platform: Arc::clone(platform),
            scm: Arc::clone(scm),
            memory: config.memory,
            plugging: Mutex::new(()),
            name: config.name.clone(),
            machine: config.machine,
            partition: Arc::clone(partition),
            vcpus,
            outside,
            paused_at: Mutex::new(None),
            ended: AtomicBool::new(false),
            resets: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// Its name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn machine(&self) -> MachineVersion {
        self.machine
    }

    /// The number of its vCPUs.
    pub fn cpus(&self) -> usize {
        self.vcpus.len()
    }

    /// Its RAM in bytes.
    pub fn memory(&self) -> u64 {
        self.memory
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
        } else if self.paused().is_some() {
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
        let mut paused_at = self.paused();
        self.check_alive()?;
        if paused_at.is_some() {
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
        *paused_at = Some(self.partition.time_base.now());
        info!("paused");
        Ok(())
    }

    /// Lets the guest go on where it stands. Running already, nothing changes.
    ///
    /// # Errors
    /// [`ControlError::Ended`].
    pub fn resume(&self) -> Result<(), ControlError> {
        let mut paused_at = self.paused();
        self.check_alive()?;
        if let Some(time) = paused_at.take() {
            self.partition.time_base.set(time);
            self.vcpus.iter().for_each(|vcpu| vcpu.resume());
            info!("resumed");
        }
        Ok(())
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

    /// The machine was reset.
    pub(super) fn machine_reset(&self) {
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

    fn paused(&self) -> MutexGuard<'_, Option<u64>> {
        self.paused_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
