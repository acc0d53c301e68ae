//! The table of a machine's RTAS services, made once from what its parts register.

use std::collections::BTreeMap;

use crate::config::ConfigError;
use crate::hcall::Reply;
use crate::hcall::abi::H_PARAMETER;
use crate::host::GuestMemory;
use crate::once::{OncePerNumber, ReportOnce};

use super::block::{ArgumentBlock, MAX_WORDS};
use super::{Answer, Request, Service, status};

/// The RTAS services of a machine.
pub(crate) struct ServiceTable {
    by_token: BTreeMap<u32, (&'static str, Service)>,
    pub(crate) unknown: OncePerNumber,
}

impl ServiceTable {
    /// A table of services, each with the name of the part that has it.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateService`], [`ConfigError::ServiceShape`].
    pub(crate) fn new(
        services: impl IntoIterator<Item = (&'static str, Service)>,
    ) -> Result<Self, ConfigError> {
        let mut by_token: BTreeMap<u32, (&'static str, Service)> = BTreeMap::new();
        for (part, service) in services {
            let (name, most) = (service.name(), service.arguments.end() + service.results);
            if !(1..=Answer::VALUES + 1).contains(&service.results) || most > MAX_WORDS {
                return Err(ConfigError::ServiceShape {
                    part,
                    service: name,
                });
            }
            let same = |other: &Service| {
                other.token() == service.token() || other.name() == service.name()
            };
            if let Some((other, _)) = by_token.values().find(|(_, other)| same(other)) {
                return Err(ConfigError::DuplicateService {
                    service: name,
                    token: service.token(),
                    parts: [other, part],
                });
            }
            by_token.insert(service.token(), (part, service));
        }
        Ok(ServiceTable {
            by_token,
            unknown: OncePerNumber::default(),
        })
    }

    /// All services, in the order of their tokens.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        self.by_token.values().map(|(_, service)| service)
    }

    /// Runs the call whose argument block lies at `address`. Answers the hypercall: H_PARAMETER
    /// where there is no block, else H_SUCCESS with the status in the block.
    pub(crate) fn dispatch(&self, memory: &dyn GuestMemory, address: u64) -> Reply {
        let Some(block) = ArgumentBlock::read(memory, address) else {
            return Reply::status(H_PARAMETER);
        };
        let answer = match self.by_token.get(&block.token()) {
            Some((_, service)) if service.takes(block.arguments().len(), block.results()) => {
                service.run(&Request {
                    args: block.arguments(),
                    memory,
                })
            }
            Some(_) => Answer::status(status::PARAMETER),
            None => {
                self.report_unknown(block.token());
                Answer::status(status::PARAMETER)
            }
        };
        let written = block.write_results(memory, answer.status, &answer.values);
        if written.is_err() {
            return Reply::status(H_PARAMETER);
        }
        Reply::then(answer.action)
    }

    fn report_unknown(&self, token: u32) {
        match self.unknown.note(token.into()) {
            ReportOnce::New => tracing::warn!(
                token = format_args!("{token:#x}"),
                "the guest called an unknown RTAS service"
            ),
            ReportOnce::LimitReached => {
                tracing::warn!("further unknown RTAS services are not reported");
            }
            ReportOnce::Known => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::action::Action;
    use crate::hcall::abi::{H_RTAS, H_SUCCESS};
    use crate::testing::{MEMORY, Machine};

    #[test]
    fn every_service_has_a_token_of_its_own() {
        let m = Machine::new(1);
        let services: Vec<&Service> = m.platform.rtas.services().collect();
        let tokens: BTreeSet<u32> = services.iter().map(|service| service.token()).collect();
        assert_eq!(tokens.len(), services.len());
        for service in services {
            assert!(
                service.results >= 1 && service.results <= Answer::VALUES + 1,
                "{}",
                service.name()
            );
            assert!(
                service.arguments.end() + service.results <= MAX_WORDS,
                "{}",
                service.name()
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
        // A header at the very end of memory whose results lie beyond it: the machine must not
        // power off.
        let power_off = m.token("power-off");
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
        let token = m.token("query-cpu-stopped-state");
        m.write_words(MEMORY - 24, &[token, 1, 2, 0, 9, 9]);
        assert_eq!(m.hcall(0, H_RTAS, &[MEMORY - 24]).0, H_SUCCESS);
        assert_eq!(m.read_words(MEMORY - 8, 2), [0, 2]);
    }
}
