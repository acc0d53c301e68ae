//! Small programs about the processor, each reduced from what once went wrong under real software.

use crate::case::{Case, Extent, Verdict};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "processor-reserved-sprs",
            claim: "SPRs 808 to 811 are no-operations, and 783 is an illegal instruction",
            packages: &["gcc"],
            files: &[("spr808.c", include_str!("../../programs/spr808.c"))],
            script: "gcc -O1 -o spr808 spr808.c && ./spr808",
            verdict: Verdict::Prints(
                "mfspr 808 signal 0 value 1234\nmtspr 808 signal 0\n\
                 mfspr 809 signal 0 value 1234\nmtspr 809 signal 0\n\
                 mfspr 810 signal 0 value 1234\nmtspr 810 signal 0\n\
                 mfspr 811 signal 0 value 1234\nmtspr 811 signal 0\n\
                 mfspr 783 signal 4 value 0\nmtspr 783 signal 4\n",
            ),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "processor-branch-trace",
            claim: "MSR[BE] traces branches that are not taken, or go to the next instruction",
            packages: &["gcc"],
            files: &[("block_step.c", include_str!("../../programs/block_step.c"))],
            script: "gcc -O1 -o block_step block_step.c && ./block_step",
            verdict: Verdict::Prints("stop at +4\nstop at +8\nstop at +16\nexit 3\n"),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
    ]
}
