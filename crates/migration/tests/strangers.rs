//! Those who connect and want nothing, or nothing good, while a source comes, or comes back to ask.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::pki::Authority;
use common::plain::Plain;
use common::raw::{ASK, GREETING, VERDICT, whole};
use paprika_migration::link::{Connector, Listener};
use paprika_migration::options::Limits;
use paprika_migration::{Handle, Options, RamShape, Received, Uri, migrate, receive};

const SHAPE: RamShape = RamShape {
    page_size: 4096,
    pages: 64,
};

/// A source that waits for a minute, or a destination that gives everybody ten: who comes in does
/// not because others have been given up.
fn patient(minutes: u64) -> Options {
    let long = Duration::from_secs(60 * minutes);
    Options {
        limits: Limits {
            first_byte: long,
            handshake: long,
            check: long,
            frame: long,
            settle: long,
            commit: long,
            linger: Duration::from_secs(1),
        },
        ..Options::default()
    }
}

/// More than are greeted at one time. They stay until the result is dropped.
fn crowd(address: SocketAddr, says: &[u8]) -> Vec<TcpStream> {
    (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(address).expect("it listens");
            stream.write_all(says).expect("room");
            stream
        })
        .collect()
}

/// Moves a machine to a destination that a crowd stands in front of.
fn moves_through(listen: &str, connect: impl Fn(SocketAddr) -> Uri, says: &[u8]) {
    let listener = Listener::bind(&listen.parse().expect("a URI")).expect("a socket");
    let address = listener.address().expect("an address");
    let connector = Connector::new(connect(address)).expect("files");
    let (here, mut there) = (Plain::source(SHAPE, 10), Plain::destination(SHAPE));
    let handle = Handle::new();
    let received: Received = std::thread::scope(|scope| {
        let crowd = crowd(address, says);
        let receiving =
            scope.spawn(|| receive(Box::new(listener), &mut there, &patient(10), &handle));
        let moved = migrate(&here, &connector, &patient(1), &Handle::new());
        if moved.is_err() {
            handle.cancel().expect("nothing has come");
        }
        drop(crowd);
        let received = receiving.join().expect("no panic");
        moved.expect("it is let through");
        received.expect("it comes")
    });
    assert!(there.running);
    drop(received);
}

#[test]
fn a_crowd_that_says_nothing_does_not_keep_the_source_out() {
    let connect = |address: SocketAddr| format!("tcp:{address}").parse().expect("a URI");
    for says in [b"".as_slice(), b"p", GREETING] {
        moves_through("tcp:127.0.0.1:0", connect, says);
    }
}

#[test]
fn a_crowd_that_shows_no_certificate_does_not_keep_the_source_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    let ours = Authority::new(at, "ours");
    ours.sign(at, "source.example");
    ours.sign(at, "destination.example");
    let files = |who: &str| common::pki::files(at, "ours", who);
    let listen = format!("tls:127.0.0.1:0?{}", files("destination.example"));
    let connect = |address: SocketAddr| {
        let uri = format!(
            "tls:{address}?{}&name=destination.example",
            files("source.example")
        );
        uri.parse().expect("a URI")
    };
    // Silence, and the beginning of a handshake.
    for says in [b"".as_slice(), b"\x16\x03\x01"] {
        moves_through(&listen, connect, says);
    }
}

#[test]
fn a_source_that_asks_for_the_outcome_is_answered_beside_a_crowd() {
    let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().expect("a URI")).expect("a socket");
    let address = listener.address().expect("an address");
    let connector =
        Connector::new(format!("tcp:{address}").parse().expect("a URI")).expect("nothing to read");
    let (here, mut there) = (Plain::source(SHAPE, 10), Plain::destination(SHAPE));
    let _received = std::thread::scope(|scope| {
        let receiving =
            scope.spawn(|| receive(Box::new(listener), &mut there, &patient(10), &Handle::new()));
        migrate(&here, &connector, &patient(1), &Handle::new()).expect("it moves");
        receiving.join().expect("no panic").expect("it comes")
    });
    let _crowd = (crowd(address, b""), crowd(address, GREETING));
    let mut asking = TcpStream::connect(address).expect("it listens");
    asking.write_all(GREETING).expect("room");
    asking.write_all(&whole(ASK, 0, &[9; 16])).expect("room");
    let mut answer = Vec::new();
    asking.read_to_end(&mut answer).expect("an answer");
    // Of another migration than this one nothing is known: 3.
    assert!(answer.ends_with(&whole(VERDICT, 0, &[3])), "{answer:?}");
}
