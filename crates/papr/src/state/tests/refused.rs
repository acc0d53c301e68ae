//! What is no state of a machine is refused, and changes nothing.

use proptest::prelude::*;

use super::step::step;
use super::*;
use crate::config::{MachineVersion, PlatformConfig};
use crate::events::{HotPlug, HotPlugAction, HotPlugResource};
use crate::testing::FakeHost;
use crate::vcpu::VcpuId;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_is_refused_or_harmless_and_a_refusal_changes_nothing(
        before in prop::collection::vec(step(), 0..60),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 0u8..4), 1..4),
        after in prop::collection::vec(step(), 0..60),
    ) {
        let m = Machine::new(VCPUS);
        for step in &before {
            let _ = step.apply(&m);
        }
        let untouched = m.platform.export();
        let mut state = serde_json::to_value(&untouched).expect("plain data");
        for (place, number, kind) in damage {
            let leaves = leaves(&state, "");
            let leaf = place.get(&leaves);
            if let Some(value) = state.pointer_mut(leaf) {
                *value = match kind {
                    0 => number.into(),
                    1 => (number % 256).into(),
                    2 => serde_json::Value::Null,
                    _ => (number % 2 == 0).into(),
                };
            }
        }
        if let Ok(state) = serde_json::from_value::<PlatformState>(state)
            && m.platform.import(state).is_err()
        {
            prop_assert_eq!(m.platform.export(), untouched);
        }
        for step in &after {
            let _ = step.apply(&m);
        }
        m.platform.reset();
    }
}

/// The JSON pointers of all that `value`, which is at `at`, is made of.
fn leaves(value: &serde_json::Value, at: &str) -> Vec<String> {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, field)| leaves(field, &format!("{at}/{name}")))
            .collect(),
        serde_json::Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(n, item)| leaves(item, &format!("{at}/{n}")))
            .collect(),
        _ => vec![at.into()],
    }
}

#[test]
fn another_machine_is_refused_and_the_reason_named() {
    let saved = Machine::new(VCPUS).platform.export();
    type Change = fn(&mut PlatformConfig);
    let changes: [(Change, &str, &str, &str); 7] = [
        (
            |c| c.machine = MachineVersion::V1_0,
            "machine type",
            "pseries-1.1",
            "pseries-1.0",
        ),
        (|c| c.vcpus = 2, "number of CPUs", "4", "2"),
        (|c| c.max_vcpus = 8, "greatest number of CPUs", "4", "8"),
        (
            |c| c.memory *= 2,
            "memory in bytes",
            "268435456",
            "536870912",
        ),
        (
            |c| c.rtas_base = 0xE00_0000,
            "address of RTAS",
            "251658240",
            "234881024",
        ),
        (
            |c| c.uuid = uuid::Uuid::nil(),
            "uuid",
            "00000000-0000-0000-0000-000000001234",
            "00000000-0000-0000-0000-000000000000",
        ),
        (|c| c.name = "other".into(), "name", "test", "other"),
    ];
    for (change, what, was, is) in changes {
        let mut config = config(VCPUS);
        change(&mut config);
        let other = Machine::on(FakeHost::new(), config, None);
        let (saved_value, here) = (was.to_string(), is.to_string());
        let expected = ImportError::Differs {
            what,
            saved: saved_value,
            here,
        };
        assert_eq!(other.platform.import(saved.clone()), Err(expected));
    }
    // What a machine is only started with may change.
    let mut config = config(VCPUS);
    (config.cmdline, config.initrd, config.rng_seed) = ("quiet".into(), None, [0; 32]);
    let other = Machine::on(FakeHost::new(), config, None);
    assert_eq!(other.platform.import(saved), Ok(()));
}

/// Changes the saved state of a part.
fn edit<T: serde::Serialize + serde::de::DeserializeOwned>(
    state: &mut PlatformState,
    part: &str,
    change: impl FnOnce(&mut T),
) {
    let saved = state.read(part, 1).expect("it is sound");
    let mut saved = saved.expect("every machine has it");
    change(&mut saved);
    state.replace(part, 1, &saved);
}

fn xics(state: &mut PlatformState, change: fn(&mut XicsState)) {
    edit(state, "interrupt-controller", change);
}

fn areas(state: &mut PlatformState, change: fn(&mut Vec<VcpuAreas>)) {
    edit(state, "virtual-processor-areas", change);
}

#[test]
fn a_state_that_contradicts_itself_is_refused_by_the_part_that_does() {
    let m = Machine::new(VCPUS);
    m.open_interrupts(3, 0x1100);
    m.platform.console_input(b"x");
    m.register_vpa(0, AREAS);
    let good = m.platform.export();
    type Damage = fn(&mut PlatformState);
    const XICS: &str = "interrupt-controller";
    const VPA: &str = "virtual-processor-areas";
    let damages: [(Damage, &str); 20] = [
        (|s| xics(s, |x| x.icps.truncate(3)), XICS),
        (|s| xics(s, |x| x.sources.clear()), XICS),
        (
            |s| xics(s, |x| x.sources.extend([(Irq(7), x.sources[&Irq(0x1000)])])),
            XICS,
        ),
        (
            |s| {
                xics(s, |x| {
                    x.sources.values_mut().for_each(|source| source.server = 4)
                })
            },
            XICS,
        ),
        // The terminal's interrupt is presented to vCPU 3 at priority 5.
        (
            |s| xics(s, |x| x.icps[0].presented = x.icps[3].presented),
            XICS,
        ),
        (|s| xics(s, |x| x.icps[3].cppr = 5), XICS),
        (
            |s| {
                xics(s, |x| {
                    x.sources
                        .values_mut()
                        .for_each(|source| source.latched = true)
                })
            },
            XICS,
        ),
        (
            |s| {
                xics(s, |x| {
                    x.sources
                        .values_mut()
                        .for_each(|source| source.priority = 6)
                })
            },
            XICS,
        ),
        (
            |s| {
                xics(s, |x| {
                    x.icps[3].presented = Some(Presented {
                        irq: Irq(9),
                        priority: 1,
                    });
                });
            },
            XICS,
        ),
        (
            |s| edit(s, "console", |input: &mut HexBytes| input.0.resize(4097, 0)),
            "console",
        ),
        (|s| areas(s, |areas| areas.truncate(3)), VPA),
        (|s| areas(s, |areas| areas[0].vpa = Some(0)), VPA),
        (|s| areas(s, |areas| areas[0].vpa = Some(AREAS + 8)), VPA),
        (
            |s| areas(s, |areas| areas[0].vpa = Some(u64::MAX - 127)),
            VPA,
        ),
        (|s| areas(s, |areas| areas[1].slb_shadow = Some(AREAS)), VPA),
        (
            |s| {
                edit(s, "processors", |joined: &mut Vec<VcpuId>| {
                    joined.push(VcpuId(4))
                })
            },
            "processors",
        ),
        (
            |s| {
                edit(s, "events", |events: &mut EventsState| {
                    let (resource, action) = (HotPlugResource::Cpu, HotPlugAction::Add);
                    events.hot_plug = vec![
                        HotPlug {
                            resource,
                            action,
                            drc_index: 0
                        };
                        65
                    ];
                });
            },
            "events",
        ),
        (
            |s| {
                edit(s, "clock", |clock: &mut ClockState| {
                    clock.seconds = i64::MIN
                })
            },
            "clock",
        ),
        (
            |s| edit(s, "clock", |clock: &mut ClockState| clock.nanos = u32::MAX),
            "clock",
        ),
        (
            |s| edit(s, "nvram", |bytes: &mut HexBytes| bytes.0.truncate(1)),
            "nvram",
        ),
    ];
    for (n, (damage, what)) in damages.into_iter().enumerate() {
        let mut state = good.clone();
        damage(&mut state);
        assert_eq!(
            m.platform.import(state),
            Err(ImportError::Damaged(what.into())),
            "number {n}"
        );
        assert_eq!(m.platform.export(), good, "number {n}");
    }
    for version in [0, STATE_VERSION + 1] {
        let state = PlatformState {
            version,
            ..good.clone()
        };
        assert_eq!(m.platform.import(state), Err(ImportError::Version(version)));
    }
    assert_eq!(m.platform.import(good), Ok(()));
}
