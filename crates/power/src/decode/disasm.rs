//! Text of an instruction, for logs and tests, from its table row.

use std::fmt::Write;

use super::pattern::Suffix;
use super::table::{Opcode, Row};
use super::tree::decode;
use crate::insn::Insn;

/// The instruction as assembler text. With its address, relative branch targets are printed as addresses.
pub fn disassemble(insn: Insn, address: Option<u64>) -> String {
    let opcode = decode(insn);
    if opcode == Opcode::ILLEGAL {
        return format!(".long {:#010x}", insn.0);
    }
    let row = opcode.row();
    let mut text = mnemonic(row, insn);
    if !row.operands.is_empty() {
        text.push(' ');
        for (n, name) in row.operands.split(',').enumerate() {
            if n > 0 {
                text.push(',');
            }
            if let Some((displacement, base)) = name.split_once('(') {
                operand(&mut text, displacement, insn, address);
                text.push('(');
                operand(&mut text, base.trim_end_matches(')'), insn, address);
                text.push(')');
            } else {
                operand(&mut text, name, insn, address);
            }
        }
    }
    text
}

fn mnemonic(row: &Row, insn: Insn) -> String {
    let mut text = row.mnemonic.to_owned();
    match row.pattern.suffix {
        Suffix::Plain => {}
        Suffix::Record if insn.rc() => text.push('.'),
        Suffix::VectorRecord if insn.vrc() => text.push('.'),
        Suffix::OverflowRecord => {
            if insn.oe() {
                text.push('o');
            }
            if insn.rc() {
                text.push('.');
            }
        }
        Suffix::Link if insn.rc() => text.push('l'),
        Suffix::AbsoluteLink => {
            if insn.rc() {
                text.push('l');
            }
            if insn.aa() {
                text.push('a');
            }
        }
        Suffix::RoundOdd if insn.rc() => text.push('o'),
        _ => {}
    }
    text
}

/// One operand, by the name that the table gives it.
fn operand(text: &mut String, name: &str, i: Insn, address: Option<u64>) {
    let relative = |offset: i64| {
        let base = if i.aa() { 0 } else { address.unwrap_or(0) };
        base.wrapping_add_signed(offset)
    };
    let result = match name {
        "rt" | "rs" => write!(text, "r{}", i.rt()),
        "ra" => write!(text, "r{}", i.ra()),
        "ra0" if i.ra() == 0 => write!(text, "0"),
        "ra0" => write!(text, "r{}", i.ra()),
        "rb" => write!(text, "r{}", i.rb()),
        "rc" => write!(text, "r{}", i.rc_reg()),
        "frt" | "frs" | "frtp" => write!(text, "f{}", i.rt()),
        "fra" | "frap" => write!(text, "f{}", i.ra()),
        "frb" | "frbp" => write!(text, "f{}", i.rb()),
        "frc" => write!(text, "f{}", i.rc_reg()),
        "vrt" | "vrs" => write!(text, "v{}", i.rt()),
        "vra" => write!(text, "v{}", i.ra()),
        "vrb" => write!(text, "v{}", i.rb()),
        "vrc" => write!(text, "v{}", i.rc_reg()),
        "xt" | "xs" => write!(text, "vs{}", i.xt()),
        "xtdq" | "xsdq" => write!(text, "vs{}", i.xt_dq()),
        "xa" => write!(text, "vs{}", i.xa()),
        "xb" => write!(text, "vs{}", i.xb()),
        "xc" => write!(text, "vs{}", i.xc()),
        "bf" => write!(text, "cr{}", i.bf()),
        "bfa" => write!(text, "cr{}", i.bfa()),
        "bt" | "bo" | "to" => write!(text, "{}", i.rt()),
        "ba" | "bi" => write!(text, "{}", i.ra()),
        "bb" | "sh" => write!(text, "{}", i.rb()),
        "mb" => write!(text, "{}", i.rc_reg()),
        "me" => write!(text, "{}", i.me()),
        "sh6" => write!(text, "{}", i.sh6()),
        "mb6" => write!(text, "{}", i.mb6()),
        "si" => write!(text, "{}", i.si()),
        "ui" => write!(text, "{}", i.ui()),
        "dx" => write!(text, "{}", i.dx()),
        "d" => write!(text, "{}", i.si()),
        "ds" => write!(text, "{}", i.ds()),
        "dq" => write!(text, "{}", i.dq()),
        "li" if i.aa() || address.is_some() => write!(text, "{:#x}", relative(i.li())),
        "li" => write!(text, "{:+}", i.li()),
        "bd" if i.aa() || address.is_some() => write!(text, "{:#x}", relative(i.bd())),
        "bd" => write!(text, "{:+}", i.bd()),
        "bh" => write!(text, "{}", i.bits(19, 2)),
        "bc" => write!(text, "{}", i.rc_reg()),
        "spr" => write!(text, "{}", i.spr()),
        "fxm" => write!(text, "{:#x}", i.fxm()),
        "l" => write!(text, "{}", i.bits(10, 1)),
        "l2" => write!(text, "{}", i.bits(9, 2)),
        "l3" => write!(text, "{}", i.bits(8, 3)),
        "l6" => write!(text, "{}", i.bits(6, 1)),
        "w" | "l15" => write!(text, "{}", i.bits(15, 1)),
        "lev" => write!(text, "{}", i.bits(20, 7)),
        "ric" => write!(text, "{}", i.bits(12, 2)),
        "prs" => write!(text, "{}", i.bits(14, 1)),
        "r" => write!(text, "{}", i.bits(15, 1)),
        "fc" | "nb" => write!(text, "{}", i.rb()),
        "flm" => write!(text, "{:#x}", i.bits(7, 8)),
        "u" => write!(text, "{}", i.bits(16, 4)),
        "rm" => write!(text, "{}", i.bits(19, 2)),
        "drm" => write!(text, "{}", i.bits(18, 3)),
        "rmc" => write!(text, "{}", i.bits(21, 2)),
        "te" | "sim" => write!(text, "{}", (i.bits(11, 5) << 27) as i32 >> 27),
        "uim" => write!(text, "{}", i.bits(11, 5)),
        "uim4" => write!(text, "{}", i.bits(12, 4)),
        "uim3" => write!(text, "{}", i.bits(13, 3)),
        "uim2" => write!(text, "{}", i.bits(14, 2)),
        "shb" => write!(text, "{}", i.bits(22, 4)),
        "six" => write!(text, "{}", i.bits(17, 4)),
        "s" => write!(text, "{}", i.bits(20, 1)),
        "st" => write!(text, "{}", i.bits(16, 1)),
        "ps" => write!(text, "{}", i.bits(22, 1)),
        "dm" | "shw" => write!(text, "{}", i.bits(22, 2)),
        "dcmx" => write!(text, "{}", i.bits(9, 7)),
        "dcmxv" => write!(
            text,
            "{}",
            (i.bits(25, 1) << 6) | (i.bits(29, 1) << 5) | i.bits(11, 5)
        ),
        "dcm" | "dgm" | "shd" => write!(text, "{}", i.bits(16, 6)),
        "uim6" => write!(text, "{}", i.bits(10, 6)),
        "sp" => write!(text, "{}", i.bits(11, 2)),
        "s11" => write!(text, "{}", i.bits(11, 1)),
        "imm8" => write!(text, "{}", i.bits(13, 8)),
        other => write!(text, "?{other}"),
    };
    debug_assert!(result.is_ok(), "writing to a String can't fail");
}
