//! Debuggers and profilers: breakpoints, single steps, watched addresses, traced system calls,
//! counted and sampled events.

use crate::case::{Case, Extent, Verdict};

const FILES: &[(&str, &str)] = &[("traced.c", include_str!("../../programs/traced.c"))];

pub(super) fn cases() -> Vec<Case> {
    let usual = Case {
        files: FILES,
        dies_on_purpose: true,
        ..Case::USUAL
    };
    vec![
        Case {
            name: "debuggers-gdb",
            claim: "gdb stops at breakpoints, steps by instruction and line, and watches a variable",
            packages: &["gcc", "gdb"],
            script: r#"
gcc -g -O0 -o traced traced.c
cat > commands <<'EOF'
set pagination off
set debuginfod enabled off
break inner
run
backtrace
print n
stepi 7
info program
finish
delete
watch total
continue
continue
continue
EOF
# Linux offers the DAWR of a POWER9 only after a word in debugfs, which the kit's kernel has not: gdb
# then watches by single steps.
gdb -nx -batch -x commands ./traced > said 2>&1 || { cat said; exit 1; }
# `total` is 1, then 3, then 6.
for words in 'Breakpoint 1, inner (n=1)' '#1 .* in main ' '\$1 = 1$' 'atchpoint 2: total$' \
    'Old value = 1$' 'New value = 3$' 'Old value = 3$' 'New value = 6$' '^6$' 'exited normally'; do
    grep -q -e "$words" said || { echo "gdb does not say: $words"; cat said; exit 1; }
done
"#,
            ..usual
        },
        Case {
            name: "debuggers-strace",
            claim: "strace follows forks, and shows and counts system calls",
            packages: &["strace"],
            files: &[],
            script: r#"
strace -f -o log -e trace=write,execve sh -c 'echo one; (echo two); /bin/echo three' > out
grep -o 'write(1, .*' log | sed 's/) *= /) = /'
grep -c execve log
strace -c -o counted ls / > listed
grep -q getdents64 counted
"#,
            verdict: Verdict::Prints(
                "write(1, \"one\\n\", 4) = 4\nwrite(1, \"two\\n\", 4) = 4\nwrite(1, \"three\\n\", 6) = 6\n2\n",
            ),
            ..usual
        },
        Case {
            name: "debuggers-perf",
            claim: "perf counts cycles, instructions and faults, and finds the hot function by sampling",
            packages: &["gcc", "linux-perf"],
            script: r#"
gcc -g -O1 -o traced traced.c
perf stat -x , -o counted -e instructions:u,cycles:u,page-faults,task-clock ./traced 3000000
for event in instructions:u cycles:u page-faults task-clock; do
    count=$(grep ",$event," counted | cut -d , -f 1 | cut -d . -f 1)
    [ "$count" -gt 0 ] || { cat counted; exit 1; }
done
# The loop has at least ten instructions a round; nothing else of the program counts much.
count=$(grep ',instructions:u,' counted | cut -d , -f 1)
[ "$count" -gt 20000000 ] && [ "$count" -lt 90000000 ] || { cat counted; exit 1; }
perf record -q -e cycles:u -c 100000 -o samples ./traced 20000000 > out
perf report --stdio -q -i samples --sort symbol 2> errors > reported
grep -m 1 '%' reported | grep -q 'busy' || { cat errors reported; exit 1; }
"#,
            ..usual
        },
        Case {
            name: "debuggers-valgrind",
            claim: "valgrind, a translator of its own, finds the leak and the wrong access, and no more",
            packages: &["gcc", "valgrind"],
            script: r#"
cat > leak.c <<'EOF'
#include <stdlib.h>
int main(void) {
    char *kept = malloc(10);
    char *freed = malloc(20);
    free(freed);
    volatile char seen = freed[3];
    kept = 0;
    return seen == 1 && kept;
}
EOF
gcc -g -O0 -w -o leak leak.c
status=0; valgrind --leak-check=full --error-exitcode=9 ./leak > said 2>&1 || status=$?
[ $status = 9 ] || { cat said; exit 1; }
grep -q 'Invalid read of size 1' said; grep -q 'definitely lost: 10 bytes in 1 blocks' said
valgrind -q --error-exitcode=9 ls -l /usr/bin > listed
ls -l /usr/bin | cmp - listed
"#,
            extent: Extent::Long,
            minutes: 15,
            ..usual
        },
    ]
}
