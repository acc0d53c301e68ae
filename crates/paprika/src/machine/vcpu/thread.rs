//! The body of a vCPU's thread: waits to be started, runs the guest, hands hypercalls to the platform, waits when the guest does.

use std::sync::Arc;
use std::time::Instant;

use papr::vcpu::{Vcpu, VcpuId};
use papr::{Action, MachineExit, Platform};
use power::signals::{EXTERNAL, KICK, PROD, SYSTEM_RESET};
use power::{Cpu, CpuStatistics, Exit, Partition};
use tracing::{debug, error};

use super::control::{Begin, VcpuControl};
use super::halt_poll::{Awake, HaltPoller};
use crate::machine::processor::{Engine, Processor};
use crate::machine::state::Phase;
use crate::memory;

/// How a vCPU brought the machine to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) enum VcpuEvent {
    /// A hypercall or RTAS call ended it.
    Exit(MachineExit),
    /// A machine check that the guest could not take.
    Checkstop { vcpu: u32, ea: u64, nia: u64 },
    /// The host could not give a byte of an NVDIMM.
    BackingFailed,
    /// The engines that ran in lock step differ, or could not go on: what there is to say.
    Parted(String),
}

/// The body of a vCPU's thread.
pub(in crate::machine) fn run(
    partition: &Arc<Partition>,
    platform: &Platform,
    control: &VcpuControl,
    id: VcpuId,
    engine: &Engine,
    report: &dyn Fn(VcpuEvent),
) -> CpuStatistics {
    let mut processor = match Processor::new(partition, id, engine) {
        Ok(processor) => processor,
        Err(error) => {
            report(VcpuEvent::Parted(error.to_string()));
            return CpuStatistics::default();
        }
    };
    control.set_lock_step(processor.in_lock_step());
    while let Some(begin) = control.wait_for_start(&processor.cpu) {
        let phase = match begin {
            Begin::Start(start) => {
                debug!(vcpu = id.0, ?start, "vCPU starts");
                processor.reset(&start);
                control.signals().clear(KICK | PROD | SYSTEM_RESET);
                Phase::Running
            }
            Begin::GoOn(saved) => {
                debug!(vcpu = id.0, phase = ?saved.phase, "vCPU goes on");
                if let Err(problem) = processor.import(&saved.cpu) {
                    // It was tried before the machine was accepted.
                    error!(vcpu = id.0, %problem, "a vCPU can't go on");
                    continue;
                }
                saved.phase
            }
        };
        let mut waits = Waits {
            platform,
            control,
            halt_poll: HaltPoller::default(),
            awake: Some(Awake::new()),
        };
        waits.wait(&processor.cpu, phase);
        while control.may_run(&processor.cpu, Phase::Running) {
            let ran = processor.run();
            control.count_instructions(processor.cpu.instructions_executed());
            let last = if memory::failure().is_some() {
                // What the guest has seen since is not to be believed: nothing is acknowledged any more.
                Some(VcpuEvent::BackingFailed)
            } else {
                match ran {
                    Err(error) => Some(VcpuEvent::Parted(error.to_string())),
                    Ok(Exit::Kicked) => None,
                    Ok(Exit::Hypercall) => {
                        control.count_hypercall();
                        match platform.hypercall(&mut processor) {
                            Action::Resume => None,
                            Action::Cede => {
                                waits.wait(&processor.cpu, Phase::Ceded);
                                None
                            }
                            Action::WaitForProd => {
                                waits.wait(&processor.cpu, Phase::WaitsForProd);
                                None
                            }
                            Action::Yield => {
                                std::thread::yield_now();
                                None
                            }
                            Action::StopSelf => break,
                            Action::Exit(exit) => Some(VcpuEvent::Exit(exit)),
                        }
                    }
                    Ok(Exit::Checkstop { ea, nia }) => Some(VcpuEvent::Checkstop {
                        vcpu: id.0,
                        ea,
                        nia,
                    }),
                }
            };
            if let Some(event) = last {
                control.final_word();
                report(event);
                break;
            }
        }
        debug!(vcpu = id.0, "vCPU stops");
    }
    processor.cpu.statistics()
}

/// What a vCPU needs to wait.
struct Waits<'a> {
    platform: &'a Platform,
    control: &'a VcpuControl,
    halt_poll: HaltPoller,
    /// Always there, but while the thread sleeps.
    awake: Option<Awake>,
}

impl Waits<'_> {
    /// The guest waits, where its phase is a wait: until a signal that ends it, a stop, or (where it counts) the decrementer. A
    /// pause does not end the wait.
    fn wait(&mut self, cpu: &Cpu, phase: Phase) {
        let (flags, decrementer) = match phase {
            Phase::Running | Phase::Stopped => return,
            Phase::Ceded => (EXTERNAL | PROD, true),
            Phase::WaitsForProd => (PROD, false),
        };
        let ending = flags | SYSTEM_RESET;
        loop {
            // Anew after a pause, in which the guest's time has stood still.
            let deadline = decrementer.then(|| {
                let left = u64::try_from(cpu.decrementer()).unwrap_or(0);
                Instant::now() + power::time::duration_of(left)
            });
            let up = self.sleep(ending | KICK, deadline);
            if up & ending != 0 || up & KICK == 0 {
                break;
            }
            self.control.signals().clear(KICK);
            if !self.control.may_run(cpu, phase) {
                break;
            }
        }
        self.control.signals().clear(PROD);
        self.platform.wait_ended(VcpuId(cpu.id()));
    }

    /// Waits until one of `flags` is up or the deadline has passed; the flags found up are returned.
    fn sleep(&mut self, flags: u32, deadline: Option<Instant>) -> u32 {
        let signals = self.control.signals();
        let begin = Instant::now();
        let mut up = self.halt_poll.poll(signals, flags, deadline);
        if up == 0 {
            self.awake = None;
            up = signals.wait(flags, deadline);
            self.awake = Some(Awake::new());
        }
        self.halt_poll.learn(begin.elapsed());
        up
    }
}
