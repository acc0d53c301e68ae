//! A guest that tries everything: it must not get further than an answer.

use papr_scm::Plug;

use crate::action::Action;
use crate::hcall::abi::H_RTAS;
use crate::once::OncePerNumber;
use crate::testing::{MEMORY, Machine, with_nvdimm};
use crate::vcpu::VcpuId;

/// A small generator with a fixed seed (xorshift64*): the run is the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A register as a hostile guest would choose it: small numbers, addresses around the end of
    /// memory, connectors, limits, noise.
    fn register(&mut self) -> u64 {
        let noise = self.next();
        let more = noise >> 8;
        match noise % 9 {
            0 => noise >> 60,
            1 => more % 0x1000,
            2 => more % MEMORY,
            3 => (more % MEMORY) & !0xFFF,
            4 => MEMORY.wrapping_sub(more % 64),
            5 => u64::MAX.wrapping_sub(more % 64),
            6 => 1 << (noise >> 58),
            7 => 0x9000_0000 + more % 2,
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

/// Makes random hypercalls, and checks that the machine still answers and remembers no more than it
/// may.
fn attack(m: &Machine, rounds: usize) {
    const BLOCK: u64 = 0x7000;
    let mut random = Random(0x5EED);
    let mut cpu = m.cpu(0);
    for round in 0..rounds {
        cpu.gprs.fill_with(|| random.register());
        cpu.gprs[3] = random.opcode();
        if cpu.gprs[3] == H_RTAS && round % 4 != 0 {
            // A block that is half-way sensible: a known token mostly, counts that fit mostly.
            let words: Vec<u32> = (0..10).map(|_| random.register() as u32).collect();
            let header = [0x2000 + words[0] % 0x40, words[1] % 8, words[2] % 9];
            m.write_words(BLOCK, &[&header, &words[3..]].concat());
            cpu.gprs[4] = BLOCK;
        }
        if m.platform.hypercall(&mut cpu) == Action::WaitForProd {
            m.platform.wait_ended(VcpuId(0));
        }
        cpu.specials.clear();
        m.host.forget();
    }
    assert!(m.platform.hypercalls.unknown.len() <= OncePerNumber::LIMIT + 1);
    assert!(m.platform.rtas.unknown.len() <= OncePerNumber::LIMIT + 1);
    assert_eq!(
        m.rtas_named(0, "query-cpu-stopped-state", &[0], 2),
        [0, 2],
        "the machine still answers"
    );
}

#[test]
fn a_hundred_thousand_random_hypercalls_get_answers_and_nothing_grows() {
    attack(&Machine::new(4), 100_000);
}

#[test]
fn persistent_memory_does_not_change_that() {
    attack(&with_nvdimm(Plug::Hot), 20_000);
}
