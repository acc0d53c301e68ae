//! Interrupt presentation: H_XIRR, H_XIRR_X, H_EOI, H_CPPR, H_IPI, H_IPOLL (PAPR, "Interrupt
//! Support Hcalls").

use super::Xics;
use crate::hcall::abi::H_PARAMETER;
use crate::hcall::{Call, Reply};

/// The server that an argument names, if there is one.
fn server(xics: &Xics, argument: u64) -> Option<u32> {
    u32::try_from(argument)
        .ok()
        .filter(|server| xics.has_server(*server))
}

/// H_XIRR: accepts what is presented to the caller; answers r4 XIRR.
pub(super) fn accept(xics: &Xics, call: &mut Call<'_>) -> Reply {
    let xirr = xics.accept(call.caller().0);
    call.output(0, u64::from(xirr));
    Reply::SUCCESS
}

/// H_XIRR_X: like H_XIRR, and answers r5 the time base.
pub(super) fn accept_with_time(xics: &Xics, call: &mut Call<'_>) -> Reply {
    let reply = accept(xics, call);
    call.output(1, xics.time_base());
    reply
}

/// H_EOI: r4 the XIRR that was accepted.
pub(super) fn end_of_interrupt(xics: &Xics, call: &mut Call<'_>) -> Reply {
    xics.end_of_interrupt(call.caller().0, call.arg(0) as u32);
    Reply::SUCCESS
}

/// H_CPPR: r4 the caller's priority (low 8 bits).
pub(super) fn set_cppr(xics: &Xics, call: &mut Call<'_>) -> Reply {
    xics.set_cppr(call.caller().0, call.arg(0) as u8);
    Reply::SUCCESS
}

/// H_IPI: r4 server, r5 its new MFRR (low 8 bits).
pub(super) fn inter_processor_interrupt(xics: &Xics, call: &mut Call<'_>) -> Reply {
    let Some(server) = server(xics, call.arg(0)) else {
        return Reply::status(H_PARAMETER);
    };
    xics.set_mfrr(server, call.arg(1) as u8);
    Reply::SUCCESS
}

/// H_IPOLL: r4 server; answers r4 XIRR and r5 MFRR, and changes nothing.
pub(super) fn poll(xics: &Xics, call: &mut Call<'_>) -> Reply {
    let Some(server) = server(xics, call.arg(0)) else {
        return Reply::status(H_PARAMETER);
    };
    let (xirr, mfrr) = xics.poll(server);
    call.output(0, u64::from(xirr));
    call.output(1, u64::from(mfrr));
    Reply::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{H_CPPR, H_EOI, H_IPI, H_IPOLL, H_SUCCESS, H_XIRR, H_XIRR_X};
    use crate::testing::Machine;

    #[test]
    fn an_ipi_travels_from_one_cpu_to_another() {
        let m = Machine::new(2);
        assert_eq!(m.hcall(1, H_CPPR, &[0xFF]).0, H_SUCCESS);
        assert_eq!(m.hcall(0, H_IPI, &[1, 4]).0, H_SUCCESS);
        assert_eq!(m.host.interrupt_lines(), [(1, true)]);
        let (status, out) = m.hcall_outputs(0, H_IPOLL, &[1]);
        assert_eq!((status, out[0], out[1]), (H_SUCCESS, 0xFF00_0002, 4));
        let (status, out) = m.hcall_outputs(1, H_XIRR, &[]);
        assert_eq!((status, out[0]), (H_SUCCESS, 0xFF00_0002));
        assert_eq!(m.hcall(1, H_IPI, &[1, 0xFF]).0, H_SUCCESS);
        assert_eq!(m.hcall(1, H_EOI, &[0xFF00_0002]).0, H_SUCCESS);
        assert_eq!(m.host.interrupt_lines(), [(1, true), (1, false)]);
    }

    #[test]
    fn h_xirr_x_tells_the_time_too() {
        let m = Machine::new(1);
        let (status, out) = m.hcall_outputs(0, H_XIRR_X, &[]);
        assert_eq!((status, out[0]), (H_SUCCESS, 0));
        assert_ne!(out[1], 0);
    }

    #[test]
    fn servers_that_do_not_exist_are_refused() {
        let m = Machine::new(2);
        for server in [2, 0xFFFF_FFFF, 1 << 32, u64::MAX] {
            assert_eq!(m.hcall(0, H_IPI, &[server, 4]).0, H_PARAMETER);
            assert_eq!(m.hcall(0, H_IPOLL, &[server]).0, H_PARAMETER);
        }
    }
}
