//! Drives the library without any CPU: what a monitor and its guest would do, in one page.
//!
//! `cargo run -p papr-scm --example embed [auto|io_uring|threads]`

use std::error::Error;
use std::time::Duration;

use papr_scm::abi::{opcode, status};
use papr_scm::nvdimm::{NvdimmConfig, Plan};
use papr_scm::{Caller, GuestMemory, GuestMemoryError, Plug, Scm, ScmOptions};

/// A guest without memory: none of the calls below needs any.
struct NoMemory;

impl GuestMemory for NoMemory {
    fn read(&self, address: u64, buf: &mut [u8]) -> Result<(), GuestMemoryError> {
        Err(GuestMemoryError {
            address,
            length: buf.len(),
        })
    }

    fn write(&self, address: u64, buf: &[u8]) -> Result<(), GuestMemoryError> {
        Err(GuestMemoryError {
            address,
            length: buf.len(),
        })
    }
}

impl Caller for NoMemory {}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("pmem0.img");

    // The monitor: what the user asks for, checked and opened, plugged above 4 GiB of RAM.
    let config: NvdimmConfig = format!("id=pmem0,path={},size=256M", path.display()).parse()?;
    let executor = std::env::args().nth(1).unwrap_or("auto".into()).parse()?;
    let scm = Scm::new(ScmOptions {
        executor,
        ..ScmOptions::default()
    })?;
    for nvdimm in Plan::new(vec![config])?.open()? {
        let spec = nvdimm.spec(4 << 30);
        scm.plug(spec, nvdimm.backing, Plug::Cold)?;
    }
    for node in scm.device_tree().children {
        println!("device tree: {}", node.name);
        for (name, value) in &node.properties {
            println!("    {name} ({} bytes)", value.len());
        }
    }

    // The guest: bind, store, flush until it is durable.
    let device = scm
        .devices()
        .into_iter()
        .next()
        .ok_or("one device was plugged")?;
    let drc = u64::from(device.drc().value());
    let call = |number, args: &[u64]| {
        let mut registers = [0; 9];
        registers[..args.len()].copy_from_slice(args);
        scm.hypercall(number, &registers, &NoMemory)
            .ok_or("an SCM hypercall")
    };
    let bound = call(
        opcode::H_SCM_BIND_MEM,
        &[drc, 0, device.blocks(), u64::MAX, 0],
    )?;
    println!(
        "bound {} block(s) at {:#x}",
        bound.outputs[2], bound.outputs[1]
    );

    for record in 0..1000u64 {
        device
            .region()
            .host
            .write(record * 64, &record.to_be_bytes())?;
        let mut token = 0;
        loop {
            let answer = call(opcode::H_SCM_FLUSH, &[drc, token])?;
            match status::retry_after(answer.status) {
                Some(pause) => std::thread::sleep(pause),
                None if answer.status == status::H_SUCCESS => break,
                None => return Err(format!("the flush failed: {}", answer.status).into()),
            }
            token = answer.outputs[0];
        }
    }

    let counters = device.counters();
    println!("syncs run on {}", scm.executor());
    println!(
        "{} flushes, {} hypercalls, {} syncs",
        counters.flushes, counters.hypercalls, counters.syncs
    );
    println!(
        "{} answered in their first hypercall",
        counters.answered_at_once
    );
    let (p50, p99) = (
        counters.flush_latency.percentile(50),
        counters.flush_latency.percentile(99),
    );
    println!("a flush took {p50} us (median), {p99} us (99 of 100)");

    let report = scm.shutdown(Duration::from_secs(10));
    println!(
        "shutdown: {} abandoned, {} failed",
        report.abandoned,
        report.failures.len()
    );
    Ok(())
}
