//! Real connections: Unix sockets, TCP and TLS, between two sides that trust each other and between others.

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::pki::{Authority, files};
use common::plain::Plain;
use common::quick;
use paprika_migration::link::{Connector, Listener, PlaceError};
use paprika_migration::{
    Handle, MigrateError, RamShape, ReceiveError, Received, Report, Uri, migrate, receive,
};

const SHAPE: RamShape = RamShape {
    page_size: 4096,
    pages: 4096,
};

type Ends = (Result<Report, MigrateError>, Result<Received, ReceiveError>);

/// Moves a machine; the listener's URI may have port 0, of which the connector's is told.
fn move_over(
    listen: &str,
    connect: impl FnOnce(Option<SocketAddr>) -> String,
    shape: RamShape,
) -> Result<(Plain, Plain, Ends), PlaceError> {
    let listener = Listener::bind(&listen.parse().expect("a URI"))?;
    let uri: Uri = connect(listener.address()).parse().expect("a URI");
    let connector = Connector::new(uri)?;
    let (here, mut there) = (Plain::source(shape, 3 << 20), Plain::destination(shape));
    let (source, destination) = (Handle::new(), Handle::new());
    let options = quick();
    let ends = std::thread::scope(|scope| {
        let receiving =
            scope.spawn(|| receive(Box::new(listener), &mut there, &options, &destination));
        let sent = migrate(&here, &connector, &options, &source);
        if sent.is_err() {
            let _ = destination.cancel();
        }
        (sent, receiving.join().expect("no panic"))
    });
    Ok((here, there, ends))
}

fn assert_moved((here, there, ends): (Plain, Plain, Ends)) {
    ends.0.expect("it moves");
    ends.1.expect("it comes");
    assert!(there.running);
    assert!(
        *here.bytes.lock().expect("RAM") == *there.bytes.lock().expect("RAM"),
        "memory is the same"
    );
    assert_eq!(
        (&here.state, &here.state),
        (&there.state, &there.static_payload)
    );
}

#[test]
fn a_machine_moves_over_a_unix_socket_that_only_its_user_may_connect_to_and_that_goes_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("incoming");
    let uri = format!("unix:{}", path.display());
    let mode = std::thread::scope(|scope| {
        let watched = path.clone();
        let watching = scope.spawn(move || {
            use std::os::unix::fs::PermissionsExt;
            let deadline = Instant::now() + Duration::from_secs(20);
            let mut least = 0o777;
            while Instant::now() < deadline {
                match watched.metadata() {
                    Ok(found) => least = found.permissions().mode() & 0o777,
                    Err(_) if least != 0o777 => break,
                    Err(_) => {}
                }
            }
            least
        });
        assert_moved(move_over(&uri, |_| uri.clone(), SHAPE).expect("a socket"));
        watching.join().expect("no panic")
    });
    assert_eq!(mode, 0o600);
    assert!(!path.exists());
}

#[test]
fn a_machine_moves_over_tcp() {
    let connect = |address: Option<SocketAddr>| format!("tcp:{}", address.expect("TCP has one"));
    assert_moved(move_over("tcp:127.0.0.1:0", connect, SHAPE).expect("a socket"));
}

#[test]
fn a_unix_socket_that_a_dead_process_left_is_replaced_and_one_in_use_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("incoming");
    let uri: Uri = format!("unix:{}", path.display()).parse().expect("a URI");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let first = Listener::bind(&uri).expect("nobody answers there");
    assert!(matches!(Listener::bind(&uri), Err(PlaceError::Occupied(_))));
    drop(first);
    std::fs::write(&path, "precious").expect("a file");
    assert!(matches!(Listener::bind(&uri), Err(PlaceError::Occupied(_))));
    assert_eq!(
        std::fs::read_to_string(&path).expect("still there"),
        "precious"
    );
}

#[test]
fn nobody_at_the_other_end_is_said_in_words_and_the_guest_goes_on() {
    let uri: Uri = "unix:/nonexistent/socket".parse().expect("a URI");
    let connector = Connector::new(uri).expect("nothing to read");
    let error = migrate(
        &Plain::source(SHAPE, 1),
        &connector,
        &quick(),
        &Handle::new(),
    )
    .expect_err("nobody is there");
    let said = error.to_string();
    assert!(
        said.contains("unix:/nonexistent/socket can't be reached")
            && said.ends_with("the guest goes on here"),
        "{said}"
    );
}

#[test]
fn tls_moves_a_machine_between_those_who_know_each_other_and_nobody_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    let ours = Authority::new(at, "ours");
    ours.sign(at, "source.example");
    ours.sign(at, "destination.example");
    let theirs = Authority::new(at, "theirs");
    theirs.sign(at, "stranger.example");
    let listen = format!(
        "tls:127.0.0.1:0?{}",
        files(at, "ours", "destination.example")
    );
    let connect = |ca: &str, who: &str, name: &str| {
        let files = files(at, ca, who);
        let name = name.to_owned();
        move |address: Option<SocketAddr>| {
            format!("tls:{}?{files}&name={name}", address.expect("TLS has one"))
        }
    };
    let moved = move_over(
        &listen,
        connect("ours", "source.example", "destination.example"),
        SHAPE,
    );
    assert_moved(moved.expect("a socket"));
    for (ca, who, name) in [
        ("ours", "stranger.example", "destination.example"),
        ("theirs", "source.example", "destination.example"),
        ("ours", "source.example", "other.example"),
    ] {
        let (_, there, (sent, came)) =
            move_over(&listen, connect(ca, who, name), SHAPE).expect("a socket");
        let error = sent.expect_err("a stranger");
        assert!(
            error.to_string().ends_with("the guest goes on here"),
            "{error}"
        );
        assert!(came.is_err() && !there.running);
    }
    // Plain TCP is a stranger as well.
    let plain = |address: Option<SocketAddr>| format!("tcp:{}", address.expect("TLS has one"));
    let (_, there, (sent, _)) = move_over(&listen, plain, SHAPE).expect("a socket");
    assert!(sent.is_err() && !there.running);
}

#[test]
fn a_certificate_that_can_not_be_used_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = directory.path();
    Authority::new(at, "ours").sign(at, "source.example");
    let error = |ca: &str, who: &str| {
        let uri = format!("tls:host.example:1?{}", files(at, ca, who));
        Connector::new(uri.parse().expect("a URI"))
            .err()
            .expect("no such files")
            .to_string()
    };
    assert!(error("missing", "source.example").contains("missing.pem can't be used"));
    assert!(error("ours", "missing").contains("missing.pem can't be used"));
    std::fs::write(at.join("empty.pem"), "").expect("a file");
    assert!(error("empty", "source.example").contains("there is no certificate in it"));
    std::fs::copy(at.join("ours.pem"), at.join("mixed.pem")).expect("a copy");
    std::fs::copy(at.join("source.example.key"), at.join("mixed.key")).expect("a copy");
    assert!(error("ours", "mixed").contains("and its key can't be used"));
    // Files of which reading would wait for ever, in each place.
    for name in ["fifo.pem", "fifo.key", "other.key"] {
        host_fixtures::fifo(at.join(name));
    }
    std::fs::copy(at.join("source.example.pem"), at.join("other.pem")).expect("a copy");
    for (ca, who) in [
        ("fifo", "source.example"),
        ("ours", "fifo"),
        ("ours", "other"),
    ] {
        let said = error(ca, who);
        assert!(said.contains("it is a FIFO"), "{said}");
    }
}

/// Not a test of speed but its measurement: `cargo test --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_fast_two_gibibytes_move() {
    let shape = RamShape {
        page_size: 4096,
        pages: 2 << 18,
    };
    let directory = tempfile::tempdir().expect("a directory");
    let uri = format!("unix:{}", directory.path().join("s").display());
    let unix = move_over(&uri, |_| uri.clone(), shape).expect("a socket");
    println!("unix: {:?}", unix.2.0);
    let tcp = move_over(
        "tcp:127.0.0.1:0",
        |address| format!("tcp:{}", address.expect("TCP")),
        shape,
    )
    .expect("a socket");
    println!("tcp: {:?}", tcp.2.0);
}
