//! A source that nobody has a reason to trust: what it names, leaves out, and says.

mod common;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use common::running::Running;
use common::{argument, run, wait};
use serde_json::{Value, json};

const OK: i32 = 0;
const ERROR: i32 = 1;

/// Bytes of a greeting, of a frame's header, and of what precedes the description in an offer: see
/// `crates/migration/src/wire`.
const GREETING: usize = 12;
const HEADER: usize = 20;
const BEFORE_DESCRIPTION: usize = 28;
/// Kinds of frames.
const OFFER: u8 = 1;
const STATE: u8 = 4;
const ABORT: u8 = 8;
const FAILED: u8 = 36;

/// What a terminal would carry out, and a line that is not Paprika's.
const HOSTILE: &str = "so\x1b[2J\x1b]0;title\x07\nerror: forged\u{9b}1m";

/// A frame with sound checksums.
fn frame(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// The kind, the number and the payload of the next frame.
fn next_frame(from: &mut impl Read) -> io::Result<(u8, u32, Vec<u8>)> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header)?;
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
    let mut payload = vec![0; word(4) as usize];
    from.read_exact(&mut payload)?;
    Ok((header[0], word(8), payload))
}

/// Passes on what a source says to the destination at `far`, with `forge` done to its offer and its
/// state; answers its URI.
fn forger(directory: &Path, far: &Path, forge: impl Fn(u8, &mut Value) + Send + 'static) -> String {
    let near = directory.join("near");
    let _ = std::fs::remove_file(&near);
    let listener = UnixListener::bind(&near).expect("a socket");
    let destination = UnixStream::connect(far).expect("it listens");
    thread::spawn(move || -> io::Result<()> {
        let (mut source, _) = listener.accept()?;
        let (mut back, mut answers) = (source.try_clone()?, destination.try_clone()?);
        thread::spawn(move || io::copy(&mut answers, &mut back));
        let mut destination = destination;
        let mut greeting = [0; GREETING];
        source.read_exact(&mut greeting)?;
        destination.write_all(&greeting)?;
        loop {
            let (kind, number, mut payload) = next_frame(&mut source)?;
            let before = match kind {
                OFFER => BEFORE_DESCRIPTION,
                STATE => size_of::<u64>(),
                _ => payload.len(),
            };
            let text = payload.split_off(before);
            if !text.is_empty() {
                // Tiny guests have states of a single frame.
                let mut value = serde_json::from_slice(&text)?;
                forge(kind, &mut value);
                let text = serde_json::to_vec(&value)?;
                if kind == STATE {
                    payload = (text.len() as u64).to_le_bytes().to_vec();
                }
                payload.extend(text);
            }
            destination.write_all(&frame(kind, number, &payload))?;
        }
    });
    format!("unix:{}", argument(&near))
}

/// The description in an offer, or in a state.
fn description(kind: u8, value: &mut Value) -> &mut Value {
    match kind {
        OFFER => &mut value["description"],
        _ => &mut value["machine"]["description"],
    }
}

fn guest_in(directory: &Path, more: &[&str]) -> Running {
    let image = directory.join("pmem0.img");
    let device = format!("--nvdimm=id=pmem0,path={},size=256M", argument(&image));
    Running::start_in(directory, &[&[device.as_str()], more].concat())
}

/// The source is told that it was refused, and the user of the destination why.
#[track_caller]
fn refused(guest: &mut Running, uri: &str, waiting: Running, why: &str) {
    let ran = guest.ctl(&["migrate", uri]);
    assert_eq!(ran.code, Some(ERROR), "{why}: {ran:?}");
    assert!(
        ran.stderr.contains("refused") && ran.stderr.contains("the guest goes on here"),
        "{why}: {}",
        ran.stderr
    );
    assert!(!ran.stderr.contains(why), "{why}: {}", ran.stderr);
    let (code, words) = waiting.ending();
    assert_eq!(code, Some(ERROR), "{words}");
    assert!(words.contains(why), "{why}: {words}");
    guest.guest_lives("still here");
}

#[test]
fn a_guest_gets_the_files_that_the_receiver_names_and_no_others() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let [there, linked, empty] = ["there", "linked", "empty"].map(|name| {
        let made = at.join(name);
        std::fs::create_dir(&made).expect("a directory");
        made
    });
    let mut guest = guest_in(at, &["--cpus=2"]);
    // The same file under another directory, as when both hosts see it in different places.
    std::fs::hard_link(at.join("pmem0.img"), there.join("pmem0.img")).expect("a link");
    std::os::unix::fs::symlink(at.join("pmem0.img"), linked.join("pmem0.img")).expect("a link");
    let uri = format!("unix:{}", argument(&at.join("in")));
    let dir = |path: &Path| format!("--nvdimm-dir={}", argument(path));
    let (right, linked, empty) = (dir(&there), dir(&linked), dir(&empty));
    let nowhere = dir(&at.join("nowhere"));
    for (more, why) in [
        (
            vec![],
            "with --nvdimm id=pmem0,path=FILE, or with --nvdimm-dir",
        ),
        (
            vec!["--nvdimm=id=pmem0,readonly=off"],
            "this side was not told where its file is",
        ),
        (vec![linked.as_str()], "is a symbolic link"),
        (vec![empty.as_str()], "is missing"),
        (vec![nowhere.as_str()], "can't be opened"),
        (
            vec!["--nvdimm=id=pmem0,size=512M", &right],
            "size is 268435456",
        ),
        (
            vec![&right, "--max-memory=128M"],
            "allow more with --max-memory",
        ),
        (vec![&right, "--max-cpus=1"], "allow more with --max-cpus"),
    ] {
        let waiting = Running::receive_without_files(at, "second", &uri, &more);
        refused(&mut guest, &uri, waiting, why);
    }
    let mut second = Running::receive_without_files(at, "second", &uri, &[&right]);
    let ran = guest.ctl(&["migrate", &uri]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    assert_eq!(guest.ending().0, Some(OK));
    second.wait_ready();
    second.guest_lives("there");
    // The other way to say it.
    let uri = format!("unix:{}", argument(&at.join("in-again")));
    let named = format!("--nvdimm=id=pmem0,path={}", argument(&at.join("pmem0.img")));
    let mut third = Running::receive_without_files(at, "third", &uri, &[&named]);
    let ran = second.ctl(&["migrate", &uri]);
    assert_eq!(ran.code, Some(OK), "{ran:?}");
    assert_eq!(second.ending().0, Some(OK));
    third.wait_ready();
    third.guest_lives("and on");
    third.end();
}

#[test]
fn a_source_that_forges_its_machine_gets_nothing_by_it() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = guest_in(at, &[]);
    let secret = at.join("secret");
    std::fs::create_dir(&secret).expect("a directory");
    std::fs::copy(at.join("pmem0.img"), secret.join("key.img")).expect("a copy");
    let key = secret.join("key.img");
    let beneath = at.join("none").join("../secret/key.img");
    type Forge = Box<dyn Fn(u8, &mut Value) + Send>;
    let path = |path: &Path| -> Forge {
        let path = argument(path).to_owned();
        Box::new(move |kind, value| description(kind, value)["nvdimms"][0]["path"] = json!(path))
    };
    let of_state = |forge: fn(&mut Value)| -> Forge {
        Box::new(move |kind, value| {
            if kind == STATE {
                forge(&mut description(kind, value)["nvdimms"][0]);
            }
        })
    };
    let of_offer = |forge: fn(&mut Value)| -> Forge {
        Box::new(move |kind, value| {
            if kind == OFFER {
                forge(value);
            }
        })
    };
    let forged: Vec<(Forge, &str)> = vec![
        (path(&key), "key.img is missing"),
        (path(&beneath), "key.img is missing"),
        (path(Path::new("/")), "the source names no file"),
        (path(&at.join("..")), "the source names no file"),
        (path(Path::new("")), "the source names no file"),
        // Without a word of how the file was left, it could be any.
        (
            of_state(|device| device["backing"] = Value::Null),
            "nothing tells whether",
        ),
        (
            of_state(|device| device["backing"]["inode"] = json!(1)),
            "is not the file",
        ),
        (
            of_state(|device| device["backing"]["digest"] = json!("00")),
            "",
        ),
        (
            of_offer(|offer| offer["boot"]["kernel"]["length"] = json!(1_u64 << 40)),
            "contradicts itself about what the guest boots from",
        ),
        (
            of_offer(|offer| offer["boot"]["kernel"]["length"] = json!(u64::MAX)),
            "contradicts itself about what the guest boots from",
        ),
        (
            of_offer(|offer| offer["description"]["memory"] = json!(1_u64 << 50)),
            "contradicts itself about the machine's memory",
        ),
    ];
    for (number, (forge, why)) in forged.into_iter().enumerate() {
        let far = at.join("far");
        let far_uri = format!("unix:{}", argument(&far));
        let waiting = Running::receive_in(at, &format!("other{number}"), &far_uri, &[]);
        let uri = forger(at, &far, forge);
        if why.is_empty() {
            // A digest is no way round: the file itself is the right one, and it moves.
            let ran = guest.ctl(&["migrate", &uri]);
            assert_eq!(ran.code, Some(OK), "{ran:?}");
            let moved = std::mem::replace(&mut guest, waiting);
            assert_eq!(moved.ending().0, Some(OK));
            guest.wait_ready();
            guest.guest_lives("here now");
            continue;
        }
        refused(&mut guest, &uri, waiting, why);
    }
    guest.end();
}

/// That none of it would be carried out by a terminal, and no line is another's.
#[track_caller]
fn assert_plain(text: &str) {
    let active = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(active), "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("error: forged")),
        "{text}"
    );
    assert!(text.contains("forged"), "it is shown: {text}");
}

#[test]
fn the_words_of_a_peer_reach_neither_terminal_nor_log_as_they_are() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = guest_in(at, &[]);
    // A source that has kept its guest, it says.
    let far = at.join("far");
    let uri = format!("unix:{}", argument(&far));
    let waiting = Running::receive_in(at, "second", &uri, &[]);
    let offer = {
        let near = at.join("near");
        let listener = UnixListener::bind(&near).expect("a socket");
        let uri = format!("unix:{}", argument(&near));
        let client = guest.client();
        let moving = thread::spawn(move || {
            client.migrate(&paprika::control::api::MigrateRequest {
                uri,
                downtime_limit_ms: None,
                brake: false,
            })
        });
        let (mut source, _) = listener.accept().expect("it connects");
        let mut greeting = [0; GREETING];
        source.read_exact(&mut greeting).expect("a greeting");
        source.write_all(&greeting).expect("room");
        let offer = next_frame(&mut source).expect("an offer");
        // And a destination that refuses it.
        source
            .write_all(&frame(FAILED, 0, HOSTILE.as_bytes()))
            .expect("room");
        let error = moving.join().expect("no panic").expect_err("refused");
        assert!(error.to_string().contains("forged"));
        (greeting, offer.2)
    };
    let status = guest.ctl(&["migrate", "--status"]).stdout;
    assert_plain(&status);
    assert_eq!(status.lines().count(), 1, "{status}");
    assert_plain(&guest.ctl(&["--json", "migrate", "--status"]).stdout);
    let mut source = UnixStream::connect(&far).expect("it listens");
    source.write_all(&offer.0).expect("room");
    source.write_all(&frame(OFFER, 0, &offer.1)).expect("room");
    source
        .write_all(&frame(ABORT, 1, HOSTILE.as_bytes()))
        .expect("room");
    let (code, words) = waiting.ending();
    assert_eq!(code, Some(ERROR));
    assert_plain(&words);

    // The same by the command that is told.
    let near = at.join("nearer");
    let listener = UnixListener::bind(&near).expect("a socket");
    let refusing = thread::spawn(move || -> io::Result<()> {
        let (mut source, _) = listener.accept()?;
        let mut greeting = [0; GREETING];
        source.read_exact(&mut greeting)?;
        source.write_all(&greeting)?;
        next_frame(&mut source)?;
        source.write_all(&frame(FAILED, 0, HOSTILE.as_bytes()))?;
        io::copy(&mut source, &mut io::sink()).map(drop)
    });
    let ran = guest.ctl(&["migrate", &format!("unix:{}", argument(&near))]);
    assert_eq!(ran.code, Some(ERROR));
    assert_plain(&ran.stderr);
    refusing.join().expect("no panic").expect("it was heard");
    guest.guest_lives("unmoved");
    guest.end();
}

#[test]
fn strangers_do_not_fill_the_log() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let (mut waiting, port) = Running::receive_at_port_in(at, "second");
    for _ in 0..200 {
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let _ = stranger.write_all(b"\x1b[2JGET / HTTP/1.1\r\n\r\n");
        let _ = stranger.read_to_end(&mut Vec::new());
    }
    waiting.child.kill().expect("a process");
    wait(&mut waiting.child);
    let mut words = String::new();
    let stderr = waiting.child.stderr.as_mut().expect("stderr");
    stderr.read_to_string(&mut words).expect("text");
    let lines = words.lines().count();
    assert!((1..=12).contains(&lines), "{lines}: {words}");
}

#[test]
fn bounds_that_make_no_sense_are_refused_at_once() {
    for (option, said) in [
        ("--max-cpus=0", "from 1 to 16"),
        ("--max-cpus=17", "from 1 to 16"),
        ("--max-memory=much", "write a size"),
        ("--max-memory=0", "write a size"),
    ] {
        let ran = run(&["receive", "tcp:127.0.0.1:0", option]);
        assert!(ran.stderr.contains(said), "{option}: {}", ran.stderr);
        assert_ne!(ran.code, Some(OK));
    }
}
