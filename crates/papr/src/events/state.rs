//! What a snapshot carries of the events that the guest has not fetched.

use serde::{Deserialize, Serialize};

use super::queue::{Class, Events, LIMIT};
use super::{Event, HotPlug};
use papr_dr::sync::lock;

/// Events that wait to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventsState {
    /// The guest was asked to power itself off.
    pub power_off_requested: bool,
    /// Resources that came or are asked back, in order.
    pub hot_plug: Vec<HotPlug>,
}

impl EventsState {
    /// Whether these are no more events than a machine keeps.
    pub(crate) fn is_possible(&self) -> bool {
        self.hot_plug.len() <= LIMIT
    }
}

impl Events {
    /// The state to save.
    pub(crate) fn export(&self) -> EventsState {
        let mut state = EventsState::default();
        for event in lock(&self.queues).iter().flatten() {
            match event {
                Event::PowerOffRequest => state.power_off_requested = true,
                Event::HotPlug(event) => state.hot_plug.push(*event),
            }
        }
        state
    }

    /// Goes to a state that [is possible](EventsState::is_possible).
    pub(crate) fn import(&self, state: EventsState) {
        let mut queues = lock(&self.queues);
        queues[Class::Epow as usize] = state
            .power_off_requested
            .then_some(Event::PowerOffRequest)
            .into_iter()
            .collect();
        queues[Class::HotPlug as usize] = state.hot_plug.into_iter().map(Event::HotPlug).collect();
    }
}
