//! `paprika run`.
use std::path::PathBuf;
use std::process::ExitCode;

use crate::machine::{Machine, MachineConfig};
use crate::terminal::StdoutConsole;

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[arg(long)]
    kernel: PathBuf,
    #[arg(long)]
    initrd: Option<PathBuf>,
    #[arg(long, default_value = "")]
    cmdline: String,
    #[arg(long, default_value_t = 1)]
    cpus: u32,
    #[arg(long, default_value_t = 2048)]
    memory: u64,
}

pub(super) fn run(args: RunArgs) -> ExitCode {
    let config = MachineConfig {
        machine: Default::default(),
        kernel: args.kernel,
        initrd: args.initrd.map(|p| std::fs::read(p).unwrap()).unwrap_or_default(),
        cmdline: args.cmdline,
        cpus: args.cpus,
        memory: args.memory << 20,
        name: "paprika".into(),
        no_reboot: false,
    };
    let m = Machine::new(config, Box::new(StdoutConsole)).unwrap();
    println!("{:?}", m.run());
    ExitCode::SUCCESS
}
