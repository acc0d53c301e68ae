//! The two partitions, and what the machine's own tells them between two stretches: settings, signals, the time.

use std::sync::Arc;

use power::Partition;
use power::signals::{EXTERNAL, KICK, SYSTEM_RESET};

/// The vCPU that is run in lock step.
pub(crate) const VCPU: u32 = 0;

/// The machine's partition and those that its guest runs in.
pub(crate) struct Sides {
    pub(crate) machine: Arc<Partition>,
    pub(crate) jit: Arc<Partition>,
    pub(crate) interpreter: Arc<Partition>,
}

impl Sides {
    pub(crate) fn new(machine: &Arc<Partition>) -> Self {
        Self {
            machine: Arc::clone(machine),
            jit: Partition::new(1),
            interpreter: Partition::new(1),
        }
    }

    pub(crate) fn both(&self) -> [&Arc<Partition>; 2] {
        [&self.jit, &self.interpreter]
    }

    /// What hypercalls set for the whole partition.
    pub(crate) fn follow_settings(&self) {
        let table = self.machine.process_table();
        for side in self.both() {
            if side.process_table() != table {
                side.set_process_table(table);
            }
            side.set_interrupt_little_endian(self.machine.interrupt_little_endian());
            side.set_interrupts_relocated(self.machine.interrupts_relocated());
        }
    }

    /// Hands over what the wires say; whether the monitor wants to be returned to. Demands to drop translations need no look: both
    /// sides have memory maps of their own, and drop theirs where those change.
    pub(crate) fn take_signals(&self) -> bool {
        let Some(wires) = self.machine.signals(VCPU) else {
            return true;
        };
        if wires.clear(KICK) != 0 {
            return true;
        }
        let external = wires.flags() & EXTERNAL;
        let reset = wires.clear(SYSTEM_RESET);
        for side in self.both() {
            if let Some(signals) = side.signals(VCPU) {
                signals.clear(EXTERNAL & !external);
                if external | reset != 0 {
                    signals.raise(external | reset);
                }
            }
        }
        false
    }

    /// Takes back the kick that ends a stretch: where the stretch ended before, it is still up.
    pub(crate) fn end_stretch(&self) {
        for side in self.both() {
            if let Some(signals) = side.signals(VCPU) {
                signals.clear(KICK);
            }
        }
    }

    /// Lets both read the machine's time, which stands still from now on.
    pub(crate) fn hold_clocks(&self) {
        let now = self.machine.time_base.now();
        for side in self.both() {
            side.time_base.hold(now);
        }
    }

    /// The clocks go on as the machine's does.
    pub(crate) fn release_clocks(&self) {
        for side in self.both() {
            side.time_base.release();
            side.time_base.set(self.machine.time_base.now());
        }
    }
}
