//! Comparing two processors, register by register.

use power::cpu::DebugRegisters;
use power::{Cpu, Registers};

/// A register, or something like one, in which the two differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Its name in the ISA.
    pub name: String,
    /// What the JIT left there.
    pub jit: u128,
    /// What the interpreter did.
    pub interpreter: u128,
}

/// All registers with their names.
pub(crate) fn named(registers: &Registers) -> Vec<(String, u128)> {
    // Field by field and without `..`: a register that is added must be compared too.
    let Registers {
        gpr,
        vsr,
        cr: _,
        lr,
        ctr,
        tar,
        xer,
        fpscr,
        vscr,
        nia,
        msr,
        srr0,
        srr1,
        dar,
        dsisr,
        pid,
        amr,
        iamr,
        uamor,
        fscr,
        sprg,
        vrsave,
        decrementer_expiry,
    } = registers;
    let mut all: Vec<(String, u128)> = Vec::with_capacity(128);
    let numbered = |name: &str, n: usize| format!("{name}{n}");
    all.extend((0..).zip(gpr).map(|(n, &v)| (numbered("r", n), v.into())));
    all.extend((0..).zip(vsr).map(|(n, &v)| (numbered("vs", n), v)));
    all.extend(
        (0..)
            .zip(sprg)
            .map(|(n, &v)| (numbered("SPRG", n), v.into())),
    );
    let doubles = [
        ("LR", lr),
        ("CTR", ctr),
        ("TAR", tar),
        ("NIA", nia),
        ("MSR", msr),
        ("SRR0", srr0),
        ("SRR1", srr1),
        ("DAR", dar),
        ("AMR", amr),
        ("IAMR", iamr),
        ("UAMOR", uamor),
        ("FSCR", fscr),
        ("DEC's end", decrementer_expiry),
        ("XER", &xer.bits()),
        ("FPSCR", &fpscr.bits()),
    ];
    all.extend(doubles.map(|(name, &v)| (name.to_owned(), v.into())));
    let words = [
        ("CR", registers.cr_bits()),
        ("VSCR", *vscr),
        ("DSISR", *dsisr),
        ("PID", *pid),
        ("VRSAVE", *vrsave),
    ];
    all.extend(words.map(|(name, v)| (name.to_owned(), v.into())));
    all
}

/// The registers in which two sets differ.
pub(crate) fn registers(jit: &Registers, interpreter: &Registers) -> Vec<Mismatch> {
    if jit == interpreter {
        return Vec::new();
    }
    let pairs = named(jit).into_iter().zip(named(interpreter));
    pairs
        .filter(|(one, other)| one.1 != other.1)
        .map(|((name, jit), (_, interpreter))| Mismatch {
            name,
            jit,
            interpreter,
        })
        .collect()
}

/// What differs beside [`registers`]: what a look at each poll is enough for.
pub(crate) fn others(jit: &Cpu, interpreter: &Cpu) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut compare = |name: String, jit: u64, interpreter: u64| {
        if jit != interpreter {
            found.push(Mismatch {
                name,
                jit: jit.into(),
                interpreter: interpreter.into(),
            });
        }
    };
    compare(
        "instructions until the next poll".into(),
        jit.budget().into(),
        interpreter.budget().into(),
    );
    compare(
        "instructions by polls".into(),
        jit.instructions_executed(),
        interpreter.instructions_executed(),
    );
    let DebugRegisters {
        ciabr,
        dawr0,
        dawrx0,
    } = jit.debug;
    compare("CIABR".into(), ciabr, interpreter.debug.ciabr);
    compare("DAWR0".into(), dawr0, interpreter.debug.dawr0);
    compare("DAWRX0".into(), dawrx0, interpreter.debug.dawrx0);
    found
}

/// What differs in registers that only hold what was written, and in everything else that a snapshot has. Takes longer.
pub(crate) fn plain_sprs(jit: &Cpu, interpreter: &Cpu) -> Vec<Mismatch> {
    let (jit, interpreter) = (jit.export(), interpreter.export());
    let pairs = jit.plain_sprs.iter().zip(&interpreter.plain_sprs);
    pairs
        .filter(|(one, other)| one != other)
        .map(|((number, &jit), (_, &interpreter))| Mismatch {
            name: format!("SPR {number}"),
            jit: jit.into(),
            interpreter: interpreter.into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_register_that_differs_is_named_and_no_other() {
        let one = Registers::reset();
        let mut other = one.clone();
        assert_eq!(registers(&one, &other), []);
        other.vsr[63] = 1;
        other.cr[7] = 2;
        other.xer.ca = true;
        other.sprg[3] = 9;
        let names: Vec<String> = registers(&one, &other)
            .into_iter()
            .map(|m| m.name)
            .collect();
        assert_eq!(names, ["vs63", "SPRG3", "XER", "CR"]);
    }
}
