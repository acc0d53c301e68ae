//! A guest that tries everything: it must not get further than an answer.

use crate::action::Action;
use crate::hcall::abi::H_RTAS;
use crate::once::OncePerNumber;
use crate::testing::{MEMORY, Machine};

/// A small generator with a fixed seed (xorshift64*): the run is the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A register as a hostile guest would choose it: small numbers, addresses around the end of memory, limits, noise.
    fn register(&mut self) -> u64 {
        let noise = self.next();
        match noise % 8 {
            0 => noise >> 60,
            1 => (noise >> 8) % 0x1000,
            2 => (noise >> 8) % MEMORY,
            3 => ((noise >> 8) % MEMORY) & !0xFFF,
            4 => MEMORY.wrapping_sub((noise >> 8) % 64),
            5 => u64::MAX.wrapping_sub((noise >> 8) % 64),
            6 => 1 << (noise >> 58),
            _ => noise,
        }
    }

    fn opcode(&mut self) -> u64 {
        match self.next() % 4 {
            0 => H_RTAS,
            1 => self.register(),
            _ => self.next() % 0x120 * 4,
        }
    }
}

#[test]
fn a_hundred_thousand_random_hypercalls_get_answers_and_nothing_grows() {
    let m = Machine::new(4);
    let mut random = Random(0x5EED);
    let mut cpu = m.cpu(0);
    for round in 0..100_000 {
        cpu.gprs.fill_with(|| random.register());
        cpu.gprs[3] = random.opcode();
        if cpu.gprs[3] == H_RTAS {
            let block: Vec<u32> = (0..10).map(|_| random.register() as u32).collect();
            let token = 0x2000 + block[0] % 0x40;
            m.write_words(
                0x7000,
                &[&[token, block[1] % 8, block[2] % 9], &block[3..]].concat(),
            );
            if round % 2 == 0 {
                cpu.gprs[4] = 0x7000;
            }
        }
        match m.platform.hypercall(&mut cpu) {
            Action::Cede | Action::WaitForProd => m.platform.wait_ended(crate::vcpu::VcpuId(0)),
            _ => {}
        }
        cpu.specials.clear();
        m.host.forget();
    }
    assert!(m.platform.unknown_hypercalls.len() <= OncePerNumber::LIMIT + 1);
    assert!(m.platform.unknown_services.len() <= OncePerNumber::LIMIT + 1);
    assert_eq!(
        m.rtas_named(0, "query-cpu-stopped-state", &[0], 2),
        [0, 2],
        "the machine still answers"
    );
}
