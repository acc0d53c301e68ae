//! The interrupt controller as the machine's threads share it: behind a lock, and wired to the
//! vCPUs.

use std::sync::{Arc, Mutex};

use super::controller::{Controller, Irq, Route};
use super::state::XicsState;
use crate::host::Host;
use crate::vcpu::VcpuId;
use papr_dr::sync::lock;

/// The interrupt controller of a machine.
///
/// The lock is held while interrupt lines are driven: two threads that changed the same interrupt
/// line in one order and drove it in the other would leave it at the wrong level for good. So
/// [`Host::set_external_interrupt`] must not call the platform.
pub(crate) struct Xics {
    host: Arc<dyn Host>,
    inner: Mutex<Inner>,
}

struct Inner {
    controller: Controller,
    /// The level that each interrupt line was last driven to.
    driven: Vec<bool>,
}

impl Xics {
    /// A controller in its power-on state, with all interrupt lines low.
    pub(crate) fn new(
        host: Arc<dyn Host>,
        servers: u32,
        sources: impl IntoIterator<Item = Irq>,
    ) -> Self {
        let controller = Controller::new(servers, sources);
        let driven = vec![false; servers as usize];
        Xics {
            host,
            inner: Mutex::new(Inner { controller, driven }),
        }
    }

    /// Does something to the controller, then drives the interrupt lines that changed.
    fn with<R>(&self, work: impl FnOnce(&mut Controller) -> R) -> R {
        let mut inner = lock(&self.inner);
        let result = work(&mut inner.controller);
        for server in 0..inner.controller.servers() {
            let level = inner.controller.wire(server);
            if let Some(driven) = inner.driven.get_mut(server as usize)
                && *driven != level
            {
                *driven = level;
                self.host.set_external_interrupt(VcpuId(server), level);
            }
        }
        result
    }

    /// Back to power-on. Every interrupt line is driven low, whatever it was.
    pub(crate) fn reset(&self) {
        let mut inner = lock(&self.inner);
        inner.controller.reset();
        inner.driven.fill(false);
        for server in 0..inner.controller.servers() {
            self.host.set_external_interrupt(VcpuId(server), false);
        }
    }

    /// The state to save.
    pub(crate) fn export(&self) -> XicsState {
        lock(&self.inner).controller.export()
    }

    /// Whether a saved state is one of a controller like this.
    pub(crate) fn accepts(&self, state: &XicsState) -> bool {
        lock(&self.inner).controller.accepts(state)
    }

    /// Goes to a state that it [`accepts`](Xics::accepts), and drives every interrupt line,
    /// whatever it was.
    pub(crate) fn import(&self, state: XicsState) {
        let mut inner = lock(&self.inner);
        inner.controller.import(state);
        for server in 0..inner.controller.servers() {
            let level = inner.controller.wire(server);
            if let Some(driven) = inner.driven.get_mut(server as usize) {
                *driven = level;
            }
            self.host.set_external_interrupt(VcpuId(server), level);
        }
    }

    /// The partition's time base.
    pub(super) fn time_base(&self) -> u64 {
        self.host.time_base()
    }

    /// The numbers of servers: 0 to the last vCPU that the machine can have.
    pub(super) fn servers(&self) -> u32 {
        lock(&self.inner).controller.servers()
    }

    /// Whether there is such a server.
    pub(crate) fn has_server(&self, server: u32) -> bool {
        lock(&self.inner).controller.has_server(server)
    }

    /// XIRR and MFRR of a server, unchanged.
    pub(crate) fn poll(&self, server: u32) -> (u32, u8) {
        let inner = lock(&self.inner);
        (inner.controller.xirr(server), inner.controller.mfrr(server))
    }

    /// Accepts what is presented to a server.
    pub(crate) fn accept(&self, server: u32) -> u32 {
        self.with(|c| c.accept(server))
    }

    /// Sets CPPR.
    pub(crate) fn set_cppr(&self, server: u32, cppr: u8) {
        self.with(|c| c.set_cppr(server, cppr));
    }

    /// Sets MFRR.
    pub(crate) fn set_mfrr(&self, server: u32, mfrr: u8) {
        self.with(|c| c.set_mfrr(server, mfrr));
    }

    /// End of interrupt.
    pub(crate) fn end_of_interrupt(&self, server: u32, xirr: u32) {
        self.with(|c| c.end_of_interrupt(server, xirr));
    }

    /// An edge on a source's line.
    pub(crate) fn pulse(&self, irq: Irq) {
        self.with(|c| c.pulse(irq));
    }

    /// Where a source goes: server and priority.
    pub(crate) fn route(&self, irq: Irq) -> Option<(u32, u8)> {
        lock(&self.inner)
            .controller
            .route(irq)
            .map(|route| (route.server, route.priority))
    }

    /// Routes a source. False where there is no such source or server.
    pub(crate) fn set_route(&self, irq: Irq, server: u32, priority: u8) -> bool {
        self.with(|c| c.set_route(irq, Route { server, priority }))
    }

    /// Masks a source. False where there is none.
    pub(crate) fn turn_off(&self, irq: Irq) -> bool {
        self.with(|c| c.turn_off(irq))
    }

    /// Unmasks a source. False where there is none.
    pub(crate) fn turn_on(&self, irq: Irq) -> bool {
        self.with(|c| c.turn_on(irq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    const SOURCE: Irq = Irq(0x1100);

    fn xics(host: &Arc<FakeHost>) -> Xics {
        let xics = Xics::new(host.clone(), 2, [SOURCE]);
        xics.set_route(SOURCE, 1, 5);
        xics.set_cppr(1, 0xFF);
        xics
    }

    #[test]
    fn a_wire_rises_with_the_interrupt_and_falls_when_it_is_accepted() {
        let host = FakeHost::new();
        let xics = xics(&host);
        xics.pulse(SOURCE);
        assert_eq!(host.interrupt_lines(), [(1, true)]);
        assert_eq!(xics.accept(1), 0xFF00_1100);
        assert_eq!(host.interrupt_lines(), [(1, true), (1, false)]);
    }

    #[test]
    fn a_wire_that_does_not_change_is_not_driven() {
        let host = FakeHost::new();
        let xics = xics(&host);
        xics.pulse(SOURCE);
        xics.pulse(SOURCE);
        xics.set_mfrr(1, 2);
        assert_eq!(host.interrupt_lines(), [(1, true)]);
    }

    #[test]
    fn a_reset_forgets_interrupts_and_lowers_every_wire() {
        let host = FakeHost::new();
        let xics = xics(&host);
        xics.pulse(SOURCE);
        xics.reset();
        assert_eq!(host.interrupt_lines(), [(1, true), (0, false), (1, false)]);
        assert_eq!(xics.route(SOURCE), Some((0, 0xFF)));
        assert_eq!(xics.poll(1), (0, 0xFF));
    }

    #[test]
    fn interrupt_lines_are_at_the_right_level_however_threads_race() {
        const SERVERS: u32 = 4;
        let host = FakeHost::new();
        let xics = Xics::new(host.clone(), SERVERS, [SOURCE]);
        (0..SERVERS).for_each(|server| xics.set_cppr(server, 0xFF));
        std::thread::scope(|scope| {
            for own in 0..SERVERS {
                let xics = &xics;
                scope.spawn(move || {
                    for round in 0..2000 {
                        xics.set_mfrr((own + round) % SERVERS, 4);
                        xics.set_route(SOURCE, round % SERVERS, 5);
                        xics.pulse(SOURCE);
                        let xirr = xics.accept(own);
                        xics.set_mfrr(own, 0xFF);
                        xics.end_of_interrupt(own, xirr | 0xFF00_0000);
                    }
                });
            }
        });
        for server in 0..SERVERS {
            let driven = host
                .interrupt_lines()
                .iter()
                .rev()
                .find(|(vcpu, _)| *vcpu == server)
                .is_some_and(|(_, level)| *level);
            assert_eq!(
                driven,
                xics.poll(server).0 & 0x00FF_FFFF != 0,
                "server {server}"
            );
        }
    }
}
