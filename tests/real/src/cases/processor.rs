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
        Case {
            name: "processor-uprobe-slots",
            claim: "an instruction slot that the kernel rewrites in place is fetched as stored",
            packages: &["gcc"],
            files: &[("probed.c", include_str!("../../programs/probed.c"))],
            script: r#"
gcc -O1 -no-pie -o probed probed.c
read -r second third < <(./probed offsets)
mountpoint -q /sys/kernel/tracing || mount -t tracefs trace /sys/kernel/tracing
cd /sys/kernel/tracing
echo "p:second $OLDPWD/probed:$second" > uprobe_events
echo "p:third $OLDPWD/probed:$third" >> uprobe_events
echo 1 > events/uprobes/enable
for i in 1 2 3; do "$OLDPWD/probed"; done
awk '{ print $2, $3 }' uprobe_profile
echo 0 > events/uprobes/enable
echo > uprobe_events
"#,
            verdict: Verdict::Prints(
                "a0000000a a0000000a\na0000000a a0000000a\na0000000a a0000000a\nsecond 30\nthird 30\n",
            ),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
    ]
}
