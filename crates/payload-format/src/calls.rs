//! Random hypercalls of persistent memory, with arguments that a guest which means harm would try: the same seed gives the same calls.
//!
//! About half of all arguments make sense, so that calls get past the first check that could refuse them.

/// The number of H_SCM_FLUSH, the one call that has to be repeated until it is answered.
pub const H_SCM_FLUSH: u64 = 0x44c;
/// The number of H_SCM_PERFORMANCE_STATS, which reads a request from memory.
pub const H_SCM_PERFORMANCE_STATS: u64 = 0x418;

/// How many bytes [`Call::write_request`] fills, and more than any answer to it needs.
pub const BUFFER_SIZE: usize = 4096;

/// Most arguments of a hypercall of persistent memory.
pub const ARGUMENTS: usize = 5;

/// What an argument means.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Nothing: not an argument of this call.
    None,
    /// Index of a connector.
    Drc,
    /// Offset into a label area.
    Offset,
    /// Bytes of a label to read or write at once.
    Length,
    /// Data.
    Data,
    /// Number of a block, or how many.
    Blocks,
    /// Guest real address to bind at.
    Target,
    /// Guest real address.
    Address,
    /// Continue token.
    Token,
    /// What unbinding is about.
    Scope,
    /// Address of the statistics buffer.
    Buffer,
    /// Size of the statistics buffer.
    Size,
}

/// A kind of call.
#[derive(Debug, Clone, Copy)]
struct Form {
    opcode: u64,
    arguments: [Kind; ARGUMENTS],
    /// How many of the outputs of a success depend on nothing but the calls before.
    outputs: usize,
}

const fn form(opcode: u64, arguments: [Kind; ARGUMENTS], outputs: usize) -> Form {
    Form {
        opcode,
        arguments,
        outputs,
    }
}

use Kind::{
    Address, Blocks, Buffer, Data, Drc, Length, None as Unused, Offset, Scope, Size, Target, Token,
};

/// READ_METADATA to FLUSH in the order of their numbers. Statistics and flushes have outputs that depend on the time.
const FORMS: [Form; 10] = [
    form(0x3e4, [Drc, Offset, Length, Unused, Unused], 1),
    form(0x3e8, [Drc, Offset, Data, Length, Unused], 0),
    form(0x3ec, [Drc, Blocks, Blocks, Target, Token], 3),
    form(0x3f0, [Drc, Address, Blocks, Token, Unused], 2),
    form(0x3f4, [Drc, Blocks, Unused, Unused, Unused], 1),
    form(0x3f8, [Address, Unused, Unused, Unused, Unused], 2),
    form(0x3fc, [Scope, Drc, Token, Unused, Unused], 2),
    form(0x400, [Drc, Unused, Unused, Unused, Unused], 2),
    form(
        H_SCM_PERFORMANCE_STATS,
        [Drc, Buffer, Size, Unused, Unused],
        0,
    ),
    form(H_SCM_FLUSH, [Drc, Token, Unused, Unused, Unused], 0),
];

/// What sensible arguments are made from.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// Indexes of the connectors that have a device.
    pub drcs: &'a [u32],
    /// Where regions are bound.
    pub addresses: &'a [u64],
    /// Address of [`BUFFER_SIZE`] bytes that answers may be written to.
    pub buffer: u64,
}

/// A hypercall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub opcode: u64,
    /// Its arguments; those that it does not have are hostile too.
    pub arguments: [u64; ARGUMENTS],
    /// How many outputs of a success belong in the digest.
    pub outputs: usize,
    noise: u64,
}

impl Call {
    /// Fills the buffer with what H_SCM_PERFORMANCE_STATS reads there: the header and some names, mostly of statistics that exist.
    pub fn write_request(&self, buffer: &mut [u8; BUFFER_SIZE]) {
        let mut random = Random(self.noise);
        *buffer = [0; BUFFER_SIZE];
        let count: u32 = match random.below(8) {
            0 => u32::MAX,
            1 => random.next() as u32,
            _ => random.below(4) as u32,
        };
        buffer[..8].copy_from_slice(b"SCMSTATS");
        buffer[8..12].copy_from_slice(&u32::from(random.below(8) != 0).to_be_bytes());
        buffer[12..16].copy_from_slice(&count.to_be_bytes());
        for pair in buffer[16..].chunks_exact_mut(16).take(4) {
            match random.below(4) {
                0 => pair[..8].copy_from_slice(&random.next().to_be_bytes()),
                _ => pair[..8].copy_from_slice(b"MemLife "),
            }
        }
    }
}

/// An endless sequence of calls.
#[derive(Debug, Clone)]
pub struct Calls<'a> {
    random: Random,
    targets: Targets<'a>,
}

impl<'a> Calls<'a> {
    /// The calls of this seed.
    pub fn new(seed: u64, targets: Targets<'a>) -> Self {
        Self {
            random: Random(seed),
            targets,
        }
    }

    fn argument(&mut self, kind: Kind) -> u64 {
        if self.random.below(2) == 0 {
            return self.random.hostile();
        }
        let random = &mut self.random;
        match kind {
            Kind::None | Kind::Data => random.hostile(),
            Kind::Drc => random.one_of(self.targets.drcs).map_or(0, u64::from),
            Kind::Offset => random.below(256 << 10),
            Kind::Length => 1 << random.below(4),
            Kind::Blocks => random.below(5),
            Kind::Target => u64::MAX,
            Kind::Address => {
                let base = random.one_of(self.targets.addresses).unwrap_or(0);
                base.wrapping_add(random.below(4) << 28)
            }
            Kind::Token => 0,
            Kind::Scope => 1 + random.below(2),
            Kind::Buffer => self.targets.buffer,
            Kind::Size => random.below(BUFFER_SIZE as u64 + 1),
        }
    }
}

impl Iterator for Calls<'_> {
    type Item = Call;

    fn next(&mut self) -> Option<Call> {
        let form = FORMS[self.random.below(FORMS.len() as u64) as usize];
        Some(Call {
            opcode: form.opcode,
            arguments: form.arguments.map(|kind| self.argument(kind)),
            outputs: form.outputs,
            noise: self.random.next(),
        })
    }
}

/// Random numbers by the SplitMix64 generator (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`; 0 for the bound 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let at = self.below(choices.len() as u64) as usize;
        choices.get(at).copied()
    }

    /// A number at the edges of what arithmetic can do, or any.
    fn hostile(&mut self) -> u64 {
        let power = 1_u64 << self.below(64);
        match self.below(6) {
            0 => power,
            1 => power - 1,
            2 => power.wrapping_neg(),
            3 => u64::MAX - self.below(16),
            4 => self.below(16),
            _ => self.next(),
        }
    }
}

/// A hash over what calls were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Over nothing.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes one more number in.
    pub fn add(&mut self, number: u64) {
        self.0 = Random(self.0 ^ number).next();
    }

    /// The hash.
    pub fn value(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    const TARGETS: Targets<'_> = Targets {
        drcs: &[0x9000_0000, 0x9000_0001],
        addresses: &[4 << 30],
        buffer: 0x4000,
    };

    fn calls(seed: u64) -> Vec<Call> {
        Calls::new(seed, TARGETS).take(2000).collect()
    }

    #[test]
    fn a_seed_gives_the_same_calls_again_and_another_seed_others() {
        assert_eq!(calls(1), calls(1));
        assert_ne!(calls(1), calls(2));
    }

    #[test]
    fn every_call_occurs_with_sensible_and_with_hostile_arguments() {
        let calls = calls(3);
        let opcodes: BTreeSet<u64> = calls.iter().map(|call| call.opcode).collect();
        assert_eq!(opcodes.len(), FORMS.len());
        let whole_flush =
            |call: &&Call| call.opcode == H_SCM_FLUSH && call.arguments[..2] == [0x9000_0000, 0];
        assert!(calls.iter().filter(whole_flush).count() > 5);
        assert!(calls
            .iter()
            .any(|call| call.arguments[0] > u64::from(u32::MAX)));
    }

    #[test]
    fn without_devices_there_are_calls_too() {
        let none = Targets {
            drcs: &[],
            addresses: &[],
            buffer: 0,
        };
        assert_eq!(Calls::new(0, none).take(500).count(), 500);
    }

    #[test]
    fn requests_for_statistics_are_mostly_well_formed() {
        let mut buffer = [0xff; BUFFER_SIZE];
        let mut well_formed = 0;
        for call in calls(4) {
            call.write_request(&mut buffer);
            assert!(buffer.starts_with(b"SCMSTATS"));
            well_formed += u32::from(buffer[8..12] == [0, 0, 0, 1] && buffer[12..15] == [0, 0, 0]);
        }
        assert!(well_formed > 1000, "{well_formed}");
    }

    #[test]
    fn the_digest_depends_on_the_order() {
        let digest = |numbers: &[u64]| {
            let mut digest = Digest::new();
            numbers.iter().for_each(|&number| digest.add(number));
            digest.value()
        };
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_ne!(digest(&[0]), digest(&[0, 0]));
    }
}
