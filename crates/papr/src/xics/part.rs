//! The interrupt controller as a part of the platform.

use std::sync::Arc;

use device_tree::Node;
use serde_json::Value;

use super::{Xics, XicsState, hcall, rtas};
use crate::hcall::{Hypercall, abi};
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::rtas::Service;

/// Phandle of the interrupt controller.
const PHANDLE: u32 = 0x1111;

/// Second cell of an interrupt specifier: edge-triggered.
pub(crate) const EDGE: u32 = 0;

impl Part for Xics {
    fn name(&self) -> &'static str {
        "interrupt-controller"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![
            Hypercall::new(abi::H_EOI, &self, hcall::end_of_interrupt),
            Hypercall::new(abi::H_CPPR, &self, hcall::set_cppr),
            Hypercall::new(abi::H_IPI, &self, hcall::inter_processor_interrupt),
            Hypercall::new(abi::H_IPOLL, &self, hcall::poll),
            Hypercall::new(abi::H_XIRR, &self, hcall::accept),
            Hypercall::new(abi::H_XIRR_X, &self, hcall::accept_with_time),
        ]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-interrupt"]
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(0x200A, "ibm,set-xive", 3..=3, 1, &self, rtas::set_xive),
            Service::new(0x200B, "ibm,get-xive", 1..=1, 3, &self, rtas::get_xive),
            Service::new(0x200C, "ibm,int-off", 1..=1, 1, &self, rtas::off),
            Service::new(0x200D, "ibm,int-on", 1..=1, 1, &self, rtas::on),
        ]
    }

    /// `/interrupt-controller`: the presentation controllers, a server for each vCPU that the
    /// machine can have.
    fn device_tree(&self) -> Vec<Node> {
        let node = Node::new("interrupt-controller")
            .string("device_type", "PowerPC-External-Interrupt-Presentation")
            .string("compatible", "IBM,ppc-xicp")
            .flag("interrupt-controller")
            .u32("#interrupt-cells", 2)
            .cells("ibm,interrupt-server-ranges", &[0, self.servers()])
            .u32("phandle", PHANDLE)
            .u32("linux,phandle", PHANDLE);
        vec![node]
    }

    fn reset(&self) {
        Xics::reset(self);
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    fn export(&self) -> Value {
        to_value(&Xics::export(self))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let state: XicsState = from_value(state)?;
        if !self.accepts(&state) {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || Xics::import(self, state)))
    }
}
