//! What a guest relies on, told as scenarios, and a property: whatever a guest does, no interrupt
//! is lost and none is presented that should not be.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::controller::{Controller, IPI, Irq, MASKED, Route};

const VTY: Irq = Irq(0x1100);
const EPOW: Irq = Irq(0x1000);
const IDLE: u8 = 0xFF;

/// Two servers, both sources at priority 5 on server 0, both CPUs open for everything.
fn controller() -> Controller {
    let mut c = Controller::new(2, [VTY, EPOW]);
    for irq in [VTY, EPOW] {
        assert!(c.set_route(
            irq,
            Route {
                server: 0,
                priority: 5
            }
        ));
    }
    for server in 0..2 {
        c.set_cppr(server, IDLE);
    }
    c
}

fn xisr(xirr: u32) -> u32 {
    xirr & 0x00FF_FFFF
}

#[test]
fn an_interrupt_goes_through_presentation_acceptance_and_end() {
    let mut c = controller();
    c.pulse(VTY);
    assert!(c.wire(0));
    assert_eq!(c.xirr(0), 0xFF00_1100);
    let xirr = c.accept(0);
    assert_eq!(xirr, 0xFF00_1100);
    assert!(!c.wire(0));
    assert_eq!(
        c.xirr(0),
        0x0500_0000,
        "CPPR is the priority of what is handled"
    );
    c.end_of_interrupt(0, xirr);
    assert_eq!(c.xirr(0), 0xFF00_0000);
}

#[test]
fn at_power_on_nothing_gets_through() {
    let mut c = Controller::new(1, [VTY]);
    c.pulse(VTY);
    c.set_mfrr(0, 4);
    assert!(!c.wire(0));
    c.set_route(
        VTY,
        Route {
            server: 0,
            priority: 5,
        },
    );
    assert!(!c.wire(0), "CPPR is 0");
    c.set_cppr(0, IDLE);
    assert_eq!(xisr(c.accept(0)), IPI.0);
}

#[test]
fn accepting_nothing_changes_nothing() {
    let mut c = controller();
    c.set_cppr(0, 7);
    assert_eq!(c.accept(0), 0x0700_0000);
    assert_eq!(c.xirr(0), 0x0700_0000);
}

#[test]
fn an_interrupt_at_the_current_priority_waits_until_the_bar_is_raised() {
    let mut c = controller();
    c.set_cppr(0, 5);
    c.pulse(VTY);
    assert!(!c.wire(0));
    c.set_cppr(0, 6);
    assert!(c.wire(0));
}

#[test]
fn a_lower_cppr_takes_the_presented_interrupt_back_and_a_higher_one_presents_it_again() {
    let mut c = controller();
    c.pulse(VTY);
    c.set_cppr(0, 5);
    assert_eq!(c.xirr(0), 0x0500_0000);
    c.set_cppr(0, IDLE);
    assert_eq!(xisr(c.accept(0)), VTY.0);
}

#[test]
fn a_more_favoured_interrupt_takes_the_place_of_a_presented_one_which_comes_later() {
    let mut c = controller();
    c.pulse(VTY);
    c.set_mfrr(0, 4);
    let xirr = c.accept(0);
    assert_eq!(xirr, 0xFF00_0002);
    c.set_mfrr(0, MASKED);
    assert!(!c.wire(0), "priority 5 waits while 4 is handled");
    c.end_of_interrupt(0, xirr);
    assert_eq!(xisr(c.accept(0)), VTY.0);
}

#[test]
fn an_ipi_comes_again_while_mfrr_asks_for_it() {
    let mut c = controller();
    c.set_mfrr(1, 4);
    let xirr = c.accept(1);
    c.end_of_interrupt(1, xirr);
    assert!(c.wire(1));
    c.set_mfrr(1, MASKED);
    let xirr = c.accept(1);
    assert_eq!(xisr(xirr), IPI.0, "presented before MFRR was withdrawn");
    c.end_of_interrupt(1, xirr);
    assert!(!c.wire(1));
}

#[test]
fn an_edge_during_the_handler_comes_after_it() {
    let mut c = controller();
    c.pulse(VTY);
    let xirr = c.accept(0);
    c.pulse(VTY);
    assert!(!c.wire(0));
    c.end_of_interrupt(0, xirr);
    assert_eq!(xisr(c.accept(0)), VTY.0);
}

#[test]
fn edges_before_the_interrupt_is_accepted_are_one_interrupt() {
    let mut c = controller();
    c.pulse(VTY);
    c.pulse(VTY);
    let xirr = c.accept(0);
    c.end_of_interrupt(0, xirr);
    assert!(!c.wire(0));
}

#[test]
fn an_edge_on_a_masked_source_is_remembered() {
    let mut c = controller();
    assert!(c.turn_off(VTY));
    assert!(c.turn_off(VTY), "twice must not forget the priority");
    c.pulse(VTY);
    assert!(!c.wire(0));
    assert_eq!(
        c.route(VTY),
        Some(Route {
            server: 0,
            priority: MASKED
        })
    );
    assert!(c.turn_on(VTY));
    assert_eq!(
        c.route(VTY),
        Some(Route {
            server: 0,
            priority: 5
        })
    );
    assert!(c.wire(0));
}

#[test]
fn masking_takes_back_what_is_presented() {
    let mut c = controller();
    c.pulse(VTY);
    c.pulse(EPOW);
    let first = Irq(xisr(c.xirr(0)));
    assert!(c.turn_off(first));
    let second = Irq(xisr(c.accept(0)));
    assert_ne!(first, second);
    assert_ne!(second, Irq(0));
}

#[test]
fn re_routing_moves_what_is_presented() {
    let mut c = controller();
    c.pulse(VTY);
    assert!(c.set_route(
        VTY,
        Route {
            server: 1,
            priority: 3
        }
    ));
    assert!(!c.wire(0));
    assert_eq!(xisr(c.accept(1)), VTY.0);
}

#[test]
fn sources_and_servers_that_do_not_exist_are_refused() {
    let mut c = controller();
    assert!(!c.set_route(
        Irq(7),
        Route {
            server: 0,
            priority: 5
        }
    ));
    assert!(!c.set_route(
        VTY,
        Route {
            server: 2,
            priority: 5
        }
    ));
    assert!(!c.turn_on(IPI));
    assert!(!c.turn_off(Irq(0)));
    assert_eq!(c.route(IPI), None);
    c.pulse(Irq(0xFFFF_FFFF));
    c.set_cppr(9, 0);
    c.set_mfrr(9, 0);
    assert_eq!((c.accept(9), c.mfrr(9)), (0, MASKED));
}

#[derive(Debug, Clone)]
enum Op {
    Pulse(Irq),
    Accept(u32),
    EndOfInterrupt(u32, u8),
    SetCppr(u32, u8),
    SetMfrr(u32, u8),
    SetRoute(Irq, u32, u8),
    TurnOff(Irq),
    TurnOn(Irq),
}

fn op() -> impl Strategy<Value = Op> {
    let irq = || prop_oneof![Just(VTY), Just(EPOW), Just(Irq(0x1001))];
    let server = || 0..3u32;
    let priority = || prop_oneof![0..8u8, Just(MASKED)];
    prop_oneof![
        irq().prop_map(Op::Pulse),
        server().prop_map(Op::Accept),
        (server(), priority()).prop_map(|(s, p)| Op::EndOfInterrupt(s, p)),
        (server(), priority()).prop_map(|(s, p)| Op::SetCppr(s, p)),
        (server(), priority()).prop_map(|(s, p)| Op::SetMfrr(s, p)),
        (irq(), server(), priority()).prop_map(|(i, s, p)| Op::SetRoute(i, s, p)),
        irq().prop_map(Op::TurnOff),
        irq().prop_map(Op::TurnOn),
    ]
}

proptest! {
    #[test]
    fn no_interrupt_is_lost_and_none_is_presented_against_the_bar(ops in prop::collection::vec(op(), 0..200)) {
        const SERVERS: u32 = 3;
        let sources = [VTY, EPOW, Irq(0x1001)];
        let mut c = Controller::new(SERVERS, sources);
        let mut owed = BTreeSet::new();
        for op in ops {
            match op {
                Op::Pulse(irq) => {
                    c.pulse(irq);
                    owed.insert(irq);
                }
                Op::Accept(server) => {
                    let xirr = c.accept(server);
                    if xisr(xirr) != 0 {
                        let irq = Irq(xisr(xirr));
                        let priority = (c.xirr(server) >> 24) as u8;
                        prop_assert!(priority < (xirr >> 24) as u8, "accepted at or above CPPR");
                        if irq != IPI {
                            prop_assert!(owed.remove(&irq), "{irq:?} was not asked for");
                            let route = c.route(irq).expect("it exists");
                            prop_assert_eq!(route, Route { server, priority }, "masked or routed elsewhere");
                        }
                    }
                }
                Op::EndOfInterrupt(server, cppr) => c.end_of_interrupt(server, u32::from(cppr) << 24),
                Op::SetCppr(server, cppr) => c.set_cppr(server, cppr),
                Op::SetMfrr(server, mfrr) => c.set_mfrr(server, mfrr),
                Op::SetRoute(irq, server, priority) => {
                    c.set_route(irq, Route { server, priority });
                }
                Op::TurnOff(irq) => {
                    c.turn_off(irq);
                }
                Op::TurnOn(irq) => {
                    c.turn_on(irq);
                }
            }
            for server in 0..SERVERS {
                let cppr = (c.xirr(server) >> 24) as u8;
                let waits = |irq: &Irq| {
                    let route = c.route(*irq).expect("it exists");
                    route.server == server && route.priority < cppr
                };
                let should = owed.iter().any(waits) || c.mfrr(server) < cppr;
                prop_assert!(c.wire(server) || !should, "something admissible waits, and the wire is low");
            }
        }
        // Open everything: all that is owed must come.
        for irq in sources {
            c.set_route(irq, Route { server: 0, priority: 6 });
        }
        for server in 0..SERVERS {
            c.set_mfrr(server, MASKED);
            c.set_cppr(server, MASKED);
        }
        while c.wire(0) {
            let xirr = c.accept(0);
            owed.remove(&Irq(xisr(xirr)));
            c.end_of_interrupt(0, xirr | 0xFF00_0000);
        }
        prop_assert!(owed.is_empty(), "lost: {owed:?}");
    }
}
