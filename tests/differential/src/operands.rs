//! Reads the operand syntax of an instruction ("rt,d(ra)", "xt,xa,xb") and finds the registers in an instruction word.
//!
//! Bit numbers are the ISA's: bit 0 is the most significant of 32.

/// A register that an instruction word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// A general purpose register.
    Gpr(usize),
    /// A vector-scalar register; FPR n is 0 + n, VR n is 32 + n.
    Vsr(usize),
    /// A condition register field.
    CrField(usize),
}

/// The names in an operand syntax, in order: "rt,d(ra)" has `rt`, `d` and `ra`.
pub fn names(syntax: &str) -> impl Iterator<Item = &str> {
    syntax
        .split([',', '(', ')', ' '])
        .filter(|name| !name.is_empty())
}

/// Whether the syntax has this operand.
pub fn has(syntax: &str, name: &str) -> bool {
    names(syntax).any(|each| each == name)
}

/// The register that an operand stands for in a word. None for immediates.
pub fn register(syntax: &str, name: &str, word: u32) -> Option<Register> {
    let target = field(word, 6, 5);
    let (a, b, c) = (field(word, 11, 5), field(word, 16, 5), field(word, 21, 5));
    let vsx = |low: usize, high_bit: u32| Some(Register::Vsr(low | field(word, high_bit, 1) << 5));
    match name {
        "rt" | "rs" | "rtp" | "rsp" => Some(Register::Gpr(target)),
        "ra" => Some(Register::Gpr(a)),
        "rb" => Some(Register::Gpr(b)),
        "rc" => Some(Register::Gpr(c)),
        "frt" | "frs" | "frtp" | "frsp" => Some(Register::Vsr(target)),
        "fra" | "frap" => Some(Register::Vsr(a)),
        "frb" | "frbp" => Some(Register::Vsr(b)),
        "frc" => Some(Register::Vsr(c)),
        "vrt" | "vrs" => Some(Register::Vsr(32 + target)),
        "vra" => Some(Register::Vsr(32 + a)),
        "vrb" => Some(Register::Vsr(32 + b)),
        "vrc" => Some(Register::Vsr(32 + c)),
        // The DQ form keeps TX elsewhere than the XX forms.
        "xt" | "xs" if has(syntax, "dq") => vsx(target, 28),
        "xt" | "xs" => vsx(target, 31),
        "xa" => vsx(a, 29),
        "xb" => vsx(b, 30),
        "xc" => vsx(c, 28),
        "bf" => Some(Register::CrField(field(word, 6, 3))),
        "bfa" => Some(Register::CrField(field(word, 11, 3))),
        _ => None,
    }
}

/// All registers of a word with their operand names.
pub fn registers(syntax: &str, word: u32) -> impl Iterator<Item = (&str, Register)> {
    names(syntax).filter_map(move |name| Some((name, register(syntax, name, word)?)))
}

/// The register that the instruction writes, by the convention that the first operand of an instruction is its target.
/// Logical instructions ("ra,rs,rb") follow it; stores have no target.
pub fn target(syntax: &str, word: u32) -> Option<Register> {
    let first = names(syntax).next()?;
    if matches!(first, "rs" | "frs" | "vrs" | "xs" | "rsp" | "frsp") {
        None
    } else {
        register(syntax, first, word)
    }
}

/// The `width` bits from ISA bit `first` on.
pub fn field(word: u32, first: u32, width: u32) -> usize {
    (word >> (32 - first - width) & ((1 << width) - 1)) as usize
}

/// The word with `width` bits from ISA bit `first` on replaced by the low bits of `value`.
pub fn with_field(word: u32, first: u32, width: u32, value: u32) -> u32 {
    let shift = 32 - first - width;
    let mask = ((1 << width) - 1) << shift;
    word & !mask | value << shift & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_registers_of_each_form() {
        // xvadddp vs33,vs2,vs35
        let word = 0xf022_1b00 | 1 | 2;
        let found: Vec<_> = registers("xt,xa,xb", word).collect();
        assert_eq!(
            found,
            [
                ("xt", Register::Vsr(33)),
                ("xa", Register::Vsr(2)),
                ("xb", Register::Vsr(35))
            ]
        );
        // lxv vs33,16(r4): TX is bit 28
        assert_eq!(
            register("xt,dq(ra)", "xt", 0xf424_0019),
            Some(Register::Vsr(33))
        );
        // cmpd cr3,r4,r5
        assert_eq!(target("bf,ra,rb", 0x7da4_2800), Some(Register::CrField(3)));
    }

    #[test]
    fn stores_have_no_target() {
        assert_eq!(target("rs,d(ra)", 0x9060_4f84), None);
    }

    #[test]
    fn fields_can_be_replaced() {
        assert_eq!(field(with_field(u32::MAX, 11, 5, 3), 11, 5), 3);
        assert_eq!(with_field(u32::MAX, 0, 31, 0), 1);
    }
}
