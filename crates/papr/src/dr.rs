//! Dynamic reconfiguration as a part of the platform (PAPR, "Dynamic Reconfiguration"):
//! set-indicator, get-sensor-state and ibm,configure-connector, by which a guest takes a resource
//! that was plugged and gives one back. The connectors are those of the platform's parts.

use std::sync::Arc;

use papr_dr::{Connectors, DrcIndex, configure_connector};

use crate::events::{EPOW_SHUTDOWN, EventSources};
use crate::part::Part;
use crate::rtas::{Answer, Request, Service, status};

/// The sensor of environment and power warnings.
const EPOW_SENSOR: u32 = 9;

/// What the EPOW sensor reads when all is well.
const EPOW_RESET: u32 = 0;

/// The RTAS services on the connectors of other parts, and on the EPOW sensor.
pub(crate) struct DynamicReconfiguration {
    parts: Vec<Arc<dyn Part>>,
    events: Arc<EventSources>,
}

impl DynamicReconfiguration {
    /// The connectors of these parts.
    pub(crate) fn new(parts: &[Arc<dyn Part>], events: &Arc<EventSources>) -> Self {
        let with_connectors = parts.iter().filter(|part| part.connectors().is_some());
        DynamicReconfiguration {
            parts: with_connectors.cloned().collect(),
            events: Arc::clone(events),
        }
    }

    /// The owners of connectors, to be asked one after the other.
    fn owners(&self) -> impl Iterator<Item = &dyn Connectors> {
        self.parts.iter().filter_map(|part| part.connectors())
    }
}

/// It has no state: connectors are their owners'.
impl Part for DynamicReconfiguration {
    fn name(&self) -> &'static str {
        "dynamic-reconfiguration"
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(0x201A, "set-indicator", 3..=3, 1, &self, set_indicator),
            Service::new(
                0x201D,
                "get-sensor-state",
                2..=2,
                2,
                &self,
                get_sensor_state,
            ),
            Service::new(
                0x201E,
                "ibm,configure-connector",
                2..=2,
                1,
                &self,
                configure,
            ),
        ]
    }
}

/// set-indicator: indicator, index, state.
fn set_indicator(dr: &DynamicReconfiguration, request: &Request<'_>) -> Answer {
    let &[indicator, index, state] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let drc = DrcIndex::from(index);
    let set = dr
        .owners()
        .find_map(|owner| owner.set_indicator(indicator, drc, state));
    Answer::status(set.unwrap_or(status::PARAMETER))
}

/// get-sensor-state: sensor, index; answers its state.
fn get_sensor_state(dr: &DynamicReconfiguration, request: &Request<'_>) -> Answer {
    let &[sensor, index] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    if (sensor, index) == (EPOW_SENSOR, 0) {
        return Answer::values([if dr.events.power_off_waits() {
            EPOW_SHUTDOWN
        } else {
            EPOW_RESET
        }]);
    }
    let drc = DrcIndex::from(index);
    match dr
        .owners()
        .find_map(|owner| owner.sensor_state(sensor, drc))
    {
        Some((status::SUCCESS, state)) => Answer::values([state]),
        Some((status, _)) => Answer::status(status),
        None => Answer::status(status::PARAMETER),
    }
}

/// ibm,configure-connector: work area, more memory (never asked for, so it is not looked at).
fn configure(dr: &DynamicReconfiguration, request: &Request<'_>) -> Answer {
    let address = request.args.first().copied().unwrap_or(0);
    Answer::status(configure_connector(
        dr.owners(),
        request.memory,
        address.into(),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{MEMORY, Machine, with_nvdimm};
    use papr_scm::Plug;

    const DRC: u32 = 0x9000_0000;
    const AREA: u32 = 0x4000;
    const ALLOCATION: u32 = 9003;
    const ISOLATION: u32 = 9001;

    /// Walks the whole node as a guest does; answers the status words.
    fn walk(m: &Machine, drc: u32) -> Vec<i32> {
        m.write_words(AREA.into(), &[drc, 0]);
        let mut seen = Vec::new();
        loop {
            let status = m.rtas_named(0, "ibm,configure-connector", &[AREA, 0], 1)[0];
            seen.push(status);
            if status <= 0 || seen.len() > 100 {
                return seen;
            }
        }
    }

    #[test]
    fn a_hot_plugged_device_is_taken_step_by_step() {
        let m = with_nvdimm(Plug::Hot);
        let sense = || m.rtas_named(0, "get-sensor-state", &[9003, DRC], 2);
        assert_eq!(sense(), [0, 2], "unusable");
        assert_eq!(
            m.rtas_named(0, "set-indicator", &[ALLOCATION, DRC, 1], 1),
            [0]
        );
        assert_eq!(
            m.rtas_named(0, "set-indicator", &[ISOLATION, DRC, 1], 1),
            [0]
        );
        assert_eq!(sense(), [0, 1], "present");
        let steps = walk(&m, DRC);
        assert_eq!((steps[0], steps.last()), (2, Some(&0)));
        assert!(
            steps[1..steps.len() - 1].iter().all(|step| *step == 3),
            "{steps:?}"
        );
    }

    #[test]
    fn connectors_that_do_not_exist_are_refused_with_and_without_devices() {
        for m in [Machine::new(1), with_nvdimm(Plug::Cold)] {
            assert_eq!(
                m.rtas_named(0, "set-indicator", &[ISOLATION, 0x8000_0000, 1], 1),
                [-3]
            );
            assert_eq!(
                m.rtas_named(0, "get-sensor-state", &[9003, 0x8000_0000], 2),
                [-3, 0]
            );
            assert_eq!(m.rtas_named(0, "get-sensor-state", &[9, 1], 2), [-3, 0]);
            assert_eq!(walk(&m, 0x8000_0000), [-2]);
        }
    }

    #[test]
    fn a_work_area_beyond_memory_is_refused() {
        let m = with_nvdimm(Plug::Cold);
        for area in [(MEMORY - 4095) as u32, u32::MAX] {
            assert_eq!(
                m.rtas_named(0, "ibm,configure-connector", &[area, 0], 1),
                [-1]
            );
        }
    }
}
