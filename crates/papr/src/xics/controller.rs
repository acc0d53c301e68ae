//! What an XICS does, without locks and interrupt lines.
//!
//! An interrupt of a source is *latched* in the source until a presentation controller takes it,
//! *presented* until the guest accepts it by reading XIRR, and given back to the source (latched
//! again) when something more favoured takes its place, when the guest raises the bar (CPPR), or
//! when it masks or re-routes the source meanwhile. A lower number is a more favoured priority; an
//! interrupt is presented only if it is more favoured than CPPR.
//!
//! All sources of this platform are edge-triggered, so end-of-interrupt does nothing but to restore
//! CPPR; an interrupt that comes in while an earlier one of the same source is being handled is
//! latched and comes after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Number of an interrupt source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Irq(pub u32);

/// The source number under which an inter-processor interrupt shows in XIRR.
pub(crate) const IPI: Irq = Irq(2);

/// The least favoured priority: a source that has it is masked, an MFRR that has it asks for
/// nothing.
pub(crate) const MASKED: u8 = 0xFF;

/// What is presented to a vCPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// The source, or 2 for an inter-processor interrupt.
    pub irq: Irq,
    /// The priority at which it is presented.
    pub priority: u8,
}

/// The presentation controller of one vCPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icp {
    /// Current processor priority.
    pub cppr: u8,
    /// Most favoured request: asks for an IPI at this priority.
    pub mfrr: u8,
    /// What the guest will accept when it reads XIRR.
    pub presented: Option<Presented>,
}

const POWER_ON: Icp = Icp {
    cppr: 0,
    mfrr: MASKED,
    presented: None,
};

/// One interrupt source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The vCPU that its interrupts go to.
    pub server: u32,
    /// Their priority; 0xFF for none.
    pub priority: u8,
    /// What `ibm,int-on` restores.
    pub saved_priority: u8,
    /// An interrupt waits to be presented.
    pub latched: bool,
}

const UNROUTED: Source = Source {
    server: 0,
    priority: MASKED,
    saved_priority: MASKED,
    latched: false,
};

/// Where a source's interrupts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// vCPU.
    pub(crate) server: u32,
    /// Priority; [`MASKED`] for none.
    pub(crate) priority: u8,
}

/// The controller of a machine. Methods that take a server do nothing where there is no such
/// server: callers check with [`has_server`](Controller::has_server) to answer the guest.
#[derive(Debug)]
pub(crate) struct Controller {
    pub(super) icps: Vec<Icp>,
    pub(super) sources: BTreeMap<Irq, Source>,
}

impl Controller {
    /// A controller in its power-on state.
    pub(crate) fn new(servers: u32, sources: impl IntoIterator<Item = Irq>) -> Self {
        Controller {
            icps: (0..servers).map(|_| POWER_ON).collect(),
            sources: sources.into_iter().map(|irq| (irq, UNROUTED)).collect(),
        }
    }

    /// Back to power-on: nothing latched, nothing presented, everything masked.
    pub(crate) fn reset(&mut self) {
        self.icps.fill(POWER_ON);
        self.sources
            .values_mut()
            .for_each(|source| *source = UNROUTED);
    }

    /// Whether there is such a server.
    pub(crate) fn has_server(&self, server: u32) -> bool {
        (server as usize) < self.icps.len()
    }

    /// How many servers there are.
    pub(crate) fn servers(&self) -> u32 {
        self.icps.len() as u32
    }

    /// The level of a server's external-interrupt line.
    pub(crate) fn wire(&self, server: u32) -> bool {
        self.icps
            .get(server as usize)
            .is_some_and(|p| p.presented.is_some())
    }

    /// XIRR, unchanged: CPPR in the top 8 bits, the presented source (0: none) in the others.
    pub(crate) fn xirr(&self, server: u32) -> u32 {
        let Some(p) = self.icps.get(server as usize) else {
            return 0;
        };
        (u32::from(p.cppr) << 24) | p.presented.map_or(0, |presented| presented.irq.0)
    }

    /// MFRR.
    pub(crate) fn mfrr(&self, server: u32) -> u8 {
        self.icps.get(server as usize).map_or(MASKED, |p| p.mfrr)
    }

    /// Reads XIRR and with it accepts the presented interrupt: CPPR becomes its priority. With
    /// nothing presented nothing changes.
    pub(crate) fn accept(&mut self, server: u32) -> u32 {
        let xirr = self.xirr(server);
        if let Some(p) = self.icps.get_mut(server as usize)
            && let Some(accepted) = p.presented.take()
        {
            p.cppr = accepted.priority;
        }
        // Whatever else waits was less favoured than what was presented, so it has to wait for
        // CPPR.
        xirr
    }

    /// Sets CPPR.
    pub(crate) fn set_cppr(&mut self, server: u32, cppr: u8) {
        if let Some(p) = self.icps.get_mut(server as usize) {
            p.cppr = cppr;
            self.evaluate(server);
        }
    }

    /// End of interrupt: the guest writes back an XIRR.
    pub(crate) fn end_of_interrupt(&mut self, server: u32, xirr: u32) {
        self.set_cppr(server, (xirr >> 24) as u8);
    }

    /// Sets MFRR, which asks for an IPI where it is more favoured than CPPR. An IPI that is
    /// presented already stays so.
    pub(crate) fn set_mfrr(&mut self, server: u32, mfrr: u8) {
        if let Some(p) = self.icps.get_mut(server as usize) {
            p.mfrr = mfrr;
            self.evaluate(server);
        }
    }

    /// An edge on a source's line. One that comes while an earlier one is presented and not
    /// accepted is the same interrupt: the handler that will run sees what both were about.
    pub(crate) fn pulse(&mut self, irq: Irq) {
        if self.holder(irq).is_some() {
            return;
        }
        if let Some(source) = self.sources.get_mut(&irq) {
            source.latched = true;
            let server = source.server;
            self.evaluate(server);
        }
    }

    /// The ICP that presents a source's interrupt, if one does.
    fn holder(&self, irq: Irq) -> Option<usize> {
        self.icps
            .iter()
            .position(|p| p.presented.is_some_and(|presented| presented.irq == irq))
    }

    /// Where a source's interrupts go; `None` for a source that does not exist.
    pub(crate) fn route(&self, irq: Irq) -> Option<Route> {
        self.sources.get(&irq).map(|s| Route {
            server: s.server,
            priority: s.priority,
        })
    }

    /// Routes a source. False where there is no such source or server.
    pub(crate) fn set_route(&mut self, irq: Irq, route: Route) -> bool {
        self.has_server(route.server)
            && self.change(irq, |source| {
                (source.server, source.priority, source.saved_priority) =
                    (route.server, route.priority, route.priority);
            })
    }

    /// Masks a source and remembers its priority. False where there is no such source.
    pub(crate) fn turn_off(&mut self, irq: Irq) -> bool {
        self.change(irq, |source| source.priority = MASKED)
    }

    /// Gives a source the priority that it had before it was turned off. False where there is no
    /// such source.
    pub(crate) fn turn_on(&mut self, irq: Irq) -> bool {
        self.change(irq, |source| source.priority = source.saved_priority)
    }

    /// Changes how a source is routed; if it is presented somewhere it is taken back first.
    fn change(&mut self, irq: Irq, apply: impl FnOnce(&mut Source)) -> bool {
        let holder = self.holder(irq);
        let Some(source) = self.sources.get_mut(&irq) else {
            return false;
        };
        if let Some(holder) = holder {
            self.icps[holder].presented = None;
            source.latched = true;
        }
        apply(source);
        let server = source.server;
        if let Some(holder) = holder {
            self.evaluate(holder as u32);
        }
        self.evaluate(server);
        true
    }

    /// Makes what is presented to a server what should be: gives back what CPPR no longer admits,
    /// and presents the most favoured of what waits if it is more favoured than what is presented.
    pub(super) fn evaluate(&mut self, server: u32) {
        let Some(p) = self.icps.get_mut(server as usize) else {
            return;
        };
        if let Some(presented) = p
            .presented
            .take_if(|presented| presented.priority >= p.cppr)
        {
            give_back(&mut self.sources, presented.irq);
        }
        let bar = p.presented.map_or(p.cppr, |presented| presented.priority);
        let ipi = Presented {
            irq: IPI,
            priority: p.mfrr,
        };
        let waiting = self
            .sources
            .iter()
            .filter(|(_, source)| source.latched && source.server == server);
        let waiting = waiting.map(|(irq, source)| Presented {
            irq: *irq,
            priority: source.priority,
        });
        // The IPI first: between equals it wins, which costs less than a source that could starve
        // it.
        let best = std::iter::once(ipi)
            .chain(waiting)
            .filter(|c| c.priority < bar)
            .min_by_key(|c| c.priority);
        let Some(best) = best else { return };
        if let Some(displaced) = p.presented.replace(best) {
            give_back(&mut self.sources, displaced.irq);
        }
        if let Some(source) = self.sources.get_mut(&best.irq) {
            source.latched = false;
        }
    }
}

/// An interrupt that was presented and not accepted waits in its source again. An IPI waits in
/// MFRR.
fn give_back(sources: &mut BTreeMap<Irq, Source>, irq: Irq) {
    if let Some(source) = sources.get_mut(&irq) {
        source.latched = true;
    }
}
