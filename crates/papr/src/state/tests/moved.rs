//! Machines that go on elsewhere.

use proptest::prelude::*;

use super::step::step;
use super::*;
use crate::action::Action;
use crate::hcall::abi::{H_GET_TERM_CHAR, H_JOIN, H_SUCCESS};
use crate::host::Host;
use crate::nvram::NVRAM_SIZE;
use crate::vcpu::VcpuId;

/// The level at which each interrupt line was left.
fn levels(m: &Machine) -> Vec<Option<bool>> {
    let interrupt_lines = m.host.interrupt_lines();
    let last = |vcpu| {
        interrupt_lines
            .iter()
            .rfind(|(id, _)| *id == vcpu)
            .map(|(_, level)| *level)
    };
    (0..VCPUS).map(last).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_machine_that_was_moved_answers_as_one_that_was_not(
        before in prop::collection::vec(step(), 0..120),
        after in prop::collection::vec(step(), 1..120),
    ) {
        let here = Machine::new(VCPUS);
        for step in &before {
            let _ = step.apply(&here);
        }
        let there = restored(&here);
        prop_assert_eq!(there.platform.export(), here.platform.export());
        let settled: Vec<_> = levels(&here).into_iter().map(|level| Some(level.unwrap_or(false))).collect();
        prop_assert_eq!(levels(&there), settled, "the interrupt lines");
        here.host.forget();
        there.host.forget();
        for step in &after {
            prop_assert_eq!(step.apply(&there), step.apply(&here), "{:?}", step);
        }
        prop_assert_eq!(there.host.events(), here.host.events());
        prop_assert_eq!(there.host.interrupt_lines(), here.host.interrupt_lines());
        prop_assert_eq!(there.platform.export(), here.platform.export());
    }
}

#[test]
fn each_part_is_carried() {
    let m = Machine::new(VCPUS);
    m.platform.console_input(b"typed");
    m.platform.request_power_off().expect("there is room");
    m.register_vpa(2, AREAS);
    assert_eq!(m.hcall(1, H_JOIN, &[]).1, Action::WaitForProd);
    m.host
        .memory()
        .write(u64::from(BUFFER), b"kept")
        .expect("in memory");
    assert_eq!(
        m.rtas_named(0, "nvram-store", &[0x100, BUFFER, 4], 2),
        [0, 4]
    );
    let date = [2001, 2, 3, 4, 5, 6, 7];
    assert_eq!(m.rtas_named(0, "set-time-of-day", &date, 1), [0]);
    m.open_interrupts(3, 0x1100);

    let moved = restored(&m);
    assert_eq!(
        moved.host.interrupt_lines(),
        [(0, false), (1, false), (2, false), (3, true)]
    );
    let (count, out) = {
        let (status, out) = moved.hcall_outputs(0, H_GET_TERM_CHAR, &[0]);
        assert_eq!(status, H_SUCCESS);
        (out[0], out[1])
    };
    assert_eq!((count, &out.to_be_bytes()[..5]), (5, &b"typed"[..]));
    assert_eq!(moved.rtas_named(0, "get-sensor-state", &[9, 0], 2), [0, 3]);
    assert_eq!(
        moved
            .platform
            .processors
            .areas
            .yield_count(moved.host.memory(), VcpuId(2)),
        Some(0)
    );
    let joined = moved.platform.export().read("processors", 1);
    assert_eq!(joined, Ok(Some(vec![VcpuId(1)])));
    assert_eq!(&moved.platform.nvram()[0x100..0x104], b"kept");
    assert_eq!(
        moved.rtas_named(0, "get-time-of-day", &[], 8)[..4],
        [0, 2001, 2, 3]
    );
}

#[test]
fn a_state_of_version_2_is_read_as_it_was_written_then() {
    let text = format!(
        r#"{{"version":2,
        "machine":{{"machine":"pseries-1.1","vcpus":1,"max_vcpus":1,"memory":268435456,"rtas_base":251658240,
            "uuid":"00000000-0000-0000-0000-000000001234","name":"test"}},
        "parts":{{
            "interrupt-controller":{{"version":1,"data":{{
                "icps":[{{"cppr":255,"mfrr":255,"presented":{{"irq":4352,"priority":5}}}}],
                "sources":{{"4096":{{"server":0,"priority":255,"saved_priority":255,"latched":false}},
                    "4097":{{"server":0,"priority":255,"saved_priority":6,"latched":true}},
                    "4352":{{"server":0,"priority":5,"saved_priority":5,"latched":false}}}}}}}},
            "console":{{"version":1,"data":"6869"}},
            "virtual-processor-areas":{{"version":1,
                "data":[{{"vpa":1048576,"slb_shadow":null,"trace_log":null}}]}},
            "processors":{{"version":1,"data":[0]}},
            "events":{{"version":1,"data":{{"power_off_requested":true,
                "hot_plug":[{{"resource":"PersistentMemory","action":"Add","drc_index":2415919105}}]}}}},
            "clock":{{"version":1,"data":{{"seconds":-5,"nanos":7}}}},
            "nvram":{{"version":1,"data":"{}"}}}}}}"#,
        "5a".repeat(NVRAM_SIZE)
    );
    let m = Machine::new(1);
    let state: PlatformState = serde_json::from_str(&text).expect("the format of version 2");
    m.platform
        .import(state.clone())
        .expect("a machine like that");
    assert_eq!(m.platform.export(), state);
    assert_eq!(m.host.interrupt_lines(), [(0, true)]);
    let written = serde_json::to_value(&state).expect("plain data");
    let kept: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(written, kept, "and written as it was");
}

#[test]
fn a_state_of_version_1_is_refused_with_its_version() {
    let m = Machine::new(1);
    let mut text = serde_json::to_value(m.platform.export()).expect("plain data");
    text["version"] = 1.into();
    text.as_object_mut().expect("a structure").remove("parts");
    text["nvram"] = "".into();
    let state: PlatformState = serde_json::from_value(text).expect("as far as it is understood");
    assert_eq!(m.platform.import(state), Err(ImportError::Version(1)));
}
