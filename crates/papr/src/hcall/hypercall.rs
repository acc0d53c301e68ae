//! A hypercall as a part of the platform registers it.

use std::sync::Arc;

use super::{Call, Reply};

type Handler = Box<dyn Fn(&mut Call<'_>) -> Reply + Send + Sync>;

/// A hypercall: its opcode, and what does it.
pub struct Hypercall {
    opcode: u64,
    handler: Handler,
}

impl Hypercall {
    /// The hypercall `opcode` of `part`, done by one of its methods.
    pub fn new<P: Send + Sync + 'static>(
        opcode: u64,
        part: &Arc<P>,
        method: fn(&P, &mut Call<'_>) -> Reply,
    ) -> Self {
        let part = Arc::clone(part);
        Hypercall {
            opcode,
            handler: Box::new(move |call| method(&part, call)),
        }
    }

    /// What r3 holds when the guest calls.
    pub fn opcode(&self) -> u64 {
        self.opcode
    }

    pub(super) fn run(&self, call: &mut Call<'_>) -> Reply {
        (self.handler)(call)
    }
}
