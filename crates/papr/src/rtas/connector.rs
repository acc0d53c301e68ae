//! set-indicator, get-sensor-state and ibm,configure-connector: how a guest takes a resource that was plugged and gives
//! one back (PAPR, "Dynamic Reconfiguration"). Persistent-memory connectors belong to [`papr_scm::Scm`].

use papr_scm::abi::rtas::WORK_AREA_SIZE;

use super::{Answer, EPOW_SHUTDOWN, Request, status};
use crate::platform::Platform;

/// The sensor of environment and power warnings.
const EPOW_SENSOR: u32 = 9;

/// What the EPOW sensor reads when all is well.
const EPOW_RESET: u32 = 0;

/// set-indicator: indicator, index, state.
pub(super) fn set_indicator(platform: &Platform, request: &Request<'_>) -> Answer {
    let &[indicator, index, state] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let scm = platform.scm.as_ref();
    Answer::status(
        scm.and_then(|scm| scm.set_indicator(indicator, index, state))
            .unwrap_or(status::PARAMETER),
    )
}

/// get-sensor-state: sensor, index; answers its state.
pub(super) fn get_sensor_state(platform: &Platform, request: &Request<'_>) -> Answer {
    let &[sensor, index] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    if (sensor, index) == (EPOW_SENSOR, 0) {
        return Answer::values([if platform.events.power_off_waits() {
            EPOW_SHUTDOWN
        } else {
            EPOW_RESET
        }]);
    }
    let scm = platform.scm.as_ref();
    match scm.and_then(|scm| scm.get_sensor_state(sensor, index)) {
        Some((status::SUCCESS, state)) => Answer::values([state]),
        Some((status, _)) => Answer::status(status),
        None => Answer::status(status::PARAMETER),
    }
}

/// ibm,configure-connector: work area, more memory (never asked for, so it is not looked at).
pub(super) fn configure(platform: &Platform, request: &Request<'_>) -> Answer {
    /// "Invalid index": the connector is none of the machine's.
    const INVALID_INDEX: i32 = -2;
    let address = u64::from(request.args.first().copied().unwrap_or(0));
    let memory = platform.host.memory();
    let mut area = [0; WORK_AREA_SIZE];
    if memory.read(address, &mut area).is_err() {
        return Answer::status(status::HARDWARE);
    }
    let Some(status) = platform
        .scm
        .as_ref()
        .and_then(|scm| scm.configure_connector(&mut area))
    else {
        return Answer::status(INVALID_INDEX);
    };
    match memory.write(address, &area) {
        Ok(()) => Answer::status(status),
        Err(_) => Answer::status(status::HARDWARE),
    }
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
