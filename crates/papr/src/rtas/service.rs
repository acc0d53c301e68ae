//! An RTAS service as a part of the platform registers it: what it is asked, and what it answers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::action::Action;
use crate::host::GuestMemory;

use super::status;

/// What a service is asked.
pub struct Request<'a> {
    /// As many as the service takes.
    pub args: &'a [u32],
    /// Guest memory, for buffers that the arguments name.
    pub memory: &'a dyn GuestMemory,
}

/// What a service answers: the status, as many values as it has results beyond that, and what
/// becomes of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: i32,
    pub(super) values: [u32; Answer::VALUES],
    pub(super) action: Action,
}

impl Answer {
    /// Most values of any service (get-time-of-day).
    pub const VALUES: usize = 7;

    /// Done, without values.
    pub const SUCCESS: Answer = Answer::status(status::SUCCESS);

    /// A status; values are 0.
    pub const fn status(status: i32) -> Answer {
        Answer {
            status,
            values: [0; Answer::VALUES],
            action: Action::Resume,
        }
    }

    /// Done, with values.
    pub fn values<const N: usize>(values: [u32; N]) -> Answer {
        const { assert!(N <= Answer::VALUES) };
        let mut answer = Answer::SUCCESS;
        answer.values[..N].copy_from_slice(&values);
        answer
    }

    /// Done, and something becomes of the caller.
    pub fn then(action: Action) -> Answer {
        Answer {
            action,
            ..Answer::SUCCESS
        }
    }
}

type Handler = Box<dyn Fn(&Request<'_>) -> Answer + Send + Sync>;

/// One service: how the device tree announces it, how it is called, and what does it.
pub struct Service {
    token: u32,
    name: &'static str,
    pub(super) arguments: RangeInclusive<usize>,
    pub(super) results: usize,
    handler: Handler,
}

impl Service {
    /// A service of `part`, done by one of its methods: its token and name, how many arguments it
    /// takes, and how many results it has, the status included.
    ///
    /// The token is fixed for ever: a guest that is moved here from another host knows it.
    pub fn new<P: Send + Sync + 'static>(
        token: u32,
        name: &'static str,
        arguments: RangeInclusive<usize>,
        results: usize,
        part: &Arc<P>,
        method: fn(&P, &Request<'_>) -> Answer,
    ) -> Service {
        let part = Arc::clone(part);
        Service {
            token,
            name,
            arguments,
            results,
            handler: Box::new(move |request| method(&part, request)),
        }
    }

    /// Property under `/rtas`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its value, by which the guest calls.
    pub fn token(&self) -> u32 {
        self.token
    }

    /// Whether a call with such counts is one of this service.
    pub(super) fn takes(&self, arguments: usize, results: usize) -> bool {
        self.arguments.contains(&arguments) && self.results == results
    }

    pub(super) fn run(&self, request: &Request<'_>) -> Answer {
        (self.handler)(request)
    }
}
