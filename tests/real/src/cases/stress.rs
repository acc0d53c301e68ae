//! stress-ng with `--verify`: it checks its own arithmetic, memory and system calls.

use crate::case::{Case, Extent};

macro_rules! stressors {
    ($($line:literal)*) => {
        concat!(
            "run() { check \"$1\" stress-ng --verify --metrics-brief --temp-path . --seed 14 \"${@:2}\"; }\n",
            $($line, "\n"),*
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    let usual = Case {
        packages: &["stress-ng"],
        dies_on_purpose: true,
        minutes: 15,
        ..Case::USUAL
    };
    vec![
        Case {
            name: "stress-cpu",
            claim: "every method of stress-ng's cpu stressor verifies",
            script: stressors!(
                "for method in $(stress-ng --cpu-method which 2>&1 | sed 's/.*: //'); do"
                "    [ $method = all ] || run cpu-$method --cpu 1 --cpu-method $method --cpu-ops $((2 * SCALE)) -t 120"
                "done"
            ),
            extent: Extent::Long,
            minutes: 30,
            ..usual
        },
        Case {
            name: "stress-arithmetic",
            claim: "matrices, vectors, sorting, searching and atomics on every vCPU at once verify",
            script: stressors!(
                "run matrix --matrix $CPUS --matrix-method all --matrix-ops $((20 * SCALE)) --matrix-size 64 -t $((4 * SCALE))"
                "run matrix3d --matrix-3d $CPUS --matrix-3d-method all --matrix-3d-ops $((20 * SCALE)) --matrix-3d-size 32 -t $((4 * SCALE))"
                "run vecmath --vecmath $CPUS --vecmath-ops $((10 * SCALE)) -t $((4 * SCALE))"
                "run vecwide --vecwide $CPUS --vecwide-ops $((2 * SCALE)) -t $((4 * SCALE))"
                "run fp --fp $CPUS --fp-ops $((2 * SCALE)) -t $((4 * SCALE))"
                "run qsort --qsort $CPUS --qsort-size 20000 --qsort-ops $((2 * SCALE)) -t $((4 * SCALE))"
                "run bsearch --bsearch $CPUS --bsearch-ops $((5 * SCALE)) -t $((4 * SCALE))"
                "run atomic --atomic $CPUS --atomic-ops $((200 * SCALE)) -t $((4 * SCALE))"
                "run crypt --crypt 1 --crypt-ops $((1 * SCALE)) -t $((4 * SCALE))"
                "run hash --hash 1 --hash-ops $((100 * SCALE)) -t $((4 * SCALE))"
                "run zlib --zlib 1 --zlib-ops $((2 * SCALE)) -t $((4 * SCALE))"
            ),
            ..usual
        },
        Case {
            name: "stress-memory",
            claim: "every method of stress-ng's vm and memcpy stressors, and maps of every kind, verify",
            script: stressors!(
                "run vm --vm $CPUS --vm-bytes 16M --vm-method all --vm-ops $((2000 * SCALE)) -t $((4 * SCALE))"
                "run memcpy --memcpy $CPUS --memcpy-method all --memcpy-ops $((20 * SCALE)) -t $((4 * SCALE))"
                "run mmap --mmap $CPUS --mmap-bytes 16M --mmap-ops $((4 * SCALE)) -t $((4 * SCALE))"
                "run memrate --memrate 1 --memrate-bytes 16M --memrate-ops $((2 * SCALE)) -t $((4 * SCALE))"
                "run mremap --mremap 1 --mremap-bytes 8M --mremap-ops $((20 * SCALE)) -t $((4 * SCALE))"
                "run fault --fault $CPUS --fault-ops $((500 * SCALE)) -t $((4 * SCALE))"
                "run memthrash --memthrash $CPUS --memthrash-ops $((4 * SCALE)) -t $((4 * SCALE))"
            ),
            ..usual
        },
        Case {
            name: "stress-kernel",
            claim: "futexes, context switches, signals, forks, pipes and timers on every vCPU at once verify",
            script: stressors!(
                "run futex --futex $CPUS --futex-ops $((5000 * SCALE)) -t $((4 * SCALE))"
                "run switch --switch $CPUS --switch-ops $((5000 * SCALE)) -t $((4 * SCALE))"
                "run signal --signal $CPUS --signal-ops $((20000 * SCALE)) -t $((4 * SCALE))"
                "run sigsegv --sigsegv 1 --sigsegv-ops $((500 * SCALE)) -t $((4 * SCALE))"
                "run sigfpe --sigfpe 1 --sigfpe-ops $((500 * SCALE)) -t $((4 * SCALE))"
                "run fork --fork $CPUS --fork-ops $((300 * SCALE)) -t $((4 * SCALE))"
                "run vfork --vfork $CPUS --vfork-ops $((300 * SCALE)) -t $((4 * SCALE))"
                "run clone --clone 1 --clone-ops $((300 * SCALE)) -t $((4 * SCALE))"
                "run pthread --pthread $CPUS --pthread-ops $((100 * SCALE)) -t $((4 * SCALE))"
                "run mutex --mutex $CPUS --mutex-ops $((5000 * SCALE)) -t $((4 * SCALE))"
                "run pipe --pipe $CPUS --pipe-ops $((5000 * SCALE)) -t $((4 * SCALE))"
                "run timer --timer 1 --timer-ops $((2000 * SCALE)) -t $((4 * SCALE))"
                "run exec --exec $CPUS --exec-ops $((50 * SCALE)) -t $((4 * SCALE))"
                "run membarrier --membarrier 1 --membarrier-ops $((20 * SCALE)) -t $((4 * SCALE))"
            ),
            ..usual
        },
        Case {
            name: "stress-cpu-interpreted",
            claim: "the methods of the cpu stressor that decimal, quad and vector code is in, on every engine",
            script: stressors!(
                "for method in decimal32 decimal64 decimal128 float128 longdouble int128 double float crc16 sqrt; do"
                "    run cpu-$method --cpu 1 --cpu-method $method --cpu-ops 1 -t 300"
                "done"
            ),
            extent: Extent::Everywhere,
            ..usual
        },
    ]
}
