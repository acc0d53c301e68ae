//! What the tests need, and what is run: the one place that lists both.

use std::ffi::OsString;
use std::process::ExitCode;

use guest_kit::{GuestKit, Progress};

use crate::steps::{self, Failure, Step, Work};
use crate::{fuzz, imports, licences, schemathesis};

/// Packages of the distribution that tests use directly. (What the guest's kernel and initramfs are built with, the guest kit
/// installs itself when it has to build them.)
const PACKAGES: &[&str] = &[
    // The differential test's peer, and its program.
    "qemu-user",
    "gcc-powerpc64le-linux-gnu",
    "libc6-dev-ppc64el-cross",
    // The machine that the guest kit is tried on, and that Paprika is measured against.
    "qemu-system-ppc",
];

/// The fuzz targets, which are a workspace of their own.
const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml");

/// The steps that set up what the tests need.
pub(crate) fn setup() -> Vec<Step> {
    vec![
        Step {
            name: "packages of the distribution",
            work: Work::Call(packages),
        },
        Step {
            name: "the guest: kernel, initramfs, programs",
            work: Work::Call(guest),
        },
        Step {
            name: "the distribution's own ppc64el kernel",
            work: Work::Call(stock_kernel),
        },
        Step {
            name: "the decimal arithmetic test vectors",
            work: Work::Call(decimal_vectors),
        },
        Step {
            name: "a Debian system, by its own second stage in the guest",
            work: Work::Cargo(&["run", "--release", "--", "debian", "run", "--", "true"]),
        },
    ]
}

/// The one step of `cargo xtask imports`.
pub(crate) fn imports() -> Vec<Step> {
    vec![Step {
        name: "files of one crate that use one another in a circle",
        work: Work::Call(imports::check),
    }]
}

/// The steps of `cargo xtask test`. Tests are built with the profile `test`: optimised, because they run guests and millions of
/// emulated instructions, but with the checks for overflow and broken invariants left in.
pub(crate) fn all(long: bool) -> Vec<Step> {
    let mut steps = setup();
    steps.extend([
        Step {
            name: "formatting",
            work: Work::Cargo(&["fmt", "--all", "--check"]),
        },
        Step {
            name: "formatting of the fuzz targets",
            work: Work::Cargo(&["fmt", "--manifest-path", FUZZ, "--check"]),
        },
        Step {
            name: "clippy",
            work: Work::Cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]),
        },
        Step {
            name: "licences, and versions of crates",
            work: Work::Call(licences::check),
        },
        Step {
            name: "every test of the workspace",
            work: Work::CargoTest {
                arguments: &["test", "--workspace"],
                environment: &[],
            },
        },
        Step {
            name: "those that run guests, interpreted",
            work: Work::CargoTest {
                // By name among the whole workspace's, so that nothing is built again with other features.
                arguments: &[
                    "test",
                    "--workspace",
                    "--test",
                    "boot_linux",
                    "--test",
                    "compiled_decimal",
                    "--test",
                    "control",
                    "--test",
                    "faults",
                    "--test",
                    "hotplug",
                    "--test",
                    "plug_storm",
                    "--test",
                    "power_loss",
                    "--test",
                    "snapshot_guests",
                    "--test",
                    "migration_guests",
                ],
                environment: &[("PAPRIKA_ENGINE", "interpreter")],
            },
        },
    ]);
    if long {
        steps.extend(long_tests());
    }
    steps
}

/// What `--long` runs after all that: optimised, and with more work than anybody waits for before a commit. A test that has a long
/// form gets a step here.
fn long_tests() -> [Step; 8] {
    [
        Step {
            name: "every user-mode instruction against qemu-ppc64le, for twenty minutes",
            work: Work::Cargo(&[
                "run",
                "--release",
                "-p",
                "power-difftest",
                "--",
                "--seconds",
                "1200",
            ]),
        },
        Step {
            name: "translated code against the interpreter, 50 times the usual rounds",
            work: Work::CargoTest {
                arguments: &[
                    "test",
                    "--release",
                    "-p",
                    "power-jit",
                    "--test",
                    "differential",
                    "--",
                    "--nocapture",
                ],
                environment: &[("POWER_JIT_ROUNDS", "50")],
            },
        },
        Step {
            name: "random code, MSR and page tables on both engines in lock step, 25 times the usual cases",
            work: Work::CargoTest {
                arguments: &[
                    "test",
                    "--release",
                    "-p",
                    "power-lockstep-cases",
                    "--test",
                    "fuzz",
                    "--",
                    "--nocapture",
                ],
                environment: &[("POWER_LOCKSTEP_ROUNDS", "25")],
            },
        },
        Step {
            name: "a thousand power cuts, and forty under Linux",
            work: Work::Cargo(&[
                "run",
                "--release",
                "--",
                "demo",
                "power-loss",
                "--rounds",
                "1000",
                "--linux-rounds",
                "20",
            ]),
        },
        Step {
            name: "clippy on the fuzz targets",
            work: Work::Cargo(&[
                "clippy",
                "--manifest-path",
                FUZZ,
                "--locked",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]),
        },
        Step {
            name: "every fuzz target, for half a minute each",
            work: Work::Call(fuzz::sample),
        },
        Step {
            name: "the API against its description, by schemathesis",
            work: Work::Call(schemathesis::run),
        },
        Step {
            name: "real software, a sample",
            work: Work::Cargo(&["run", "--release", "-p", "paprika-real", "--", "--sample"]),
        },
    ]
}

/// `cargo xtask real`: the suite of real software, with these options.
pub(crate) fn real(arguments: &[OsString]) -> ExitCode {
    steps::hand_over(&["run", "--release", "-p", "paprika-real", "--"], arguments)
}

fn packages() -> Result<(), Failure> {
    Ok(guest_kit::require_packages(PACKAGES, &Progress::auto())?)
}

fn guest() -> Result<(), Failure> {
    let paths = GuestKit::ensure(&Progress::auto())?;
    println!(
        "kernel {}\ninitramfs {}",
        paths.vmlinux.display(),
        paths.initramfs.display()
    );
    Ok(())
}

fn stock_kernel() -> Result<(), Failure> {
    println!(
        "kernel {}",
        GuestKit::ensure_stock_kernel(&Progress::auto())?.display()
    );
    Ok(())
}

fn decimal_vectors() -> Result<(), Failure> {
    println!(
        "vectors {}",
        GuestKit::ensure_decimal_vectors(&Progress::auto())?.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_up_comes_first_and_the_long_tests_last() {
        let names = |long| all(long).iter().map(|step| step.name).collect::<Vec<_>>();
        let (short, long) = (names(false), names(true));
        assert!(short.starts_with(&setup().iter().map(|step| step.name).collect::<Vec<_>>()));
        assert_eq!(short.last(), Some(&"those that run guests, interpreted"));
        assert_eq!(long[..short.len()], short);
        assert_eq!(long[short.len()..], long_tests().map(|step| step.name));
    }
}
