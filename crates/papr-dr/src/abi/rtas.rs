//! Numbers of the RTAS calls that move a connector (PAPR, "Dynamic Reconfiguration").

/// `set-indicator`: isolation state of a connector.
pub const INDICATOR_ISOLATION_STATE: u32 = 9001;
/// `set-indicator`: the visual indicator of a physical connector; logical connectors have none.
pub const INDICATOR_DR: u32 = 9002;
/// `set-indicator`: allocation state of a logical connector.
pub const INDICATOR_ALLOCATION_STATE: u32 = 9003;
/// `get-sensor-state`: is something there?
pub const SENSOR_ENTITY_SENSE: u32 = 9003;

/// Isolation state: the guest does not use what is attached.
pub const ISOLATED: u32 = 0;
/// Isolation state: the guest may use what is attached.
pub const UNISOLATED: u32 = 1;
/// Allocation state: the guest gives the resource back.
pub const UNUSABLE: u32 = 0;
/// Allocation state: the guest takes the resource.
pub const USABLE: u32 = 1;

/// Entity sense: a resource is attached and allocated.
pub const SENSE_PRESENT: u32 = 1;
/// Entity sense: no resource that the guest could use as things are.
pub const SENSE_UNUSABLE: u32 = 2;

/// RTAS status: done.
pub const SUCCESS: i32 = 0;
/// RTAS status: no such sensor or indicator, or not allowed in this state; a bad parameter has the
/// same number.
pub const NO_SUCH_INDICATOR: i32 = -3;
/// RTAS status: extended delay, ask again in about 10 ms.
pub const EXTENDED_DELAY_10_MSEC: i32 = 9901;

/// `ibm,configure-connector`: the next thing is a sibling of the current node.
pub const CONFIGURE_NEXT_SIBLING: i32 = 1;
/// `ibm,configure-connector`: the next thing is a child of the current node.
pub const CONFIGURE_NEXT_CHILD: i32 = 2;
/// `ibm,configure-connector`: the next thing is a property of the current node.
pub const CONFIGURE_NEXT_PROPERTY: i32 = 3;
/// `ibm,configure-connector`: go on with the parent of the current node.
pub const CONFIGURE_PREVIOUS_PARENT: i32 = 4;
/// `ibm,configure-connector`: all told.
pub const CONFIGURE_COMPLETE: i32 = 0;
/// `ibm,configure-connector`: the answer does not fit the work area, or the tree can't be told.
pub const CONFIGURE_ERROR: i32 = -1;
/// `ibm,configure-connector`: "invalid index": there is no such connector.
pub const CONFIGURE_INVALID_INDEX: i32 = -2;
/// `ibm,configure-connector`: the connector is not in a state in which it can be configured.
pub const CONFIGURE_NOT_CONFIGURABLE: i32 = -9003;

/// Bytes in the work area of `ibm,configure-connector`.
pub const WORK_AREA_SIZE: usize = 4096;
