//! What the platform is made of: parts, each of which registers what it answers for.
//!
//! A part is a device or a facility of the machine: the console, the interrupt controller,
//! persistent memory. It names its hypercalls, RTAS services, connectors and device-tree nodes, and
//! carries its state over resets, snapshots and migrations. [`Platform`](crate::Platform) is a list
//! of parts and tables made from what they register, so adding a part changes nothing else.

mod state;

use std::sync::Arc;

use device_tree::Node;
use papr_dr::Connectors;
use serde_json::Value;

use crate::config::{ConfigError, PlatformConfig};
use crate::hcall::Hypercall;
use crate::rtas::Service;

pub use state::{Commit, PartStateError, from_value, to_value};

/// A part of the platform.
///
/// All methods may be called from any thread. What a part registers is asked for once, when the
/// platform is made, and is the same for the life of the machine: a running guest was told of it.
/// None of its methods may call the platform.
pub trait Part: Send + Sync {
    /// Its name, in messages and as the key of its saved state. Unique within a platform, in lower
    /// case with hyphens, and never changed once released.
    fn name(&self) -> &'static str;

    /// Checks that it can be part of such a machine. Called before anything else.
    ///
    /// # Errors
    /// [`ConfigError`], with what the user should change.
    fn check_config(&self, config: &PlatformConfig) -> Result<(), ConfigError> {
        let _ = config;
        Ok(())
    }

    /// Its hypercalls. An opcode that another part has is an error of [`Platform::new`]. A handler
    /// is called on the thread of the vCPU, from several at once; what it waits for, its vCPU waits
    /// for.
    ///
    /// [`Platform::new`]: crate::Platform::new
    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        Vec::new()
    }

    /// The groups of hypercalls (`ibm,hypertas-functions`) by which its hypercalls are announced.
    /// Only groups in which everything works that guests use.
    fn hypercall_groups(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its RTAS services. A name or a token that another part has is an error of
    /// [`Platform::new`](crate::Platform::new). Called as hypercalls are.
    fn services(self: Arc<Self>) -> Vec<Service> {
        Vec::new()
    }

    /// Its connectors, if it has any: `set-indicator`, `get-sensor-state` and
    /// `ibm,configure-connector` reach them there.
    fn connectors(&self) -> Option<&dyn Connectors> {
        None
    }

    /// What it adds to the device tree: nodes for below the root, or overlays of nodes that are
    /// there (`/chosen`, `/vdevice`), which get its properties and children. Asked for at every
    /// start of the guest, after a [`reset`](Self::reset), while no vCPU runs.
    fn device_tree(&self) -> Vec<Node> {
        Vec::new()
    }

    /// Goes back to the power-on state. Called while no vCPU runs, in the order of the platform's
    /// list. What has a battery on real machines (clock, non-volatile memory) stays.
    fn reset(&self) {}

    /// The version of the state that it exports, which is also the newest that it imports (from 1);
    /// `None` for a part that has nothing to carry.
    fn state_version(&self) -> Option<u32> {
        None
    }

    /// Its state, to be saved: all that its guest could tell apart. Called while no vCPU runs, with
    /// arrivals from outside (typed text, events) held back. Work that goes on meanwhile is in it
    /// so that the importing machine does it again.
    fn export(&self) -> Value {
        Value::Null
    }

    /// Checks a state that a part of this name has exported in `version` (1 to
    /// [`state_version`](Self::state_version)), and answers what puts it in place. Nothing changes
    /// before that is run, and that can't fail: a platform checks the states of all its parts, then
    /// changes all of them, or none. Called while no vCPU runs. The state may be anything: forged,
    /// damaged, of another machine.
    ///
    /// # Errors
    /// [`PartStateError`] where it can't be the state of this part of this machine.
    fn import<'a>(&'a self, version: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let _ = (version, state);
        Err(PartStateError::Damaged)
    }
}
