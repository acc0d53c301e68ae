//! ibm,set-xive, ibm,get-xive, ibm,int-on and ibm,int-off: where the interrupts of a source go
//! (PAPR, "PowerPC External Interrupt Option").

use super::{Irq, Xics};
use crate::rtas::{Answer, Request, status};

/// The status of something that is done, or can't be as there is no such source or server.
fn done(done: bool) -> Answer {
    if done {
        Answer::SUCCESS
    } else {
        Answer::status(status::PARAMETER)
    }
}

/// The source that the first argument names.
fn source(request: &Request<'_>) -> Irq {
    Irq(request.args.first().copied().unwrap_or(0))
}

/// ibm,set-xive: source, server, priority (0 to 255, the last for never).
pub(super) fn set_xive(xics: &Xics, request: &Request<'_>) -> Answer {
    let &[source, server, priority] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    done(u8::try_from(priority).is_ok_and(|priority| xics.set_route(Irq(source), server, priority)))
}

/// ibm,get-xive: source; answers server and priority.
pub(super) fn get_xive(xics: &Xics, request: &Request<'_>) -> Answer {
    match xics.route(source(request)) {
        Some((server, priority)) => Answer::values([server, priority.into()]),
        None => Answer::status(status::PARAMETER),
    }
}

/// ibm,int-off: source.
pub(super) fn off(xics: &Xics, request: &Request<'_>) -> Answer {
    done(xics.turn_off(source(request)))
}

/// ibm,int-on: source.
pub(super) fn on(xics: &Xics, request: &Request<'_>) -> Answer {
    done(xics.turn_on(source(request)))
}

#[cfg(test)]
mod tests {
    use crate::testing::Machine;

    #[test]
    fn a_source_is_routed_masked_and_unmasked() {
        let m = Machine::new(2);
        assert_eq!(m.rtas_named(0, "ibm,set-xive", &[0x1100, 1, 5], 1), [0]);
        assert_eq!(m.rtas_named(0, "ibm,get-xive", &[0x1100], 3), [0, 1, 5]);
        assert_eq!(m.rtas_named(0, "ibm,int-off", &[0x1100], 1), [0]);
        assert_eq!(m.rtas_named(0, "ibm,get-xive", &[0x1100], 3), [0, 1, 255]);
        assert_eq!(m.rtas_named(0, "ibm,int-on", &[0x1100], 1), [0]);
        assert_eq!(m.rtas_named(0, "ibm,get-xive", &[0x1100], 3), [0, 1, 5]);
    }

    #[test]
    fn sources_servers_and_priorities_that_do_not_exist_are_refused() {
        let m = Machine::new(2);
        for args in [[2, 0, 5], [0x1234, 0, 5], [0x1100, 2, 5], [0x1100, 0, 256]] {
            assert_eq!(m.rtas_named(0, "ibm,set-xive", &args, 1), [-3]);
        }
        assert_eq!(m.rtas_named(0, "ibm,get-xive", &[2], 3), [-3, 0, 0]);
        assert_eq!(m.rtas_named(0, "ibm,int-off", &[0], 1), [-3]);
        assert_eq!(m.rtas_named(0, "ibm,int-on", &[u32::MAX], 1), [-3]);
    }
}
