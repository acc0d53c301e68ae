//! What the recipes are made from: the files of the repository's `guest/` folder, embedded, and the lists of packages and tools.
//!
//! The hash over them is the cache's key. Packages count by name: their versions are recorded in the result's manifest, so that an
//! upgrade of the host does not throw away a guest that works.

use sha2::{Digest, Sha256};

/// Raised when a recipe changes in a way that its other inputs do not show.
const RECIPE: &str = "1";
/// Likewise for the kernel.
const KERNEL_RECIPE: &str = "2";
/// Likewise for the changes that the peer's copy of the kernel gets.
const PEER_RECIPE: &str = "2";

/// The kernel's configuration, applied over allnoconfig.
pub(crate) const KERNEL_CONFIG: &str = include_str!("../../../guest/linux/kernel.config");
/// The guest's first process.
pub(crate) const INIT: &str = include_str!("../../../guest/linux/init");
/// What powers the guest off.
pub(crate) const POWEROFF: &str = include_str!("../../../guest/linux/poweroff");
/// Names under which busybox is linked, one per line.
pub(crate) const APPLETS: &str = include_str!("../../../guest/linux/applets");

/// Our programs for the guest: name and C source.
pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    ("agent", include_str!("../../../guest/programs/agent.c")),
    ("bench", include_str!("../../../guest/programs/bench.c")),
    (
        "flushbench",
        include_str!("../../../guest/programs/flushbench.c"),
    ),
    ("mapsync", include_str!("../../../guest/programs/mapsync.c")),
    (
        "recorder",
        include_str!("../../../guest/programs/recorder.c"),
    ),
];

/// How they are compiled.
pub(crate) const PROGRAM_FLAGS: &[&str] = &[
    "-O2",
    "-static",
    "-mcpu=power9",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-s",
    "-Wl,--build-id=none",
];

/// Packages that the initramfs is made from.
pub(crate) const GUEST_PACKAGES: &[&str] = &[
    "busybox-static",
    "ndctl",
    "daxctl",
    "xfsprogs",
    "e2fsprogs",
    "powerpc-utils",
];

/// Programs taken from the packages, with the directory they get in the guest.
pub(crate) const TOOLS: &[(&str, &str)] = &[
    ("busybox", "/usr/bin"),
    ("ndctl", "/usr/bin"),
    ("daxctl", "/usr/bin"),
    ("mkfs.xfs", "/usr/sbin"),
    ("xfs_repair", "/usr/sbin"),
    ("mke2fs", "/usr/sbin"),
    ("e2fsck", "/usr/sbin"),
    ("drmgr", "/usr/sbin"),
];

/// Further names of tools: link and target.
pub(crate) const TOOL_LINKS: &[(&str, &str)] = &[
    ("/usr/sbin/mkfs.ext4", "mke2fs"),
    ("/usr/sbin/fsck.ext4", "e2fsck"),
];

/// Configuration files taken from the packages.
pub(crate) const CONFIGURATION: &[&str] = &["/etc/mke2fs.conf", "/etc/ndctl.conf.d/ndctl.conf"];

/// The metapackage of the distribution's own kernel.
pub(crate) const STOCK_KERNEL_PACKAGE: &str = "linux-image-powerpc64le";

/// The metapackage of the distribution's Python library, which names the version whose test suite is there too.
pub(crate) const PYTHON_PACKAGE: &str = "libpython3-stdlib";

/// Key of the kernel: depends on its configuration and the recipe.
pub(crate) fn kernel_key() -> String {
    hash(["kernel", KERNEL_RECIPE, KERNEL_CONFIG])
}

/// Key of the peer's copy of the kernel.
pub(crate) fn peer_key() -> String {
    hash(["peer", PEER_RECIPE, &kernel_key()])
}

/// Key of the initramfs: depends on everything in it.
pub(crate) fn initramfs_key() -> String {
    let mut parts = vec!["initramfs", RECIPE, INIT, POWEROFF, APPLETS];
    parts.extend(
        PROGRAMS
            .iter()
            .chain(TOOLS)
            .chain(TOOL_LINKS)
            .flat_map(|(name, content)| [*name, *content]),
    );
    parts.extend(
        [PROGRAM_FLAGS, GUEST_PACKAGES, CONFIGURATION]
            .into_iter()
            .flatten(),
    );
    hash(parts)
}

/// Key of the initramfs together with the kernel's lists of built-in drivers.
pub(crate) fn initrd_key() -> String {
    hash(["initrd", RECIPE, &initramfs_key(), &kernel_key()])
}

/// Key of the distribution's kernel.
pub(crate) fn stock_key() -> String {
    hash(["stock", RECIPE, STOCK_KERNEL_PACKAGE])
}

/// Key of the decimal test vectors.
pub(crate) fn vectors_key() -> String {
    hash(["vectors", RECIPE, PYTHON_PACKAGE])
}

/// SHA-256 over the parts, each with its length before it, shortened to 16 hex digits.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The lines of a configuration fragment that say something: option and value.
pub(crate) fn options(fragment: &str) -> impl Iterator<Item = (&str, &str)> {
    fragment
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn keys_tell_where_one_part_ends_and_the_next_begins() {
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_ne!(hash(["a"]), hash(["a", ""]));
        assert_eq!(hash(["a"]).len(), 16);
    }

    #[test]
    fn kernel_and_initramfs_have_keys_of_their_own() {
        assert_ne!(kernel_key(), initramfs_key());
        assert_ne!(kernel_key(), stock_key());
    }

    #[test]
    fn the_fragment_has_what_the_demonstration_needs() {
        let options: BTreeMap<_, _> = options(KERNEL_CONFIG).collect();
        let wanted = [
            "PAPR_SCM",
            "LIBNVDIMM",
            "BLK_DEV_PMEM",
            "FS_DAX",
            "DEV_DAX",
            "ZONE_DEVICE",
            "XFS_FS",
            "EXT4_FS",
            "MEMORY_HOTPLUG",
            "HVC_CONSOLE",
            "SMP",
            "PPC_64K_PAGES",
            "PPC_RADIX_MMU",
            "PPC_OF_BOOT_TRAMPOLINE",
            "PPC_KUAP",
            "PPC_KUEP",
            "RD_GZIP",
        ];
        for name in wanted {
            assert_eq!(
                options.get(format!("CONFIG_{name}").as_str()),
                Some(&"y"),
                "{name}"
            );
        }
    }

    /// README of systemd, "Kernel Config Options", without what this platform has no use for (DMI, EFI, SCSI, dm-verity).
    #[test]
    fn the_fragment_has_what_systemd_lists() {
        let options: BTreeMap<_, _> = options(KERNEL_CONFIG).collect();
        let wanted = "DEVTMPFS CGROUPS INOTIFY_USER SIGNALFD TIMERFD EPOLL UNIX SYSFS PROC_FS FHANDLE NET_NS USER_NS IPV6 \
                      AUTOFS_FS TMPFS_XATTR TMPFS_POSIX_ACL EXT4_FS_POSIX_ACL XFS_POSIX_ACL SECCOMP SECCOMP_FILTER KCMP \
                      CGROUP_SCHED FAIR_GROUP_SCHED CFS_BANDWIDTH BPF_SYSCALL BPF_JIT CGROUP_BPF";
        for name in wanted.split_whitespace() {
            let value = options.get(format!("CONFIG_{name}").as_str());
            assert_eq!(value, Some(&"y"), "{name}");
        }
    }

    #[test]
    fn no_option_is_named_twice() {
        let mut names: Vec<_> = options(KERNEL_CONFIG).map(|(name, _)| name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
