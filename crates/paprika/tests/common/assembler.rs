//! As much of an assembler as the tiny guest needs: big-endian Power instructions and labels.

use std::collections::BTreeMap;

/// Where a branch goes.
type Label = &'static str;

/// Machine code in the making, from address 0 on.
#[derive(Debug, Default)]
pub struct Assembler {
    words: Vec<u32>,
    labels: BTreeMap<Label, usize>,
    /// Words whose branch displacement is still 0, and where they go.
    branches: Vec<(usize, Label)>,
}

const fn d_form(opcode: u32, t: u32, a: u32, immediate: u16) -> u32 {
    opcode << 26 | t << 21 | a << 16 | immediate as u32
}

impl Assembler {
    fn emit(&mut self, word: u32) -> &mut Self {
        self.words.push(word);
        self
    }

    pub fn label(&mut self, label: Label) -> &mut Self {
        let here = self.words.len();
        assert_eq!(self.labels.insert(label, here), None, "{label} twice");
        self
    }

    /// `li rt, value`
    pub fn li(&mut self, t: u32, value: i16) -> &mut Self {
        self.emit(d_form(14, t, 0, value as u16))
    }

    /// `oris rt, rt, high` and `ori rt, rt, low`, after a register was cleared: any 64-bit constant.
    pub fn constant(&mut self, t: u32, value: u64) -> &mut Self {
        let half = |n: u32| (value >> (16 * n)) as u16;
        self.li(t, 0);
        self.emit(d_form(25, t, t, half(3)))
            .emit(d_form(24, t, t, half(2)));
        // rldicr t, t, 32, 31
        self.emit(30 << 26 | t << 21 | t << 16 | 31 << 6 | 1 << 2 | 1 << 1);
        self.emit(d_form(25, t, t, half(1)))
            .emit(d_form(24, t, t, half(0)))
    }

    /// `mr ra, rs`
    pub fn mr(&mut self, a: u32, s: u32) -> &mut Self {
        self.or(a, s, s)
    }

    /// `srdi ra, rs, 56`: the first of eight bytes.
    pub fn first_byte(&mut self, a: u32, s: u32) -> &mut Self {
        // rldicl a, s, 8, 56
        self.emit(30 << 26 | s << 21 | a << 16 | 8 << 11 | 24 << 6 | 1 << 5)
    }

    /// `or ra, rs, rb`
    pub fn or(&mut self, a: u32, s: u32, b: u32) -> &mut Self {
        self.emit(31 << 26 | s << 21 | a << 16 | b << 11 | 444 << 1)
    }

    /// `sldi ra, ra, 8`: without the first of eight bytes.
    pub fn drop_byte(&mut self, a: u32) -> &mut Self {
        // rldicr a, a, 8, 55
        self.emit(30 << 26 | a << 21 | a << 16 | 8 << 11 | 23 << 6 | 1 << 5 | 1 << 2)
    }

    /// `addi ra, ra, value`
    pub fn addi(&mut self, a: u32, value: i16) -> &mut Self {
        self.emit(d_form(14, a, a, value as u16))
    }

    /// `stw rs, displacement(0)`
    pub fn stw(&mut self, s: u32, displacement: i16) -> &mut Self {
        self.emit(d_form(36, s, 0, displacement as u16))
    }

    /// `ld rt, 0(ra)`
    pub fn ld(&mut self, t: u32, a: u32) -> &mut Self {
        self.emit(d_form(58, t, a, 0))
    }

    /// `cmpdi ra, value`
    pub fn cmpdi(&mut self, a: u32, value: i16) -> &mut Self {
        self.emit(d_form(11, 1, a, value as u16))
    }

    /// `beq label`
    pub fn beq(&mut self, label: Label) -> &mut Self {
        self.branches.push((self.words.len(), label));
        self.emit(d_form(16, 12, 2, 0))
    }

    /// `b label`
    pub fn b(&mut self, label: Label) -> &mut Self {
        self.branches.push((self.words.len(), label));
        self.emit(18 << 26)
    }

    /// `sc 1`: a hypercall.
    pub fn hypercall(&mut self) -> &mut Self {
        self.emit(0x4400_0022)
    }

    /// The machine code, big-endian.
    pub fn finish(&self) -> Vec<u8> {
        let mut words = self.words.clone();
        for (at, label) in &self.branches {
            let target = self
                .labels
                .get(label)
                .unwrap_or_else(|| panic!("no {label}"));
            let displacement = (*target as i64 - *at as i64) * 4;
            // Short enough for either form of branch.
            assert!(i16::try_from(displacement).is_ok(), "{label} is too far");
            words[*at] |= match words[*at] >> 26 {
                18 => displacement as u32 & 0x03ff_fffc,
                _ => displacement as u32 & 0xfffc,
            };
        }
        words.into_iter().flat_map(u32::to_be_bytes).collect()
    }
}
