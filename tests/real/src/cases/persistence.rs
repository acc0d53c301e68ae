//! Persistent memory by programs that were written for it: fio with verification, libpmem and
//! libpmemobj.

use crate::case::{Case, Extent, Verdict};

/// Every file system and pool is on the NVDIMM that asks to be flushed; where the other is meant,
/// the script says `$SYNC`.
const FIO: &str = r#"
verified() { check fio-$1 fio --name=$1 --filename=$2 --size=${3:-48M} --verify=$4 --verify_fatal=1 --randseed=14 --do_verify=1 \
    --verify_backlog=64 --thread --group_reporting "${@:5}"; }
device=$(namespace fsdax); dax_mount $device dax
verified mapped dax/a 8M crc32c --rw=randwrite --bs=64k --ioengine=mmap
verified synced dax/b 8M sha256 --rw=randwrite --bs=4k-64k --ioengine=sync --fsync=16
verified jobs dax/c 4M xxhash --rw=randwrite --bs=8k --ioengine=psync --fdatasync=32 --numjobs=$CPUS --offset_increment=4M
# Read again after it was unmounted: what is verified comes from the medium.
umount dax; mount -o dax $device dax
check fio-again fio --name=mapped --filename=dax/a --size=8M --verify=crc32c --rw=randwrite --bs=64k --ioengine=mmap --randseed=14 --verify_only
umount dax
device=$(namespace sector)
verified sector $device $((8 * SCALE))M crc32c --rw=randwrite --bs=4k --ioengine=libaio --iodepth=8 --direct=1
verified sector-mixed $device $((8 * SCALE))M sha1 --rw=randwrite --bs=512-16k --blockalign=512 --ioengine=sync --fsync=32
device=$(namespace raw)
verified raw $device $((8 * SCALE))M crc32c --rw=randwrite --bs=4k-64k --ioengine=psync --direct=1 --fsync=16
verified raw-cached $device $((8 * SCALE))M md5 --rw=write --bs=64k --ioengine=sync --end_fsync=1
ndctl destroy-namespace -f -r $WORK all > destroyed 2>&1
"#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "pmem-fio",
            claim: "fio verifies what it has written to a DAX file, a sector namespace and the raw device",
            packages: &["fio", "ndctl", "xfsprogs"],
            script: FIO,
            extent: Extent::Sample,
            ..Case::USUAL
        },
        Case {
            name: "pmem-libpmem",
            claim: "a program with libpmem finds its records again: on DAX files of both kinds of NVDIMM, and on devdax",
            packages: &["libpmem-dev", "gcc", "ndctl", "xfsprogs"],
            files: &[("pmem_log.c", include_str!("../../programs/pmem_log.c"))],
            script: r#"
gcc -O2 -o pmem_log pmem_log.c -lpmem
dax_mount "$(namespace fsdax)" dax
./pmem_log dax/log; umount dax
dax_mount "$(namespace fsdax $SYNC)" dax
./pmem_log dax/log; umount dax
device=$(namespace devdax $SYNC)
./pmem_log "$device"
ndctl destroy-namespace -f -r $SYNC all > destroyed 2>&1
"#,
            // Linux refuses MAP_SYNC where flushes are asked for, so libpmem takes such a file for
            // no persistent memory.
            verdict: Verdict::Prints("pmem 0\npmem 1\npmem 1\n"),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "pmem-libpmemobj",
            claim: "transactions of libpmemobj on DAX files of both kinds of NVDIMM, and on devdax, keep what they committed",
            packages: &["libpmemobj-dev", "gcc", "ndctl", "xfsprogs", "python3"],
            files: &[("pmem_list.c", include_str!("../../programs/pmem_list.c"))],
            script: r#"
gcc -O2 -o pmem_list pmem_list.c -lpmemobj
dax_mount "$(namespace fsdax)" dax
./pmem_list dax/pool 67108864; umount dax
dax_mount "$(namespace fsdax $SYNC)" dax
./pmem_list dax/pool 67108864; umount dax
device=$(namespace devdax $SYNC)
# A pool is made on a device only where nothing was; this one has had a file system.
python3 -c 'import mmap, os, sys; mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 16 << 20)[:] = bytes(16 << 20)' "$device"
./pmem_list "$device" 0
ndctl destroy-namespace -f -r $SYNC all > destroyed 2>&1
"#,
            verdict: Verdict::PrintsTheSame,
            ..Case::USUAL
        },
    ]
}
