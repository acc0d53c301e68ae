//! Run-time abstraction services (PAPR, "RTAS"): what in guest memory is a stub of five instructions, and here a table
//! of services and a file per family.
//!
//! A guest that calls with a token that is not in the table, with counts that are not the service's, or with arguments
//! that make no sense gets status -3 (parameter error).

mod block;
mod connector;
mod cpu;
mod event;
mod interrupt;
mod nvram;
mod power;
mod stub;
mod system_parameter;
mod time;

pub(crate) use stub::stub;

use std::ops::RangeInclusive;

use crate::action::Action;
use crate::hcall::Reply;
use crate::hcall::abi::H_PARAMETER;
use crate::host::GuestMemory;
use crate::once::Novelty;
use crate::platform::Platform;

use block::ArgumentBlock;

/// Bytes that the RTAS area takes in guest memory, and `rtas-size` says.
pub const RTAS_SIZE: u32 = 0x1000;

/// What the EPOW sensor, and an EPOW event, say when the system should shut down.
pub(crate) const EPOW_SHUTDOWN: u32 = 3;

/// Status words that all services share.
pub(crate) mod status {
    /// Done.
    pub(crate) const SUCCESS: i32 = 0;
    /// event-scan, check-exception: nothing to report.
    pub(crate) const NO_EVENT: i32 = 1;
    /// The hardware, or what stands for it, failed.
    pub(crate) const HARDWARE: i32 = -1;
    /// A parameter is wrong.
    pub(crate) const PARAMETER: i32 = -3;
    /// The partition may not do this.
    pub(crate) const NOT_AUTHORIZED: i32 = -9002;
    /// System parameters: the buffer is wrong.
    pub(crate) const PARAMETER_BUFFER: i32 = -9999;
}

/// What a service is asked.
pub(crate) struct Request<'a> {
    /// As many as the service takes.
    pub(crate) args: &'a [u32],
}

/// What a service answers: the status, as many values as it has results beyond that, and what becomes of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    status: i32,
    values: [u32; Answer::VALUES],
    action: Action,
}

impl Answer {
    /// Most values of any service (get-time-of-day).
    const VALUES: usize = 7;

    /// Done, without values.
    pub(crate) const SUCCESS: Answer = Answer::status(status::SUCCESS);

    /// A status; values are 0.
    pub(crate) const fn status(status: i32) -> Answer {
        Answer {
            status,
            values: [0; Answer::VALUES],
            action: Action::Resume,
        }
    }

    /// Done, with values.
    pub(crate) fn values<const N: usize>(values: [u32; N]) -> Answer {
        const { assert!(N <= Answer::VALUES) };
        let mut answer = Answer::SUCCESS;
        answer.values[..N].copy_from_slice(&values);
        answer
    }

    /// Done, and something becomes of the caller.
    pub(crate) fn then(action: Action) -> Answer {
        Answer {
            action,
            ..Answer::SUCCESS
        }
    }
}

/// One service: how the device tree announces it and how it is called.
pub(crate) struct Service {
    /// Property under `/rtas`.
    pub(crate) name: &'static str,
    /// Its value, by which the guest calls. Fixed for ever: a guest that was moved here from another host knows it.
    pub(crate) token: u32,
    /// How many arguments it takes.
    arguments: RangeInclusive<usize>,
    results: usize,
    run: fn(&Platform, &Request<'_>) -> Answer,
}

impl Service {
    const fn new(
        token: u32,
        name: &'static str,
        arguments: RangeInclusive<usize>,
        results: usize,
        run: fn(&Platform, &Request<'_>) -> Answer,
    ) -> Service {
        Service {
            name,
            token,
            arguments,
            results,
            run,
        }
    }
}

/// All services: token, name, numbers of arguments and results, and what does it.
pub(crate) const SERVICES: &[Service] = &[
    Service::new(0x2001, "get-time-of-day", 0..=0, 8, time::get_time_of_day),
    Service::new(0x2002, "set-time-of-day", 7..=7, 1, time::set_time_of_day),
    Service::new(0x2003, "power-off", 2..=2, 1, power::power_off),
    Service::new(0x2004, "system-reboot", 0..=0, 1, power::system_reboot),
    Service::new(
        0x2005,
        "query-cpu-stopped-state",
        1..=1,
        2,
        cpu::query_stopped,
    ),
    Service::new(0x2006, "start-cpu", 3..=3, 1, cpu::start),
    Service::new(0x2007, "stop-self", 0..=0, 1, cpu::stop_self),
    Service::new(
        0x2008,
        "ibm,get-system-parameter",
        3..=3,
        1,
        system_parameter::get,
    ),
    Service::new(
        0x2009,
        "ibm,set-system-parameter",
        2..=2,
        1,
        system_parameter::set,
    ),
    Service::new(0x200A, "ibm,set-xive", 3..=3, 1, interrupt::set_xive),
    Service::new(0x200B, "ibm,get-xive", 1..=1, 3, interrupt::get_xive),
    Service::new(0x200C, "ibm,int-off", 1..=1, 1, interrupt::off),
    Service::new(0x200D, "ibm,int-on", 1..=1, 1, interrupt::on),
    Service::new(0x200E, "check-exception", 6..=7, 1, event::check_exception),
    Service::new(0x200F, "event-scan", 4..=4, 1, event::event_scan),
    Service::new(0x2012, "nvram-fetch", 3..=3, 2, nvram::fetch),
    Service::new(0x2013, "nvram-store", 3..=3, 2, nvram::store),
    Service::new(0x201A, "set-indicator", 3..=3, 1, connector::set_indicator),
    Service::new(
        0x201D,
        "get-sensor-state",
        2..=2,
        2,
        connector::get_sensor_state,
    ),
    Service::new(
        0x201E,
        "ibm,configure-connector",
        2..=2,
        1,
        connector::configure,
    ),
    Service::new(0x201F, "ibm,os-term", 1..=1, 1, power::os_term),
];

/// Runs the call whose argument block lies at `address`. Answers the hypercall: H_PARAMETER where there is no block, else
/// H_SUCCESS with the status in the block.
pub(crate) fn dispatch(platform: &Platform, address: u64) -> Reply {
    let memory: &dyn GuestMemory = platform.host.memory();
    let Some(block) = ArgumentBlock::read(memory, address) else {
        return Reply::status(H_PARAMETER);
    };
    let service = SERVICES
        .iter()
        .find(|service| service.token == block.token());
    let answer = match service {
        Some(s)
            if s.arguments.contains(&block.arguments().len()) && s.results == block.results() =>
        {
            (s.run)(
                platform,
                &Request {
                    args: block.arguments(),
                },
            )
        }
        Some(_) => Answer::status(status::PARAMETER),
        None => {
            report_unknown(platform, block.token());
            Answer::status(status::PARAMETER)
        }
    };
    if block
        .write_results(memory, answer.status, &answer.values)
        .is_err()
    {
        return Reply::status(H_PARAMETER);
    }
    Reply::then(answer.action)
}

fn report_unknown(platform: &Platform, token: u32) {
    match platform.unknown_services.note(token.into()) {
        Novelty::New => tracing::warn!(
            token = format_args!("{token:#x}"),
            "the guest called an unknown RTAS service"
        ),
        Novelty::LastStraw => tracing::warn!("further unknown RTAS services are not reported"),
        Novelty::Known => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hcall::abi::{H_RTAS, H_SUCCESS};
    use crate::testing::{MEMORY, Machine};

    #[test]
    fn every_service_has_a_token_of_its_own() {
        let tokens: BTreeSet<u32> = SERVICES.iter().map(|service| service.token).collect();
        assert_eq!(tokens.len(), SERVICES.len());
        for service in SERVICES {
            assert!(
                service.results >= 1 && service.results <= Answer::VALUES + 1,
                "{}",
                service.name
            );
            assert!(
                service.arguments.end() + service.results <= block::MAX_WORDS,
                "{}",
                service.name
            );
        }
    }

    #[test]
    fn an_unknown_token_or_a_wrong_count_is_a_parameter_error() {
        let m = Machine::new(1);
        assert_eq!(m.rtas(0, 0x1234, &[], 1), [-3]);
        assert_eq!(m.rtas(0, 0, &[1, 2, 3], 2), [-3, 0]);
        assert_eq!(m.rtas_named(0, "get-time-of-day", &[], 7)[0], -3);
        assert_eq!(m.rtas_named(0, "get-time-of-day", &[0], 8)[0], -3);
    }

    #[test]
    fn a_block_that_is_not_all_in_memory_is_refused_and_nothing_happens() {
        let m = Machine::new(1);
        for address in [MEMORY, MEMORY - 8, u64::MAX, u64::MAX - 11] {
            assert_eq!(
                m.hcall(0, H_RTAS, &[address]).0,
                H_PARAMETER,
                "{address:#x}"
            );
        }
        // A header at the very end of memory whose results lie beyond it: the machine must not power off.
        let power_off = SERVICES
            .iter()
            .find(|s| s.name == "power-off")
            .expect("it exists")
            .token;
        m.write_words(MEMORY - 12, &[power_off, 2, 1]);
        assert_eq!(
            m.hcall(0, H_RTAS, &[MEMORY - 12]),
            (H_PARAMETER, Action::Resume)
        );
    }

    #[test]
    fn absurd_counts_are_refused() {
        let m = Machine::new(1);
        for (arguments, results) in [
            (17, 0),
            (0, 17),
            (u32::MAX, u32::MAX),
            (u32::MAX, 1),
            (0x4000_0000, 1),
            (9, 9),
        ] {
            m.write_words(0x8000, &[0x2001, arguments, results]);
            assert_eq!(
                m.hcall(0, H_RTAS, &[0x8000]).0,
                H_PARAMETER,
                "{arguments} {results}"
            );
        }
    }

    #[test]
    fn a_block_that_ends_with_memory_works() {
        let m = Machine::new(1);
        let token = SERVICES
            .iter()
            .find(|s| s.name == "query-cpu-stopped-state")
            .expect("it exists")
            .token;
        m.write_words(MEMORY - 24, &[token, 1, 2, 0, 9, 9]);
        assert_eq!(m.hcall(0, H_RTAS, &[MEMORY - 24]).0, H_SUCCESS);
        assert_eq!(m.read_words(MEMORY - 8, 2), [0, 2]);
    }
}
