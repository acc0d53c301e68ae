//! The machine as a whole: what a monitor holds, shares between its vCPU threads, and asks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use papr_scm::Scm;

use crate::action::Action;
use crate::clock::Clock;
use crate::config::{ConfigError, PlatformConfig};
use crate::console::{Console, ConsoleBackend};
use crate::events::{Class, Event, Events, HotPlug, QueueFull};
use crate::fdt::{self, DeviceTreeError};
use crate::hcall::{self, SharedAreas};
use crate::host::{Host, InterruptLocation};
use crate::nvram::{Nvram, NvramSizeError};
use crate::once::OncePerNumber;
use crate::rtas;
use crate::sync::lock;
use crate::vcpu::{StartState, Vcpu, VcpuId};
use crate::xics::{Irq, Xics};

/// The terminal's interrupt source.
pub(crate) const VTY_IRQ: Irq = Irq(0x1100);

/// The pseries platform of one machine.
///
/// All methods may be called from any thread. The methods of [`Host`] must not call back into the platform.
pub struct Platform {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) config: PlatformConfig,
    pub(crate) console: Console,
    pub(crate) xics: Xics,
    pub(crate) areas: SharedAreas,
    /// vCPUs that wait in H_JOIN.
    pub(crate) joined: Mutex<BTreeSet<VcpuId>>,
    pub(crate) events: Events,
    pub(crate) scm: Option<Arc<Scm>>,
    pub(crate) clock: Clock,
    pub(crate) nvram: Nvram,
    /// Held while something arrives from outside, and while the state is exported: what arrives and its interrupt are one thing.
    pub(crate) arrivals: Mutex<()>,
    pub(crate) unknown_hypercalls: OncePerNumber,
    pub(crate) unknown_services: OncePerNumber,
}

impl Platform {
    /// A machine in its power-on state, whose guest's console output goes to `console`, with the persistent memory `scm`
    /// if it has any. What is plugged cold must be plugged before [`device_tree`](Platform::device_tree) is asked for.
    ///
    /// # Errors
    /// Where there can't be such a machine.
    pub fn new(
        host: Arc<dyn Host>,
        config: PlatformConfig,
        console: Box<dyn ConsoleBackend>,
        scm: Option<Arc<Scm>>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        if let Some(scm) = &scm
            && scm.has_flush() != config.machine.has_scm_flush()
        {
            return Err(ConfigError::FlushMismatch {
                machine: config.machine,
                flush: scm.has_flush(),
            });
        }
        let sources = Class::ALL.map(Class::irq).into_iter().chain([VTY_IRQ]);
        Ok(Platform {
            events: Events::default(),
            scm,
            console: Console::new(console),
            xics: Xics::new(host.clone(), config.max_vcpus, sources),
            areas: SharedAreas::new(config.max_vcpus),
            joined: Mutex::default(),
            clock: Clock::default(),
            nvram: Nvram::default(),
            arrivals: Mutex::default(),
            unknown_hypercalls: OncePerNumber::default(),
            unknown_services: OncePerNumber::default(),
            host,
            config,
        })
    }

    /// The flattened device tree that the guest is started with.
    ///
    /// # Errors
    /// Where the tree does not fit the format (a command line of gigabytes).
    pub fn device_tree(&self) -> Result<Vec<u8>, DeviceTreeError> {
        fdt::device_tree(&self.config, self.scm.as_deref())
    }

    /// What the monitor loads at [`PlatformConfig::rtas_base`]; it takes [`RTAS_SIZE`](crate::RTAS_SIZE) bytes there.
    pub fn rtas_stub(&self) -> Vec<u8> {
        rtas::stub()
    }

    /// How vCPU 0 starts, given where the device tree was loaded. The others stay stopped.
    ///
    /// As after the firmware's hand-over, big-endian: kernels of either endianness switch at their entry.
    pub fn boot_state(&self, device_tree: u64) -> StartState {
        let kernel = self.config.kernel_start;
        StartState {
            nia: kernel,
            r3: device_tree,
            r4: kernel,
            r5: 0,
            little_endian: false,
        }
    }

    /// Does the hypercall (`sc 1`) that `cpu` stands at: opcode in r3, arguments in r4 to r12. Sets r3 and the outputs
    /// and says what becomes of the caller. The next instruction address is the monitor's to advance.
    pub fn hypercall(&self, cpu: &mut dyn Vcpu) -> Action {
        hcall::dispatch(self, cpu)
    }

    /// A vCPU's wait for a prod ([`Action::WaitForProd`]) is over: called on its thread before it goes on.
    pub fn wait_ended(&self, vcpu: VcpuId) {
        self.release_from_join(vcpu);
        self.areas.set_waiting(self.host.memory(), vcpu, false);
    }

    /// Text typed at the console. Takes as many bytes as there is room for and answers how many; the rest can come
    /// after [`ConsoleBackend::input_read`].
    pub fn console_input(&self, bytes: &[u8]) -> usize {
        let _arrival = lock(&self.arrivals);
        let taken = self.console.type_in(bytes);
        if taken > 0 {
            self.xics.pulse(VTY_IRQ);
        }
        taken
    }

    /// What the non-volatile memory holds, to be kept for the next run.
    pub fn nvram(&self) -> Vec<u8> {
        self.nvram.save()
    }

    /// Puts back what [`nvram`](Platform::nvram) gave in an earlier run. Called before the guest starts.
    ///
    /// # Errors
    /// [`NvramSizeError`] where it does not fit; nothing has changed then.
    pub fn load_nvram(&self, saved: &[u8]) -> Result<(), NvramSizeError> {
        self.nvram.load(saved)
    }

    /// Asks the guest to shut itself down, as a power button does.
    ///
    /// # Errors
    /// [`QueueFull`] where the guest does not listen.
    pub fn request_power_off(&self) -> Result<(), QueueFull> {
        self.raise(Event::PowerOffRequest)
    }

    /// Tells the guest that a resource was plugged, or is asked back. What becomes of it the guest says by RTAS.
    ///
    /// # Errors
    /// [`QueueFull`] where the guest does not listen.
    pub fn hot_plug(&self, event: HotPlug) -> Result<(), QueueFull> {
        self.raise(Event::HotPlug(event))
    }

    fn raise(&self, event: Event) -> Result<(), QueueFull> {
        let _arrival = lock(&self.arrivals);
        let class = self.events.push(event)?;
        self.xics.pulse(class.irq());
        Ok(())
    }

    /// Everything but the clock and the non-volatile memory back to the power-on state, the partition-wide processor settings of the host included. Called while
    /// no vCPU runs; the monitor resets the vCPUs and loads guest memory afresh.
    pub fn reset(&self) {
        self.xics.reset();
        self.console.reset();
        self.areas.reset();
        self.events.reset();
        lock(&self.joined).clear();
        self.host.set_interrupt_little_endian(false);
        self.host.set_interrupt_location(InterruptLocation::Real);
        self.host.set_process_table(None);
        if let Some(Err(undrained)) = self.scm.as_ref().map(|scm| scm.reset()) {
            tracing::error!(%undrained, "persistent memory was reset with flushes outstanding");
        }
    }

    /// What the machine was made of.
    pub fn config(&self) -> &PlatformConfig {
        &self.config
    }

    /// The vCPUs of the machine.
    pub(crate) fn vcpus(&self) -> impl Iterator<Item = VcpuId> {
        (0..self.config.vcpus).map(VcpuId)
    }

    /// The vCPUs that are not stopped.
    pub(crate) fn running_vcpus(&self) -> impl Iterator<Item = VcpuId> {
        self.vcpus().filter(|id| !self.host.is_stopped(*id))
    }

    /// Whether the machine has such a vCPU.
    pub(crate) fn has_vcpu(&self, id: VcpuId) -> bool {
        id.0 < self.config.vcpus
    }

    /// A vCPU is about to wait.
    pub(crate) fn wait_begins(&self, vcpu: VcpuId) {
        self.areas.set_waiting(self.host.memory(), vcpu, true);
    }

    /// A vCPU does not wait in H_JOIN any more, if it did.
    pub(crate) fn release_from_join(&self, vcpu: VcpuId) {
        lock(&self.joined).remove(&vcpu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Event, Machine};

    #[test]
    fn the_kernel_starts_with_the_tree_and_without_firmware() {
        let m = Machine::new(1);
        let kernel = m.platform.config().kernel_start;
        let state = m.platform.boot_state(0x123_0000);
        assert_eq!(
            (state.nia, state.r3, state.r4, state.r5),
            (kernel, 0x123_0000, kernel, 0)
        );
    }

    #[test]
    fn a_reset_puts_the_processors_and_the_console_back() {
        let m = Machine::new(2);
        m.platform.console_input(b"typed before the reset");
        m.platform.reset();
        let expected = [
            Event::LittleEndian(false),
            Event::Location(InterruptLocation::Real),
            Event::ProcessTable(None),
        ];
        assert_eq!(m.host.events(), expected);
        let out = m
            .hcall_outputs(0, crate::hcall::abi::H_GET_TERM_CHAR, &[0])
            .1;
        assert_eq!(out[0], 0);
    }

    #[test]
    fn an_impossible_machine_is_refused() {
        let m = Machine::new(1);
        let config = PlatformConfig {
            vcpus: 99,
            ..crate::testing::config(1)
        };
        let refused = Platform::new(
            m.host.clone(),
            config,
            Box::new(crate::testing::Screen::default()),
            None,
        );
        assert_eq!(refused.err(), Some(ConfigError::VcpuCount(99)));
    }
}
