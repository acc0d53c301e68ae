//! The RTAS calls that end the machine, by the hypercall that the RTAS code in memory would make.

use core::sync::atomic::{AtomicU32, Ordering};

use payload_format::inventory::Inventory;

use crate::machine::{address_of, hypercall};

/// RTAS as a hypercall: r4 is the address of the argument block.
const H_RTAS: u64 = 0xf000;

/// No call has this token.
const UNKNOWN: u32 = 0;
/// For the panic handler, which nobody hands anything to.
static OS_TERM: AtomicU32 = AtomicU32::new(UNKNOWN);
static POWER_OFF: AtomicU32 = AtomicU32::new(UNKNOWN);

/// Learns the tokens.
pub fn learn(inventory: &Inventory<'_>) {
    for (token, name) in [(&OS_TERM, "ibm,os-term"), (&POWER_OFF, "power-off")] {
        token.store(
            inventory.rtas_token(name).unwrap_or(UNKNOWN),
            Ordering::Relaxed,
        );
    }
}

/// An RTAS call with `A` arguments and the status as its only result. Words are big-endian.
fn call<const A: usize>(token: &AtomicU32, arguments: [u32; A]) {
    let token = token.load(Ordering::Relaxed);
    if token == UNKNOWN {
        return;
    }
    let mut block = [0_u32; 8];
    let words = [token, A as u32, 1].into_iter().chain(arguments);
    for (place, word) in block.iter_mut().zip(words) {
        *place = word.to_be();
    }
    hypercall(H_RTAS, &[address_of(&mut block)]);
}

/// Powers the machine off; if it can't, stays.
pub fn power_off() -> ! {
    // Nothing shall power it on again: both masks are empty, said as PAPR wants it.
    call(&POWER_OFF, [u32::MAX, u32::MAX]);
    stay()
}

/// Tells the platform that this operating system has died, with its last words (up to a zero byte).
pub fn os_term(last_words: &mut [u8]) -> ! {
    // All of the payload lies below 4 GiB.
    call(&OS_TERM, [address_of(last_words) as u32]);
    call(&POWER_OFF, [u32::MAX, u32::MAX]);
    stay()
}

fn stay() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
