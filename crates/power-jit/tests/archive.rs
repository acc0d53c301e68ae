//! Code that one compiler has made is found by the next: what runs warm does what the interpreter does, and damage only costs time.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;

use std::path::Path;

use bare::*;
use power::{Cpu, Exit};
use power_jit::{JitOptions, JitService, JitStatistics, PersistentCachePlace};

const CODE: u64 = 0x1_0000;
const ROUNDS: u64 = 20_000;

/// A compiler with an archive, which is waited for, so that what it does depends on the program alone.
fn service(directory: &Path) -> JitService {
    let options = JitOptions {
        threshold: 2,
        wait: true,
        ..JitOptions::default()
    };
    let place = PersistentCachePlace {
        directory: directory.to_owned(),
        max_bytes: 16 << 20,
    };
    JitService::with_persistent_cache(options, place).expect("tests run where the engine does")
}

/// Runs a loop that calls a function in another page, which divides by way of a function of this program (divdeu).
fn run(service: Option<&JitService>) -> Cpu {
    const BLR: u32 = 0x4e80_0020;
    /// divdeu r5, r3, r6
    const DIVDEU: u32 = x(5, 3, 6, 393);
    let partition = partition(1);
    let call = b(0x2000) | 1;
    code(&partition, CODE, &[call, bdnz(-4), HYPERCALL]);
    code(&partition, CODE + 0x2000, &[addi(3, 3, 1), DIVDEU, BLR]);
    let mut cpu = cpu(&partition, CODE);
    cpu.set_code_tier(service.map(JitService::code_tier));
    cpu.regs.ctr = ROUNDS;
    cpu.regs.gpr[6] = u64::MAX;
    assert_eq!(cpu.run(), Exit::Hypercall);
    cpu
}

/// Runs the program with an archive; what the compiler did, once its thread is done.
fn run_with(directory: &Path) -> JitStatistics {
    let service = service(directory);
    let interpreted = run(None);
    let mut compiled = run(Some(&service));
    assert_eq!(interpreted.regs, compiled.regs);
    assert_eq!(
        interpreted.statistics().instructions,
        compiled.statistics().instructions
    );
    // With it goes its share of the statistics.
    compiled.set_code_tier(None);
    service.statistics()
}

#[test]
fn the_second_run_compiles_nothing_and_does_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let cold = run_with(directory.path());
    assert!(cold.regions > 0 && cold.loaded == 0, "{cold:?}");
    let warm = run_with(directory.path());
    assert_eq!((warm.regions, warm.loaded), (0, cold.regions), "{warm:?}");
    assert!(warm.executed >= cold.executed, "{warm:?}");
}

#[test]
fn code_that_was_damaged_on_disk_is_made_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let cold = run_with(directory.path());
    for file in std::fs::read_dir(directory.path()).expect("it is there") {
        let path = file.expect("it can be listed").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "code")
        {
            let mut bytes = std::fs::read(&path).expect("it can be read");
            for byte in bytes.iter_mut().skip(64).step_by(97) {
                *byte ^= 0x40;
            }
            std::fs::write(&path, bytes).expect("it can be written");
        }
    }
    let again = run_with(directory.path());
    assert_eq!(
        (again.regions, again.loaded),
        (cold.regions, 0),
        "{again:?}"
    );
}

#[test]
fn a_directory_that_others_could_write_to_is_not_used_and_the_guest_runs() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(directory.path(), open).expect("it is ours");
    for _ in 0..2 {
        let done = run_with(directory.path());
        assert!(done.regions > 0 && done.loaded == 0, "{done:?}");
    }
}
