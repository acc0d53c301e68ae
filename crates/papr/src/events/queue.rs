//! Events that wait for the guest: a bounded queue per class.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::{Event, log};
use crate::clock::Calendar;
use crate::xics::Irq;
use papr_dr::sync::lock;

/// Most events of a class that wait. A machine has fewer connectors that matter at one time.
pub(super) const LIMIT: usize = 64;

/// The guest does not fetch its events, so another one has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest has not taken the last {LIMIT} events; is it up, and does it support hot-plug?")]
pub struct QueueFull;

/// The classes of events, each with an interrupt of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Environment and power warnings.
    Epow,
    /// Hot-plug.
    HotPlug,
}

impl Class {
    /// In the order in which a guest that asks for both gets them.
    pub(crate) const ALL: [Class; 2] = [Class::Epow, Class::HotPlug];

    /// The interrupt source.
    pub(crate) const fn irq(self) -> Irq {
        match self {
            Class::Epow => Irq(0x1000),
            Class::HotPlug => Irq(0x1001),
        }
    }

    /// The bit in the event mask of check-exception.
    pub(crate) const fn mask(self) -> u32 {
        match self {
            Class::Epow => 0x4000_0000,
            Class::HotPlug => 0x1000_0000,
        }
    }

    /// The node below `/event-sources`.
    pub(crate) const fn node(self) -> &'static str {
        match self {
            Class::Epow => "epow-events",
            Class::HotPlug => "hot-plug-events",
        }
    }

    const fn of(event: Event) -> Class {
        match event {
            Event::PowerOffRequest => Class::Epow,
            Event::HotPlug(_) => Class::HotPlug,
        }
    }
}

/// The events of a machine that its guest has not fetched.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(super) queues: Mutex<[VecDeque<Event>; Class::ALL.len()]>,
}

/// What became of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Nothing of the classes asked for waits.
    Nothing,
    /// The log was handed over; more of this class waits where the flag is set.
    Done(Class, bool),
    /// The log could not be handed over: it waits on.
    Refused,
}

impl Events {
    /// Queues an event; answers the class whose interrupt is to be raised.
    ///
    /// # Errors
    /// [`QueueFull`]. A power-off request that waits already is not queued again.
    pub(crate) fn push(&self, event: Event) -> Result<Class, QueueFull> {
        let class = Class::of(event);
        let mut queues = lock(&self.queues);
        let queue = &mut queues[class as usize];
        if event == Event::PowerOffRequest && queue.contains(&event) {
            return Ok(class);
        }
        if queue.len() >= LIMIT {
            return Err(QueueFull);
        }
        queue.push_back(event);
        Ok(class)
    }

    /// Hands the first event of the classes in `mask` over by `deliver`, which is given its log and
    /// says whether it took it.
    pub(crate) fn fetch(
        &self,
        mask: u32,
        now: Calendar,
        deliver: impl FnOnce(&[u8]) -> bool,
    ) -> Fetch {
        let mut queues = lock(&self.queues);
        for class in Class::ALL {
            let queue = &mut queues[class as usize];
            if mask & class.mask() == 0 {
                continue;
            }
            if let Some(event) = queue.front() {
                if !deliver(&log::encode(*event, now)) {
                    return Fetch::Refused;
                }
                queue.pop_front();
                return Fetch::Done(class, !queue.is_empty());
            }
        }
        Fetch::Nothing
    }

    /// Whether a request to power off waits.
    pub(crate) fn power_off_waits(&self) -> bool {
        lock(&self.queues)[Class::Epow as usize].contains(&Event::PowerOffRequest)
    }

    /// Forgets all.
    pub(crate) fn reset(&self) {
        lock(&self.queues).iter_mut().for_each(VecDeque::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::events::{HotPlug, HotPlugAction, HotPlugResource};

    fn hot_plug(drc_index: u32) -> Event {
        let (resource, action) = (HotPlugResource::PersistentMemory, HotPlugAction::Add);
        Event::HotPlug(HotPlug {
            resource,
            action,
            drc_index,
        })
    }

    #[test]
    fn events_are_fetched_in_order_by_class_and_none_is_lost_when_a_fetch_fails() {
        let events = Events::default();
        let now = Clock::default().now().0;
        assert_eq!(events.push(hot_plug(1)), Ok(Class::HotPlug));
        assert_eq!(events.push(hot_plug(2)), Ok(Class::HotPlug));
        assert_eq!(
            events.fetch(Class::Epow.mask(), now, |_| true),
            Fetch::Nothing
        );
        assert_eq!(events.fetch(u32::MAX, now, |_| false), Fetch::Refused);
        assert_eq!(
            events.fetch(u32::MAX, now, |_| true),
            Fetch::Done(Class::HotPlug, true)
        );
        assert_eq!(
            events.fetch(u32::MAX, now, |_| true),
            Fetch::Done(Class::HotPlug, false)
        );
        assert_eq!(events.fetch(u32::MAX, now, |_| true), Fetch::Nothing);
    }

    #[test]
    fn a_queue_is_bounded_and_a_power_off_is_asked_for_once() {
        let events = Events::default();
        for index in 0..LIMIT as u32 {
            assert!(events.push(hot_plug(index)).is_ok());
        }
        assert_eq!(events.push(hot_plug(99)), Err(QueueFull));
        for _ in 0..1000 {
            assert_eq!(events.push(Event::PowerOffRequest), Ok(Class::Epow));
        }
        let now = Clock::default().now().0;
        assert_eq!(
            events.fetch(u32::MAX, now, |_| true),
            Fetch::Done(Class::Epow, false)
        );
    }
}
