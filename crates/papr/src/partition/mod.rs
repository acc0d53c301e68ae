//! The partition as its guest sees it: what it is entitled to and made of, random numbers, and how
//! it ends.
//!
//! - `info`: H_GET_PPP, H_PIC, H_GET_CPU_CHARACTERISTICS, H_HOME_NODE_ASSOCIATIVITY, H_RANDOM;
//! - `system_parameter`: ibm,get-system-parameter, ibm,set-system-parameter;
//! - `power`: power-off, system-reboot, ibm,os-term.

mod info;
mod power;
mod system_parameter;

use std::sync::Arc;

use device_tree::Node;

use crate::config::PlatformConfig;
use crate::hcall::{Hypercall, abi};
use crate::host::Host;
use crate::part::Part;
use crate::rtas::Service;

/// The partition of a configuration. It has no state: what it says is what it was made of.
pub(crate) struct Partition {
    host: Arc<dyn Host>,
    config: Arc<PlatformConfig>,
}

impl Partition {
    /// The partition of a configuration that is valid.
    pub(crate) fn new(host: &Arc<dyn Host>, config: &Arc<PlatformConfig>) -> Self {
        Partition {
            host: Arc::clone(host),
            config: Arc::clone(config),
        }
    }
}

impl Part for Partition {
    fn name(&self) -> &'static str {
        "partition"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![
            Hypercall::new(abi::H_GET_PPP, &self, info::performance_parameters),
            Hypercall::new(abi::H_PIC, &self, info::pool_idle_count),
            Hypercall::new(
                abi::H_GET_CPU_CHARACTERISTICS,
                &self,
                info::cpu_characteristics,
            ),
            Hypercall::new(
                abi::H_HOME_NODE_ASSOCIATIVITY,
                &self,
                info::home_node_associativity,
            ),
            Hypercall::new(abi::H_RANDOM, &self, info::random),
        ]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-vphn"]
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        let (get, set) = (system_parameter::get, system_parameter::set);
        vec![
            Service::new(0x2003, "power-off", 2..=2, 1, &self, power::power_off),
            Service::new(
                0x2004,
                "system-reboot",
                0..=0,
                1,
                &self,
                power::system_reboot,
            ),
            Service::new(0x2008, "ibm,get-system-parameter", 3..=3, 1, &self, get),
            Service::new(0x2009, "ibm,set-system-parameter", 2..=2, 1, &self, set),
            Service::new(0x201F, "ibm,os-term", 1..=1, 1, &self, power::os_term),
        ]
    }

    /// `/ibm,platform-facilities`: the random number generator (H_RANDOM).
    fn device_tree(&self) -> Vec<Node> {
        let random = Node::new("ibm,random-v1@0")
            .string("device_type", "ibm,random-v1")
            .string("compatible", "ibm,random")
            .u32("reg", 0);
        let facilities = Node::new("ibm,platform-facilities")
            .string("device_type", "ibm,platform-facilities")
            .u32("#address-cells", 1)
            .u32("#size-cells", 0)
            .child(random);
        vec![facilities]
    }
}
