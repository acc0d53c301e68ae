//! The `paprika` program: see `paprika --help`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    paprika::cli::main()
}
