//! Linux that moves while it works: sixteen writers that wait for flushes, and memory that changes faster than it should.

mod common;

use std::path::Path;

use common::argument;
use common::running::Running;

const OK: i32 = 0;

fn device(directory: &Path) -> String {
    format!(
        "--nvdimm=id=pmem0,path={},size=512M",
        argument(&directory.join("pmem0.img"))
    )
}

/// Moves the guest to a new process, by a socket of its own; what the move was like.
#[track_caller]
fn move_on(
    from: Running,
    name: &str,
    receiving: &[&str],
    more: &[&str],
) -> (Running, serde_json::Value) {
    let directory = from.directory.clone();
    let uri = format!("unix:{}", argument(&directory.join(format!("{name}.in"))));
    let to = Running::receive_in(&directory, name, &uri, receiving);
    let ran = from.ctl(&[&["--json", "migrate", uri.as_str()], more].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(OK), ""), "{ran:?}");
    let report = serde_json::from_str(&ran.stdout).expect("JSON");
    eprintln!("{name}: {}", ran.stdout.replace('\n', " "));
    let (code, words) = from.ending();
    assert_eq!(code, Some(OK), "{words}");
    to.wait_ready();
    (to, report)
}

/// Each writer notes every record that was acknowledged; in the end as many are looked for.
const WRITERS: &str = "ndctl create-namespace -m fsdax -r region0 > /dev/null; mkfs.xfs -q /dev/pmem0; mount /dev/pmem0 /mnt; \
    for i in $(seq 16); do (n=1; while [ ! -e /tmp/stop ]; do recorder write -r $i -s $n -n 5 /mnt/f$i >> /tmp/a$i || echo failed $i; n=$((n+5)); done) & done; \
    while [ $(cat /tmp/a* | wc -l) -lt 160 ]; do sleep 0.1; done; echo working; \
    for round in 1 2 3; do read -r line; now=$(cat /tmp/a* | wc -l); while [ $(cat /tmp/a* | wc -l) -lt $((now+160)) ]; do sleep 0.1; done; echo heard $line; done; \
    touch /tmp/stop; wait; \
    for i in $(seq 16); do recorder verify -a $(grep -c ^ack /tmp/a$i) -r $i /mnt/f$i || echo lost $i; done; \
    echo acknowledged $(cat /tmp/a* | grep -c ^ack); dmesg | grep -v Kernel | grep -E 'lockup|stall|BUG:|I/O error'; echo done";

#[test]
fn linux_moves_three_times_under_sixteen_writers_and_every_acknowledged_record_is_there() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = Running::linux_in(at, WRITERS, &[&device(at), "--memory=512M", "--cpus=2"]);
    guest.read_to_line("working");
    let mut text = String::new();
    // To the other engine, and back from it.
    for (name, engine) in [
        ("one", "interpreter"),
        ("two", "jit"),
        ("three", "interpreter"),
    ] {
        let (next, _) = move_on(guest, name, &["--engine", engine], &["--brake"]);
        guest = next;
        guest.type_in(format!("{name}\n").as_bytes());
        text += &guest.read_to_line(&format!("heard {name}"));
    }
    text += &guest.read_to_line("done");
    let verified = text.matches("lost=0").count();
    assert_eq!(verified, 16, "{text}");
    for bad in [
        "lost 1",
        "lost 2",
        "failed",
        "lockup",
        "stall",
        "BUG:",
        "I/O error",
    ] {
        assert!(!text.contains(bad), "{bad}: {text}");
    }
    let acknowledged = text
        .lines()
        .find_map(|line| line.strip_prefix("acknowledged "));
    let acknowledged: u64 = acknowledged
        .and_then(|number| number.parse().ok())
        .expect("a number");
    assert!(acknowledged >= 640, "{acknowledged}");
    assert_eq!(guest.ending().0, Some(OK));
}

/// Copies 16 MiB again and again, and compares each time.
const BUSY: &str = "yes paprika | head -c 16777216 > /dev/shm/a; (n=0; while [ ! -e /tmp/stop ]; do n=$((n+1)); cp /dev/shm/a /dev/shm/b; cmp /dev/shm/a /dev/shm/b || echo wrong; rm /dev/shm/b; done; echo rounds $n > /tmp/rounds) & \
    sleep 1; echo working; read -r line; echo heard $line; touch /tmp/stop; wait; cat /tmp/rounds; echo done";

#[test]
fn linux_that_writes_all_the_time_moves_with_a_brake() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = Running::linux_in(at, BUSY, &["--memory=512M"]);
    guest.read_to_line("working");
    let (mut guest, report) = move_on(guest, "one", &[], &["--brake", "--downtime-limit=50"]);
    guest.type_in(b"you\n");
    let text = guest.read_to_line("done");
    assert!(
        text.contains("heard you") && !text.contains("wrong"),
        "{text}"
    );
    assert!(
        text.contains("rounds") && report["bytes"].as_u64() > Some(16 << 20),
        "{report}"
    );
    assert_eq!(guest.ending().0, Some(OK));
}
