//! What the guest does with its persistent memory, as commands at its shell.

use papr_scm::nvdimm::OpenNvdimm;

use super::devices::{DEVICES, Device};
use crate::demo::Step;

/// What the guest prints when the counters are to be read: before the flushes that are counted, and after. It then waits for a line.
pub const COUNT: &str = "@@paprika counts";

/// Writers on each device, and records that each makes durable with `fsync`.
pub const WRITERS: u64 = 4;
/// See [`WRITERS`].
pub const RECORDS: u64 = 16;

/// Answers of the guest's commands that the table is made from.
pub const PRESENT: &str = "present";
/// See [`PRESENT`].
pub const ABSENT: &str = "absent";
/// What `mapsync` prints where `MAP_SYNC` is granted.
pub const GRANTED: &str = "mmap: ok";
/// What it prints where it is refused.
pub const REFUSED: &str = "Failed to mmap with Operation not supported";
/// Its exit status then.
const REFUSED_STATUS: i32 = 2;

/// How the guest answers for one device: what was announced, what `MAP_SYNC` came to, and the acknowledged records.
pub const QUESTIONS: usize = 3;

/// The commands, and where among them the answers are.
pub struct Commands {
    /// All, in order.
    pub steps: Vec<Step>,
    /// By device, in the order of [`DEVICES`]: the number of the command that answers each question.
    pub answers: [[usize; QUESTIONS]; 2],
}

/// The commands for these devices.
pub fn commands(nvdimms: &[OpenNvdimm]) -> Commands {
    let mut steps = vec![find_regions(nvdimms)];
    let mut answers = [[0; QUESTIONS]; 2];
    let mut ask = |steps: &mut Vec<Step>, device: usize, question: usize, step: Step| {
        answers[device][question] = steps.len();
        steps.push(step);
    };
    for (n, device) in DEVICES.into_iter().enumerate() {
        ask(&mut steps, n, 0, announced(device));
    }
    for device in DEVICES {
        steps.extend(mount(device));
    }
    for (n, device) in DEVICES.into_iter().enumerate() {
        ask(&mut steps, n, 1, map_sync(device));
    }
    steps.push(count());
    for (n, device) in DEVICES.into_iter().enumerate() {
        ask(&mut steps, n, 2, fsync(device));
    }
    steps.push(count());
    steps.push(Step::hidden("umount /mnt/pmem0 /mnt/pmem1"));
    Commands { steps, answers }
}

/// Sets a shell variable with the id of each device to the name of its region. By uuid: the order in which Linux finds regions is its own.
fn find_regions(nvdimms: &[OpenNvdimm]) -> Step {
    let cases = nvdimms.iter().map(|nvdimm| {
        let (uuid, id) = (nvdimm.config.uuid, &nvdimm.config.id);
        format!("{uuid}) {id}=${{region##*/}};; ")
    });
    let cases: String = cases.collect();
    Step::hidden(format!(
        "for region in /sys/bus/nd/devices/region*; do case $(tr -d '\\0' <$region/of_node/ibm,unit-guid) in {cases}esac; done; \
         test -n \"$pmem0\" && test -n \"$pmem1\""
    ))
}

fn announced(Device { id, sync_dax }: Device) -> Step {
    let node = format!("/sys/bus/nd/devices/${id}/of_node");
    let (claim, answer) = if sync_dax {
        ("is not told to flush", ABSENT)
    } else {
        ("is told to flush by hypercall", PRESENT)
    };
    Step::new(format!(
        "test -e {node}/ibm,hcall-flush-required && echo {PRESENT} || echo {ABSENT}"
    ))
    .claims(format!("{id}: the guest {claim}"), move |output| {
        output.trim() == answer
    })
}

fn mount(Device { id, .. }: Device) -> [Step; 3] {
    [
        Step::new(format!(
            "ndctl create-namespace -m fsdax -r ${id} | tee /tmp/{id} | grep -E 'mode|blockdev'"
        ))
        .claims(format!("{id}: a namespace for file systems with DAX is made"), |output| {
            output.contains("fsdax") && output.contains("blockdev")
        }),
        Step::hidden(format!(
            "dev_{id}=/dev/$(sed -n 's/.*\"blockdev\":\"\\([a-z0-9.]*\\)\".*/\\1/p' /tmp/{id})"
        )),
        Step::new(format!(
            "mkfs.xfs -q -f -b size=65536 -m reflink=0 $dev_{id} && mkdir -p /mnt/{id} && mount -t xfs -o dax=always $dev_{id} /mnt/{id} && grep /mnt/{id} /proc/mounts"
        ))
        .claims(format!("{id}: XFS is mounted with DAX"), |output| {
            output.contains("xfs") && output.contains("dax=always")
        }),
    ]
}

fn map_sync(Device { id, sync_dax }: Device) -> Step {
    let step = Step::new(format!("mapsync /mnt/{id}/f"));
    if sync_dax {
        step.claims(format!("{id}: MAP_SYNC works"), |output| {
            output.contains(GRANTED) && output.contains("msync: ok")
        })
    } else {
        step.status(REFUSED_STATUS).claims(
            format!("{id}: MAP_SYNC is refused, \"Operation not supported\""),
            |output| output.trim() == REFUSED,
        )
    }
}

fn count() -> Step {
    Step::hidden(format!("echo '{COUNT}'; read -r go"))
}

/// Several writers at the same time, so that flushes can share a sync.
fn fsync(Device { id, .. }: Device) -> Step {
    let writers = (1..=WRITERS).map(|n| n.to_string());
    let writers = writers.collect::<Vec<_>>().join(" ");
    let all = WRITERS * RECORDS;
    Step::new(format!(
        "for n in {writers}; do recorder write -n {RECORDS} /mnt/{id}/r$n >/tmp/{id}.$n & done; wait; cat /tmp/{id}.* | grep -c ack"
    ))
    .claims(
        format!("{id}: {WRITERS} programs had {all} of {all} records acknowledged by fsync"),
        move |output| output.trim().parse() == Ok(all),
    )
}
