//! The kit as a whole: built (or found) in the user's cache, looked into, and booted under QEMU, which is not ours and so knows better.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guest_kit::{GuestKit, GuestPaths, Progress, with_files};

const NVDIMM_BYTES: u64 = (1 << 30) + (128 << 10);

fn kit() -> GuestPaths {
    GuestKit::ensure(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"))
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Class, data, machine of an ELF header: 64-bit, little-endian, PowerPC 64.
fn is_ppc64le(elf: &[u8]) -> bool {
    elf.starts_with(b"\x7fELF\x02\x01") && elf[18..20] == [21, 0]
}

/// Names and modes in a newc archive.
fn entries(mut archive: &[u8]) -> BTreeMap<String, u32> {
    let mut entries = BTreeMap::new();
    while archive.starts_with(b"070701") {
        let field = |n: usize| {
            let digits = std::str::from_utf8(&archive[6 + 8 * n..14 + 8 * n]).expect("digits");
            u32::from_str_radix(digits, 16).expect("digits")
        };
        let (mode, size, name_size) = (field(1), field(6) as usize, field(11) as usize);
        let name = String::from_utf8_lossy(&archive[110..110 + name_size - 1]).into_owned();
        let next = ((110 + name_size).next_multiple_of(4) + size).next_multiple_of(4);
        archive = &archive[next..];
        entries.insert(name, mode);
    }
    entries
}

#[test]
fn the_kernel_is_ppc64le_and_the_peers_differs_in_persistence_instructions_only() {
    let kit = kit();
    let (ours, peers) = (read(&kit.vmlinux), read(&kit.vmlinux_peer));
    assert!(is_ppc64le(&ours) && is_ppc64le(&peers));
    assert_eq!(ours.len(), peers.len());
    let differing: Vec<(u32, u32)> = ours
        .as_chunks::<4>()
        .0
        .iter()
        .zip(peers.as_chunks::<4>().0)
        .filter(|(a, b)| a != b)
        .map(|(a, b)| (u32::from_le_bytes(*a), u32::from_le_bytes(*b)))
        .collect();
    assert!(
        !differing.is_empty(),
        "Linux writes persistent memory back with dcbfps"
    );
    for (a, b) in differing {
        // dcbf (86) or sync (598), and nothing but the L field changed.
        assert_eq!(b >> 26, 31, "{a:08x} became {b:08x}");
        assert!(matches!(b >> 1 & 0x3ff, 86 | 598), "{a:08x} became {b:08x}");
        assert!(
            matches!(a ^ b, 0x0080_0000 | 0x00c0_0000),
            "{a:08x} became {b:08x}"
        );
    }
}

#[test]
fn the_initramfs_has_init_the_tools_and_our_programs() {
    let kit = kit();
    let entries = entries(&read(&kit.initramfs));
    for name in [
        "init",
        "usr/bin/busybox",
        "usr/bin/ndctl",
        "usr/bin/daxctl",
        "usr/sbin/mkfs.xfs",
        "usr/sbin/drmgr",
    ] {
        assert_eq!(entries.get(name), Some(&0o100_755), "{name}");
    }
    for link in ["usr/bin/sh", "usr/sbin/mkfs.ext4", "lib64"] {
        assert_eq!(entries.get(link), Some(&0o120_777), "{link}");
    }
    assert_eq!(entries.get("dev/console"), Some(&0o020_600));
    // kmod's index of built-in drivers, behind the first archive.
    assert!(
        entries
            .keys()
            .any(|name| name.ends_with("-paprika/modules.builtin.bin"))
    );
    for program in ["agent", "bench", "flushbench", "mapsync", "recorder"] {
        assert!(
            entries.contains_key(&format!("usr/bin/{program}")),
            "{program}"
        );
        assert!(
            is_ppc64le(&read(&kit.programs_dir.join(program))),
            "{program}"
        );
    }
    let waste = entries.keys().find(|name| {
        name.contains("share/doc") || name.contains("locale") || name.contains("perl")
    });
    assert_eq!(waste, None);
}

#[test]
fn a_finished_kit_is_located_without_building() {
    assert_eq!(kit(), GuestKit::locate().expect("built a line above"));
}

/// The machine of the tests. Two NVDIMMs: the first as durable as a store, the second asking for flushes.
const MACHINE: &str = "-M pseries,x-vof=on,ic-mode=xics,nvdimm=on -cpu power9 -smp 2 -m 2G,slots=4,maxmem=8G \
    -nographic -vga none -nic none -no-reboot";
const NVDIMMS: [(&str, &str, &str); 2] = [
    ("pmem0", "nvdimm", "f9d25a4c-8a53-4f51-a7b0-6a5d0b1d4c01"),
    (
        "pmem1",
        "spapr-nvdimm",
        "f9d25a4c-8a53-4f51-a7b0-6a5d0b1d4c02",
    ),
];

/// Boots a kernel with the kit's initramfs and a script (none where it is empty), and returns what the console showed.
fn boot_under_qemu(kernel: &Path, script: &str, command_line: &str) -> String {
    guest_kit::require_packages(&["qemu-system-ppc"], &Progress::auto())
        .unwrap_or_else(|error| panic!("{error}"));
    let directory = tempfile::tempdir().expect("directory");
    let initramfs = directory.path().join("initramfs");
    let files: &[(&str, u32, &[u8])] = &[("/paprika/script", 0o755, script.as_bytes())];
    let files = if script.is_empty() { &[] } else { files };
    let archive = with_files(&read(&kit().initramfs), files).expect("archive");
    fs::write(&initramfs, archive).expect("initramfs");
    let console = directory.path().join("console");

    let mut qemu = Command::new("qemu-system-ppc64");
    qemu.args(MACHINE.split_whitespace());
    qemu.arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(&initramfs);
    qemu.args(["-append", command_line]);
    for (name, device, uuid) in NVDIMMS {
        let backing = directory.path().join(name);
        fs::File::create(&backing)
            .and_then(|file| file.set_len(NVDIMM_BYTES))
            .expect("backing file");
        let path = backing.display();
        qemu.args([
            "-object",
            &format!(
                "memory-backend-file,id=m-{name},share=on,size={NVDIMM_BYTES},mem-path={path}"
            ),
        ]);
        qemu.args([
            "-device",
            &format!("{device},id={name},memdev=m-{name},label-size=128K,uuid={uuid}"),
        ]);
    }
    qemu.stdin(Stdio::null())
        .stdout(fs::File::create(&console).expect("console file"));
    let mut running = qemu.spawn().expect("QEMU starts");

    // Not a measurement: only so that a guest which hangs ends the test.
    let deadline = Instant::now() + Duration::from_secs(300);
    while running.try_wait().expect("QEMU's state").is_none() {
        if Instant::now() > deadline {
            let _ = running.kill();
            let _ = running.wait();
            panic!(
                "the guest did not end:\n{}",
                String::from_utf8_lossy(&read(&console))
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    String::from_utf8_lossy(&read(&console)).replace('\r', "")
}

#[test]
fn under_qemu_the_guest_runs_every_tool_on_persistent_memory() {
    let script = "#!/bin/sh
        set -e
        echo \"cpus: $(nproc)\"
        echo \"applets missing: $(for a in /usr/bin/*; do [ -e $a ] || echo $a; done)\"
        for slot in 0 1; do
            # Linux numbers regions as it finds them: the device tree's node says which slot one is.
            for region in /sys/bus/nd/devices/region?; do
                case $(readlink $region/of_node) in *@9000000$slot) break;; esac
            done
            disk=/dev/$(ndctl create-namespace -m fsdax -r ${region##*/} | sed -n 's/.*\"blockdev\":\"\\(.*\\)\".*/\\1/p')
            mkfs.xfs -q -f -b size=65536 -m reflink=0 $disk
            mkdir /mnt/$slot
            mount -o dax=always $disk /mnt/$slot
            mapsync /mnt/$slot/mapsync && echo slot $slot takes MAP_SYNC || echo slot $slot: status $?
        done
        ndctl list -DRNHv
        recorder write -n 20 -r 5 /mnt/1/records | tail -1
        recorder verify -a 20 -r 5 /mnt/1/records
        recorder verify -a 20 -r 6 /mnt/1/records > /dev/null || echo \"another run: $?\"
        flushbench -w 2 -t 0.5 /mnt/1/flushes
        umount /mnt/1
        xfs_repair -n $disk > /dev/null 2>&1 && echo xfs: clean
        mkfs.ext4 -q -F -b 65536 $disk > /dev/null 2>&1
        mount -t ext4 -o dax=always $disk /mnt/1 && echo ext4: mounted
        umount /mnt/1
        bench all 0.1
        exit 3
    ";
    let console = boot_under_qemu(&kit().vmlinux_peer, script, "quiet oops=panic panic=-1");
    let has = |text: &str| assert!(console.contains(text), "no {text:?} in:\n{console}");
    has("cpus: 2\n");
    has("applets missing: \n");
    has("\"health_state\":\"ok\"");
    has("\"mode\":\"fsdax\"");
    has("mmap: ok\nmsync: ok\nslot 0 takes MAP_SYNC\n");
    has("Failed to mmap with Operation not supported\nslot 1: status 2\n");
    has("recorder written=20\nrecorder verified=20 lost=0 beyond=0\nanother run: 1\n");
    has("flushbench target=/mnt/1/flushes writers=2 seconds=0.5 flushes=");
    has(" errors=0\n");
    has("xfs: clean\n");
    has("ext4: mounted\n");
    has("bench insns 398224 instructions/pass\n");
    for name in [
        "sieve", "crc", "memcpy", "matmul", "saxpy", "chase", "getppid", "forkexit", "pipe",
        "parallel",
    ] {
        has(&format!("bench {name} "));
        assert!(
            !console.contains(&format!("bench {name} wrong")),
            "{console}"
        );
    }
    has("paprika-exit: 3\n");
}

#[test]
fn under_qemu_init_runs_the_command_of_the_kernel_command_line() {
    let console = boot_under_qemu(
        &kit().vmlinux_peer,
        "",
        "quiet oops=panic panic=-1 paprika.run=\"echo one; echo two | tr a-z A-Z; false\" more=1",
    );
    assert!(console.contains("one\nTWO\npaprika-exit: 1\n"), "{console}");
}

#[test]
fn under_qemu_a_script_that_is_not_there_is_reported() {
    let console = boot_under_qemu(
        &kit().vmlinux_peer,
        "",
        "quiet oops=panic panic=-1 paprika.script=/no/such",
    );
    assert!(
        console.contains("there is no script /no/such in the initramfs\npaprika-exit: 127\n"),
        "{console}"
    );
}

#[test]
fn under_qemu_the_distributions_kernel_boots_the_same_initramfs() {
    let stock =
        GuestKit::ensure_stock_kernel(&Progress::auto()).unwrap_or_else(|error| panic!("{error}"));
    assert!(is_ppc64le(&read(&stock)));
    let console = boot_under_qemu(
        &stock,
        "",
        "quiet oops=panic panic=-1 paprika.run=\"uname -v; nproc\"",
    );
    assert!(
        console.contains("Debian") && console.contains("\n2\npaprika-exit: 0\n"),
        "{console}"
    );
}
