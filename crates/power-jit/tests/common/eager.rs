//! A compiler for tests; those of power-lockstep have it as well.

use power_jit::{JitOptions, JitService};

/// A compiler that is asked soon and waited for.
pub fn eager() -> JitService {
    let options = JitOptions {
        threshold: 2,
        wait: true,
        ..JitOptions::default()
    };
    JitService::new(options).expect("tests run where the engine does")
}
