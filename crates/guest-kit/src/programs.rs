//! The recipe of our own programs for the guest: one C file each, static, for POWER9.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Error, Progress, Result, elf, inputs, run};

/// Compiles every program into the directory `to`. The host has [`COMPILER_PACKAGES`](crate::host::COMPILER_PACKAGES).
pub(crate) fn build(to: &Path, log: &Path, progress: &Progress) -> Result<()> {
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    let step = "Compiling the guest's programs";
    progress.step(step, inputs::PROGRAMS.len() as u64);
    for (name, source) in inputs::PROGRAMS {
        progress.advance(name);
        let file = to.join(format!("{name}.c"));
        let program = to.join(name);
        fs::write(&file, source).map_err(Error::io("write", &file))?;
        let mut compiler = Command::new("powerpc64le-linux-gnu-gcc");
        compiler
            .args(inputs::PROGRAM_FLAGS)
            .arg("-o")
            .arg(&program)
            .arg(&file);
        run::logged(&mut compiler, step, log, |_| ())?;
        let built = fs::read(&program).map_err(Error::io("read", &program))?;
        elf::ppc64le_header(&built, name)?;
        fs::remove_file(&file).map_err(Error::io("delete", &file))?;
    }
    Ok(())
}
