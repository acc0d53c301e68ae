//! How many syncs concurrent writers cost, without any CPU: each stores 4 KiB, flushes, and
//! computes for a while.
//!
//! `cargo run --release -p papr-scm --example contention [auto|io_uring|threads] [microseconds of computing]`

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use papr_scm::abi::{opcode, status};
use papr_scm::nvdimm::{NvdimmConfig, Plan};
use papr_scm::{Caller, GuestMemory, GuestMemoryError, Plug, Scm, ScmOptions};

const RUN: Duration = Duration::from_secs(2);

/// A guest without memory: a flush needs none.
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

/// A flush as Linux does it.
fn flush(scm: &Scm, drc: u64) -> i64 {
    let mut args = [0; 9];
    args[0] = drc;
    loop {
        let Some(answer) = scm.hypercall(opcode::H_SCM_FLUSH, &args, &NoMemory) else {
            return status::H_FUNCTION;
        };
        match status::retry_after(answer.status) {
            Some(pause) => thread::sleep(pause),
            None => return answer.status,
        }
        args[1] = answer.outputs[0];
    }
}

fn compute(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let executor = std::env::args().nth(1).unwrap_or("auto".into()).parse()?;
    let think = Duration::from_micros(std::env::args().nth(2).unwrap_or("20".into()).parse()?);
    let directory = tempfile::tempdir()?;
    println!("writers  flushes/s  syncs/flush  hypercalls/flush  at once  p50 us  p99 us");
    for writers in [1, 2, 4, 16] {
        let path = directory.path().join(format!("{writers}.img"));
        let config: NvdimmConfig = format!("id=pmem0,path={},size=256M", path.display()).parse()?;
        let scm = Scm::new(ScmOptions {
            executor,
            ..ScmOptions::default()
        })?;
        for nvdimm in Plan::new(vec![config])?.open()? {
            let spec = nvdimm.spec(4 << 30);
            scm.plug(spec, nvdimm.backing, Plug::Cold)?;
        }
        let device = scm.devices().pop().ok_or("one device was plugged")?;
        let begin = Instant::now();
        thread::scope(|scope| {
            for writer in 0..writers {
                let (scm, device) = (&scm, &device);
                scope.spawn(move || {
                    let mut round = 0;
                    while begin.elapsed() < RUN {
                        let offset = writer * (1 << 20) + round % 64 * 4096;
                        device
                            .region()
                            .host
                            .write(offset, &[round as u8; 4096])
                            .expect("within the region");
                        assert_eq!(flush(scm, device.drc().value().into()), status::H_SUCCESS);
                        compute(think);
                        round += 1;
                    }
                });
            }
        });
        let c = device.counters();
        let per_flush = |n: u64| n as f64 / c.flushes as f64;
        println!(
            "{writers:7}  {:9.0}  {:11.3}  {:16.2}  {:7.2}  {:6}  {:6}",
            c.flushes as f64 / begin.elapsed().as_secs_f64(),
            per_flush(c.syncs),
            per_flush(c.hypercalls),
            per_flush(c.answered_at_once),
            c.flush_latency.percentile(50),
            c.flush_latency.percentile(99),
        );
    }
    Ok(())
}
