//! Events as a part of the platform: check-exception and event-scan (PAPR, "Error and Event
//! Notification"), and the interrupts by which a guest hears that there is something to fetch.

use std::sync::Arc;

use device_tree::Node;
use serde_json::Value;

use super::{Class, Event, Events, EventsState, Fetch, QueueFull};
use crate::clock::Clock;
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::rtas::{Answer, Request, Service, status};
use crate::xics::{EDGE, Xics};

/// The events of a machine, with the interrupts that announce them.
pub(crate) struct EventSources {
    events: Events,
    clock: Arc<Clock>,
    xics: Arc<Xics>,
}

impl EventSources {
    /// Nothing has happened. The classes' interrupts are sources of `xics`.
    pub(crate) fn new(clock: &Arc<Clock>, xics: &Arc<Xics>) -> Self {
        EventSources {
            events: Events::default(),
            clock: Arc::clone(clock),
            xics: Arc::clone(xics),
        }
    }

    /// Queues an event, and raises the interrupt of its class.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub(crate) fn raise(&self, event: Event) -> Result<(), QueueFull> {
        let class = self.events.push(event)?;
        self.xics.pulse(class.irq());
        Ok(())
    }

    /// Whether a request to power off waits.
    pub(crate) fn power_off_waits(&self) -> bool {
        self.events.power_off_waits()
    }
}

impl Part for EventSources {
    fn name(&self) -> &'static str {
        "events"
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(0x200E, "check-exception", 6..=7, 1, &self, check_exception),
            Service::new(0x200F, "event-scan", 4..=4, 1, &self, event_scan),
        ]
    }

    /// `/event-sources`: the interrupts by which the guest hears of events.
    fn device_tree(&self) -> Vec<Node> {
        let irqs = Class::ALL.iter().map(|class| class.irq().0);
        let ranges: Vec<u32> = irqs.flat_map(|irq| [irq, 1]).collect();
        let node = Node::new("event-sources")
            .flag("interrupt-controller")
            .u32("#interrupt-cells", 2)
            .cells("interrupt-ranges", &ranges);
        let node = Class::ALL.iter().fold(node, |node, class| {
            node.child(Node::new(class.node()).cells("interrupts", &[class.irq().0, EDGE]))
        });
        vec![node]
    }

    fn reset(&self) {
        self.events.reset();
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    fn export(&self) -> Value {
        to_value(&self.events.export())
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let state: EventsState = from_value(state)?;
        if !state.is_possible() {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || self.events.import(state)))
    }
}

/// check-exception: vector, additional information, event mask, whether critical, buffer, its
/// length (and more additional information). Hands over the first event of the classes in the mask.
///
/// Where more events of that class wait its interrupt is raised again, as a guest fetches one event
/// per interrupt.
fn check_exception(sources: &EventSources, request: &Request<'_>) -> Answer {
    let &[_, _, mask, _, buffer, length, ..] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let deliver = |log: &[u8]| {
        log.len() <= length as usize && request.memory.write(buffer.into(), log).is_ok()
    };
    match sources.events.fetch(mask, sources.clock.now().0, deliver) {
        Fetch::Nothing => Answer::status(status::NO_EVENT),
        Fetch::Refused => Answer::status(status::PARAMETER),
        Fetch::Done(class, more) => {
            if more {
                sources.xics.pulse(class.irq());
            }
            Answer::SUCCESS
        }
    }
}

/// event-scan: event mask, whether critical, buffer and its length. There are no errors of hardware
/// to report.
fn event_scan(_: &EventSources, _: &Request<'_>) -> Answer {
    Answer::status(status::NO_EVENT)
}

#[cfg(test)]
mod tests {
    use crate::events::{HotPlug, HotPlugAction, HotPlugResource};
    use crate::testing::{MEMORY, Machine};

    const ADD: HotPlug = HotPlug {
        resource: HotPlugResource::PersistentMemory,
        action: HotPlugAction::Add,
        drc_index: 0x9000_0001,
    };
    const HOT_PLUG_MASK: u32 = 0x1000_0000;

    fn check(m: &Machine, mask: u32, buffer: u32, length: u32) -> i32 {
        m.rtas_named(
            0,
            "check-exception",
            &[0x500, 0x1001, mask, 0, buffer, length],
            1,
        )[0]
    }

    #[test]
    fn there_is_no_hardware_error_to_report() {
        assert_eq!(
            Machine::new(1).rtas_named(0, "event-scan", &[0xF000_0000, 0, 0x4000, 2048], 1),
            [1]
        );
    }

    #[test]
    fn each_event_raises_an_interrupt_and_is_fetched_once() {
        let m = Machine::new(1);
        m.open_interrupts(0, 0x1001);
        m.platform.hot_plug(ADD).expect("there is room");
        m.platform.hot_plug(ADD).expect("there is room");
        assert_eq!(m.platform.xics.accept(0), 0xFF00_1001);
        assert_eq!(check(&m, HOT_PLUG_MASK, 0x4000, 2048), 0);
        m.platform.xics.end_of_interrupt(0, 0xFF00_1001);
        assert_eq!(m.platform.xics.accept(0), 0xFF00_1001, "the second");
        assert_eq!(check(&m, HOT_PLUG_MASK, 0x4000, 2048), 0);
        m.platform.xics.end_of_interrupt(0, 0xFF00_1001);
        assert_eq!(check(&m, HOT_PLUG_MASK, 0x4000, 2048), 1);
        assert_eq!(m.platform.xics.accept(0), 0xFF00_0000);
    }

    #[test]
    fn an_event_that_finds_no_room_is_kept() {
        let m = Machine::new(1);
        m.platform.hot_plug(ADD).expect("there is room");
        assert_eq!(check(&m, HOT_PLUG_MASK, 0x4000, 16), -3);
        assert_eq!(check(&m, HOT_PLUG_MASK, (MEMORY - 16) as u32, 2048), -3);
        assert_eq!(check(&m, HOT_PLUG_MASK, u32::MAX, u32::MAX), -3);
        assert_eq!(check(&m, HOT_PLUG_MASK, 0x4000, 2048), 0);
        assert_eq!(m.read_words(0x4000, 1)[0] & 0xFF, 0xE5);
    }

    #[test]
    fn a_request_to_power_off_is_heard_and_read_from_the_sensor() {
        let m = Machine::new(1);
        let sensor = || m.rtas_named(0, "get-sensor-state", &[9, 0], 2);
        m.open_interrupts(0, 0x1000);
        assert_eq!(sensor(), [0, 0]);
        m.platform.request_power_off().expect("there is room");
        assert_eq!(m.platform.xics.accept(0), 0xFF00_1000);
        assert_eq!(sensor(), [0, 3]);
        let args = [0x500, 0x1000, 0x4000_0000, 0, 0x4000, 2048, 0];
        assert_eq!(
            m.rtas_named(0, "check-exception", &args, 1),
            [0],
            "with seven arguments too"
        );
        assert_eq!(m.read_words(0x4000, 1)[0] & 0xFF, 0x40);
    }

    #[test]
    fn a_reset_forgets_events() {
        let m = Machine::new(1);
        m.platform.hot_plug(ADD).expect("there is room");
        m.platform.reset();
        assert_eq!(check(&m, u32::MAX, 0x4000, 2048), 1);
    }
}
