//! The machine as a whole: what a monitor holds, shares between its vCPU threads, and asks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use papr_dr::sync::lock;

use crate::action::Action;
use crate::clock::Clock;
use crate::config::{ConfigError, PlatformConfig};
use crate::console::{Console, ConsoleBackend, VTY_IRQ};
use crate::dr::DynamicReconfiguration;
use crate::events::{Class, Event, EventSources, HotPlug, QueueFull};
use crate::fdt::{self, DeviceTreeError};
use crate::hcall::{Hypercall, HypercallTable, abi};
use crate::host::Host;
use crate::memory::RealModeMemory;
use crate::nvram::{Nvram, NvramSizeError};
use crate::part::Part;
use crate::partition::Partition;
use crate::processors::{Processors, SharedAreas};
use crate::rtas::{self, ServiceTable};
use crate::vcpu::{StartState, Vcpu, VcpuId};
use crate::xics::Xics;

/// The pseries platform of one machine: a list of parts, and tables of what they answer for.
///
/// All methods may be called from any thread. The methods of [`Host`] must not call back into the
/// platform.
pub struct Platform {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) config: Arc<PlatformConfig>,
    /// In the order in which they are reset and add to the device tree; the interrupt controller
    /// first.
    pub(crate) parts: Vec<Arc<dyn Part>>,
    pub(crate) hypercalls: HypercallTable,
    pub(crate) rtas: Arc<ServiceTable>,
    // Parts that methods of the platform reach.
    pub(crate) xics: Arc<Xics>,
    pub(crate) console: Arc<Console>,
    pub(crate) events: Arc<EventSources>,
    pub(crate) nvram: Arc<Nvram>,
    pub(crate) processors: Arc<Processors>,
    /// Held while something arrives from outside, and while the state is exported: what arrives and
    /// its interrupt are one thing.
    pub(crate) arrivals: Mutex<()>,
}

impl Platform {
    /// A machine in its power-on state, whose guest's console output goes to `console`, with the
    /// parts that every machine has, and those that this one has besides ([`PersistentMemory`]).
    ///
    /// # Errors
    /// Where there can't be such a machine, or two parts have the same name, hypercall or service.
    ///
    /// [`PersistentMemory`]: crate::PersistentMemory
    pub fn new(
        host: Arc<dyn Host>,
        config: PlatformConfig,
        console: Box<dyn ConsoleBackend>,
        besides: Vec<Arc<dyn Part>>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let config = Arc::new(config);
        let (vcpus, max_vcpus) = (config.vcpus, config.max_vcpus);
        let sources = Class::ALL.map(Class::irq).into_iter().chain([VTY_IRQ]);
        let xics = Arc::new(Xics::new(host.clone(), max_vcpus, sources));
        let console = Arc::new(Console::new(console));
        let clock = Arc::new(Clock::default());
        let events = Arc::new(EventSources::new(&clock, &xics));
        let nvram = Arc::new(Nvram::default());
        let areas = Arc::new(SharedAreas::new(vcpus, max_vcpus));
        let processors = Arc::new(Processors::new(&host, vcpus, &areas));
        let mut parts: Vec<Arc<dyn Part>> = vec![
            xics.clone(),
            console.clone(),
            areas,
            events.clone(),
            processors.clone(),
            nvram.clone(),
            clock,
            Arc::new(RealModeMemory),
            Arc::new(Partition::new(&host, &config)),
        ];
        parts.extend(besides);
        parts.push(Arc::new(DynamicReconfiguration::new(&parts, &events)));

        let mut names = BTreeSet::new();
        for part in &parts {
            part.check_config(&config)?;
            if !names.insert(part.name()) {
                return Err(ConfigError::DuplicatePart(part.name()));
            }
        }
        let services = parts.iter().flat_map(|part| {
            let services = Arc::clone(part).services().into_iter();
            services.map(|service| (part.name(), service))
        });
        let rtas = Arc::new(ServiceTable::new(services)?);
        let call_rtas = Hypercall::new(abi::H_RTAS, &rtas, |rtas, call| {
            rtas.dispatch(call.memory, call.arg(0))
        });
        let hypercalls = parts.iter().flat_map(|part| {
            let hypercalls = Arc::clone(part).hypercalls().into_iter();
            hypercalls.map(|hypercall| (part.name(), hypercall))
        });
        let hypercalls = HypercallTable::new(hypercalls.chain([("rtas", call_rtas)]))?;
        Ok(Platform {
            host,
            config,
            parts,
            hypercalls,
            rtas,
            xics,
            console,
            events,
            nvram,
            processors,
            arrivals: Mutex::default(),
        })
    }

    /// The flattened device tree that the guest is started with.
    ///
    /// # Errors
    /// Where the tree does not fit the format (a command line of gigabytes).
    pub fn device_tree(&self) -> Result<Vec<u8>, DeviceTreeError> {
        let parts = self.parts.iter();
        let announced = fdt::Announced {
            services: self.rtas.services().collect(),
            hypercall_groups: parts
                .clone()
                .flat_map(|part| part.hypercall_groups())
                .copied()
                .collect(),
            nodes: parts.flat_map(|part| part.device_tree()).collect(),
        };
        fdt::device_tree(&self.config, announced)
    }

    /// What the monitor loads at [`PlatformConfig::rtas_base`]; it takes
    /// [`RTAS_SIZE`](crate::RTAS_SIZE) bytes there.
    pub fn rtas_stub(&self) -> Vec<u8> {
        rtas::stub()
    }

    /// How vCPU 0 starts, given where the device tree was loaded. The others stay stopped.
    ///
    /// As after the firmware's hand-over, big-endian: kernels of either endianness switch at their
    /// entry.
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

    /// Does the hypercall (`sc 1`) that `cpu` stands at: opcode in r3, arguments in r4 to r12. Sets
    /// r3 and the outputs and says what becomes of the caller. The next instruction address is the
    /// monitor's to advance.
    pub fn hypercall(&self, cpu: &mut dyn Vcpu) -> Action {
        self.hypercalls.dispatch(self.host.memory(), cpu)
    }

    /// A vCPU's wait for a prod ([`Action::WaitForProd`]) is over: called on its thread before it
    /// goes on.
    pub fn wait_ended(&self, vcpu: VcpuId) {
        self.processors.wait_ended(vcpu);
    }

    /// Text typed at the console. Takes as many bytes as there is room for and answers how many;
    /// the rest can come after [`ConsoleBackend::input_read`].
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

    /// Puts back what [`nvram`](Platform::nvram) gave in an earlier run. Called before the guest
    /// starts.
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

    /// Tells the guest that a resource was plugged, or is asked back. What becomes of it the guest
    /// says by RTAS.
    ///
    /// # Errors
    /// [`QueueFull`] where the guest does not listen.
    pub fn hot_plug(&self, event: HotPlug) -> Result<(), QueueFull> {
        self.raise(Event::HotPlug(event))
    }

    fn raise(&self, event: Event) -> Result<(), QueueFull> {
        let _arrival = lock(&self.arrivals);
        self.events.raise(event)
    }

    /// Everything but the clock and the non-volatile memory back to the power-on state, the
    /// partition-wide processor settings of the host included. Called while no vCPU runs; the
    /// monitor resets the vCPUs and loads guest memory afresh.
    pub fn reset(&self) {
        self.parts.iter().for_each(|part| part.reset());
    }

    /// What the machine was made of.
    pub fn config(&self) -> &PlatformConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::InterruptLocation;
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
            Vec::new(),
        );
        assert_eq!(refused.err(), Some(ConfigError::VcpuCount(99)));
    }
}
