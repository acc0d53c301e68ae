//! A guest with one NVDIMM that asks for flushes: its monitor's arguments, the script in it, and how its console is read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use guest_kit::GuestPaths;

use crate::monitor::{Machine, Monitor};
use crate::observe::{self, Seen};
use crate::options::Options;
use crate::outcome::{Case, Costs, Outcome, Series, Subject, Target};

/// Of the data region.
const NVDIMM_SIZE: &str = "1G";
const NVDIMM_BYTES: u64 = 1 << 30;
const LABEL_BYTES: u64 = 128 << 10;
const UUID: &str = "6f0c1f5e-2b3d-4b5a-9a77-6d1f6a1b0c5e";

/// A guest to run, and where.
pub(crate) struct Run<'a> {
    /// Kernels and initramfs.
    pub(crate) kit: &'a GuestPaths,
    /// On what.
    pub(crate) monitor: Monitor,
    /// Its CPUs.
    pub(crate) cpus: u32,
    /// What to measure.
    pub(crate) options: &'a Options,
    /// Where the NVDIMM's file is made.
    pub(crate) images: &'a Path,
    /// Where the log goes.
    pub(crate) output: &'a Path,
}

impl Run<'_> {
    /// Runs the guest once, and notes what it gave.
    pub(crate) fn measure(&self, series: &mut Series) {
        let seen = self.run();
        if let Err(error) = &seen {
            eprintln!("{} failed: {error:#}", self.monitor.name());
        }
        for target in Target::ALL {
            for &writers in &self.options.writers {
                let (monitor, cpus) = (self.monitor, self.cpus);
                let subject = Subject::Guest {
                    target,
                    cpus,
                    monitor,
                };
                let case = Case { subject, writers };
                let outcome = match &seen {
                    Ok(seen) => outcome(seen, target, writers),
                    Err(error) => Err(anyhow::anyhow!("{error:#}")),
                };
                match outcome {
                    Ok(outcome) => series.add(case, outcome),
                    Err(error) => series.fail(case, &format!("{error:#}")),
                }
            }
        }
    }

    fn run(&self) -> Result<Seen> {
        let base = fs::read(&self.kit.initramfs)
            .with_context(|| format!("reading {}", self.kit.initramfs.display()))?;
        let script = script(self.options);
        let archive =
            guest_kit::with_files(&base, &[("/paprika/script", 0o755, script.as_bytes())])?;
        let initramfs = self.images.join("initramfs.cpio");
        fs::write(&initramfs, archive)
            .with_context(|| format!("writing {}", initramfs.display()))?;

        // New for every run, and sparse, as a user's is.
        let image = self.images.join("nvdimm");
        File::create(&image)
            .and_then(|file| file.set_len(NVDIMM_BYTES + LABEL_BYTES))
            .with_context(|| format!("creating {}", image.display()))?;
        let name = format!("{}-flush-{}.log", self.monitor.name(), self.cpus);
        observe::run(
            self.command(&initramfs, &image),
            self.options.deadline(),
            &self.output.join(name),
        )
    }

    fn command(&self, initramfs: &Path, image: &Path) -> Command {
        let memory = match self.monitor {
            Monitor::Paprika => self.options.memory.clone(),
            // QEMU wants to be told where NVDIMMs may go.
            Monitor::Qemu => format!("{},slots=1,maxmem=64G", self.options.memory),
        };
        let machine = Machine {
            kit: self.kit,
            initramfs,
            cpus: self.cpus,
            memory: &memory,
        };
        let mut command = self.monitor.command(&machine);
        let image = image.display();
        match self.monitor {
            Monitor::Paprika => {
                command.arg("--nvdimm");
                command.arg(format!(
                    "id=pmem0,path={image},size={NVDIMM_SIZE},uuid={UUID}"
                ));
            }
            Monitor::Qemu => {
                let size = NVDIMM_BYTES + LABEL_BYTES;
                command.arg("-object");
                command.arg(format!(
                    "memory-backend-file,id=m0,share=on,mem-path={image},size={size}"
                ));
                command.arg("-device");
                command.arg(format!(
                    "spapr-nvdimm,id=pmem0,memdev=m0,label-size={LABEL_BYTES},uuid={UUID}"
                ));
            }
        }
        command
    }
}

const STATS: &str = "flush-stats";

/// Every measurement, between two looks at the device's statistics (which QEMU's has none of).
fn script(options: &Options) -> String {
    let mut script = format!(
        "#!/bin/sh
set -e
region=$(ls /sys/bus/nd/devices | grep '^region' | head -n 1)
disk=/dev/$(ndctl create-namespace -m fsdax -r $region | sed -n 's/.*\"blockdev\":\"\\(.*\\)\".*/\\1/p')
stats() {{
    echo {STATS} $1 $(sed 's/ *= */=/' /sys/bus/nd/devices/nmem0/papr/perf_stats 2>/dev/null)
}}
"
    );
    let seconds = options.seconds();
    for target in Target::ALL {
        let arguments = match target {
            Target::Raw => "-D $disk",
            Target::Cached => "$disk",
            Target::Xfs => {
                script += "mkfs.xfs -q -f -b size=65536 -m reflink=0 $disk
mkdir -p /mnt/xfs
mount -o dax=always $disk /mnt/xfs
";
                "/mnt/xfs/flushes"
            }
            // On the file system that the target before it has made.
            Target::XfsData => "-d /mnt/xfs/flushes-data",
        };
        for writers in &options.writers {
            let name = target.name();
            script += &format!(
                "stats {name}-{writers}-before
echo flush-case {name}-{writers} $(flushbench -w {writers} -t {seconds} {arguments})
stats {name}-{writers}-after
"
            );
        }
    }
    script
}

/// What the console shows of a case.
fn outcome(seen: &Seen, target: Target, writers: u32) -> Result<Outcome> {
    let name = format!("{}-{writers}", target.name());
    let fields = words(seen.after(&format!("flush-case {name} "))?);
    let number = |key: &str| -> Result<f64> {
        let text = fields
            .get(key)
            .with_context(|| format!("flushbench printed no `{key}`"))?;
        text.parse()
            .with_context(|| format!("flushbench printed `{key}={text}`"))
    };
    ensure!(number("errors")? == 0.0, "flushes failed in the guest");
    let flushes = number("flushes")?;
    ensure!(flushes > 0.0, "no flush ended in the guest");
    let before = seen.after(&format!("{STATS} {name}-before"))?;
    let after = seen.after(&format!("{STATS} {name}-after"))?;
    Ok(Outcome {
        rate: number("rate")?,
        p50_us: number("p50_us")?,
        p99_us: number("p99_us")?,
        costs: if after.trim().is_empty() {
            None
        } else {
            Some(costs(before, after, flushes)?)
        },
    })
}

/// From the statistics that `H_SCM_PERFORMANCE_STATS` gives (see papr-scm's hcall/stats.rs), as the guest's sysfs shows them.
fn costs(before: &str, after: &str, flushes: f64) -> Result<Costs> {
    let (before, after) = (words(before), words(after));
    let grown = |id: &str| -> Result<f64> {
        let value = |stats: &BTreeMap<&str, &str>| -> Result<u64> {
            let Some(text) = stats.get(id) else {
                bail!("the device has no statistic `{id}`")
            };
            let digits = text.strip_prefix("0x").unwrap_or(text);
            u64::from_str_radix(digits, 16).with_context(|| format!("statistic `{id}` is `{text}`"))
        };
        Ok(value(&after)?.saturating_sub(value(&before)?) as f64)
    };
    let syncs = grown("MedWCnt")?;
    Ok(Costs {
        syncs: syncs / flushes,
        hypercalls: grown("FlushCll")? / flushes,
        requests: grown("FlushCnt")? / flushes,
        sleeps: grown("FlushSlp")? / flushes,
        sync_us: grown("MedWDur")? / syncs.max(1.0),
        slow_syncs: grown("SyncSlow")? / flushes,
    })
}

/// The `key=value` words of a line.
fn words(line: &str) -> BTreeMap<&str, &str> {
    line.split_whitespace()
        .filter_map(|word| word.split_once('='))
        .collect()
}
