//! Answers of a hypercall: what r3 holds when the guest comes back.

/// Done.
pub const H_SUCCESS: i64 = 0;
/// Not yet; ask again at once.
pub const H_BUSY: i64 = 1;
/// Done in part.
pub const H_PARTIAL: i64 = 5;
/// H_JOIN: all others wait.
pub const H_CONTINUE: i64 = 18;
/// Not yet; ask again in about 1 ms.
pub const H_LONG_BUSY_ORDER_1_MSEC: i64 = 9900;
/// Not yet; ask again in about 10 ms.
pub const H_LONG_BUSY_ORDER_10_MSEC: i64 = 9901;
/// Not yet; ask again in about 100 ms.
pub const H_LONG_BUSY_ORDER_100_MSEC: i64 = 9902;
/// Not yet; ask again in about 1 s.
pub const H_LONG_BUSY_ORDER_1_SEC: i64 = 9903;
/// Not yet; ask again in about 10 s.
pub const H_LONG_BUSY_ORDER_10_SEC: i64 = 9904;
/// Not yet; ask again in about 100 s.
pub const H_LONG_BUSY_ORDER_100_SEC: i64 = 9905;
/// The hardware failed: the device can't do what was asked, and will not.
pub const H_HARDWARE: i64 = -1;
/// No such hypercall.
pub const H_FUNCTION: i64 = -2;
/// Called from problem state.
pub const H_PRIVILEGE: i64 = -3;
/// The first parameter is wrong (for calls on a connector: nothing is attached to it).
pub const H_PARAMETER: i64 = -4;
/// MSR is not as it has to be.
pub const H_BAD_MODE: i64 = -5;
/// There is no such thing.
pub const H_NOT_FOUND: i64 = -7;
/// The partition may not do this.
pub const H_AUTHORITY: i64 = -10;
/// Something needed is not there, or is misaligned.
pub const H_RESOURCE: i64 = -16;
/// The second parameter is wrong.
pub const H_P2: i64 = -55;
/// The third parameter is wrong.
pub const H_P3: i64 = -56;
/// The fourth parameter is wrong.
pub const H_P4: i64 = -57;
/// The fifth parameter is wrong.
pub const H_P5: i64 = -58;
/// This device does not do that.
pub const H_UNSUPPORTED: i64 = -67;
/// The place asked for is taken, or can't be chosen by the guest.
pub const H_OVERLAP: i64 = -68;

/// A flag is not supported (the first of a range: H_UNSUPPORTED_FLAG minus the flag's bit number).
pub const H_UNSUPPORTED_FLAG: i64 = -256;

/// Is this one of the answers after which the guest repeats the call, and how long does it pause
/// before?
///
/// `None` for an answer that ends the call.
pub fn retry_after(status: i64) -> Option<std::time::Duration> {
    use std::time::Duration;
    match status {
        H_BUSY => Some(Duration::ZERO),
        H_LONG_BUSY_ORDER_1_MSEC => Some(Duration::from_millis(1)),
        H_LONG_BUSY_ORDER_10_MSEC => Some(Duration::from_millis(10)),
        H_LONG_BUSY_ORDER_100_MSEC => Some(Duration::from_millis(100)),
        H_LONG_BUSY_ORDER_1_SEC => Some(Duration::from_secs(1)),
        H_LONG_BUSY_ORDER_10_SEC => Some(Duration::from_secs(10)),
        H_LONG_BUSY_ORDER_100_SEC => Some(Duration::from_secs(100)),
        _ => None,
    }
}
