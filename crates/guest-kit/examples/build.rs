//! Builds the guest kit in the user's cache (or only finds it there) and prints its paths as JSON; with `--stock` also the path of the
//! distribution's kernel. `paprika guest build` does the same.

use guest_kit::{GuestKit, Progress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let progress = Progress::auto();
    let paths = GuestKit::ensure(&progress)?;
    println!("{}", serde_json::to_string_pretty(&paths)?);
    if std::env::args().any(|argument| argument == "--stock") {
        println!("{}", GuestKit::ensure_stock_kernel(&progress)?.display());
    }
    Ok(())
}
