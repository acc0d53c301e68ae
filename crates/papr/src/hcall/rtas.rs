//! H_RTAS: the way from the RTAS stub in guest memory to the platform's RTAS.

use super::{Call, Reply};
use crate::platform::Platform;
use crate::rtas;

/// H_RTAS: r4 the real address of the argument block. What the call answers is written there.
pub(super) fn call(platform: &Platform, call: &mut Call<'_>) -> Reply {
    rtas::dispatch(platform, call.arg(0))
}
