//! Peers that speak something else, too much, too slowly, or out of turn.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::plain::Plain;
use common::quick;
use common::raw::{GREETING, frame, offer, pages, static_payload};
use paprika_migration::link::{Connector, Listener};
use paprika_migration::options::Limits;
use paprika_migration::{Handle, Options, RamShape, ReceiveError, migrate, receive};

const SHAPE: RamShape = RamShape {
    page_size: 4096,
    pages: 64,
};
fn impatient() -> Options {
    let short = Duration::from_millis(300);
    Options {
        limits: Limits {
            first_byte: short,
            handshake: short,
            check: short,
            frame: short,
            settle: short,
            commit: short,
            linger: short,
        },
        ..quick()
    }
}

/// Lets `peer` speak to a destination; how that ended.
fn listen(peer: impl FnOnce(SocketAddr, &Handle) + Send) -> (Result<(), ReceiveError>, Plain) {
    let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().expect("a URI")).expect("a socket");
    let address = listener.address().expect("an address");
    let (mut machine, handle) = (Plain::destination(SHAPE), Handle::new());
    let options = impatient();
    let result = std::thread::scope(|scope| {
        let receiving =
            scope.spawn(|| receive(Box::new(listener), &mut machine, &options, &handle).map(drop));
        peer(address, &handle);
        receiving.join().expect("no panic")
    });
    (result, machine)
}

/// What a destination says to a source that says `bytes` after its offer was accepted.
fn after_offer(bytes: &[u8]) -> (ReceiveError, String) {
    let mut said = Vec::new();
    let (result, machine) = listen(|address, _| {
        let mut peer = TcpStream::connect(address).expect("it listens");
        peer.write_all(GREETING).expect("room");
        peer.write_all(&offer(SHAPE.page_size, SHAPE.pages))
            .expect("room");
        let _ = peer.write_all(&static_payload());
        let _ = peer.write_all(bytes);
        let _ = peer.shutdown(std::net::Shutdown::Write);
        let _ = peer.read_to_end(&mut said);
    });
    assert!(!machine.running);
    (
        result.expect_err("nothing sensible came"),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_destination_sends_strangers_away_and_waits_on() {
    let (result, _) = listen(|address, handle| {
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".as_slice(),
            b"",
            &[0xff; 100_000],
            b"paprmigr\x02\0\0\0",
            GREETING,
            &[GREETING, &frame(7, 0, 0, &[])].concat(),
        ] {
            let mut peer = TcpStream::connect(address).expect("it still listens");
            let _ = peer.write_all(bytes);
            let _ = peer.shutdown(std::net::Shutdown::Write);
            let _ = peer.read_to_end(&mut Vec::new());
        }
        handle.cancel().expect("nothing has come");
    });
    assert!(matches!(result, Err(ReceiveError::Cancelled)));
}

#[test]
fn a_peer_that_drips_is_not_waited_for_longer_than_a_frame_may_take() {
    let began = Instant::now();
    let (result, _) = listen(|address, handle| {
        let mut peer = TcpStream::connect(address).expect("it listens");
        for byte in GREETING.iter().chain(&offer(SHAPE.page_size, SHAPE.pages)) {
            if peer.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        handle.cancel().expect("nothing has come");
    });
    assert!(matches!(result, Err(ReceiveError::Cancelled)), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
    let mut dripping = static_payload();
    dripping.truncate(10);
    let (result, _) = listen(|address, _| {
        let mut peer = TcpStream::connect(address).expect("it listens");
        peer.write_all(GREETING).expect("room");
        peer.write_all(&offer(SHAPE.page_size, SHAPE.pages))
            .expect("room");
        peer.write_all(&dripping).expect("room");
        let _ = peer.read_to_end(&mut Vec::new());
    });
    assert!(
        result
            .expect_err("half a frame")
            .to_string()
            .contains("in time")
    );
}

#[test]
fn frames_that_are_too_long_out_of_turn_or_about_pages_that_are_not_there_end_the_attempt_in_words()
{
    let run = |first: u64, count: u32, data: u8, bytes: usize| {
        pages(2, &vec![1; bytes], &[(first, count, data)])
    };
    let zeros = |runs: &[(u64, u32)]| {
        let runs: Vec<_> = runs
            .iter()
            .map(|&(first, count)| (first, count, 0))
            .collect();
        pages(2, &[], &runs)
    };
    let state = |total: u64, bytes: &[u8]| {
        let mut payload = total.to_le_bytes().to_vec();
        payload.extend(bytes);
        frame(4, 2, payload.len() as u32, &payload)
    };
    let mut wrong_checksum = frame(5, 2, 0, &[]);
    wrong_checksum[17] ^= 1;
    let mut wrong_payload = run(0, 1, 1, 4096);
    wrong_payload[100] ^= 1;
    for (bytes, said) in [
        (frame(2, 2, u32::MAX, &[]), "longer than its kind may be"),
        (frame(4, 2, 2 << 20, &[]), "longer than its kind may be"),
        (frame(99, 2, 0, &[]), "unknown kind"),
        (frame(5, 7, 0, &[]), "missing, or came twice"),
        (wrong_checksum, "does not match its checksum"),
        (wrong_payload, "does not match its checksum"),
        (run(64, 1, 1, 4096), "does not have"),
        (run(u64::MAX, 2, 0, 0), "does not have"),
        (run(0, u32::MAX, 1, 4096), "does not have"),
        (run(0, 2, 1, 4096), "without their bytes"),
        (run(0, 1, 0, 4096), "belong to no page"),
        (run(0, 1, 9, 4096), "neither bytes nor zeros"),
        (zeros(&[(0, 64), (0, 64)]), "twice, or not in their order"),
        (zeros(&[(0, 8), (7, 8)]), "twice, or not in their order"),
        (zeros(&[(8, 8), (0, 8)]), "twice, or not in their order"),
        (
            pages(2, &[1; 8192], &[(5, 1, 1), (5, 1, 1)]),
            "twice, or not in their order",
        ),
        (
            state(u64::MAX, &[]),
            "more was announced than any machine has",
        ),
        (state(1, &[1, 2]), "does not keep to the protocol"),
        (state(1, &[]), "does not keep to the protocol"),
        (frame(7, 2, 0, &[]), "does not keep to the protocol"),
        (frame(6, 2, 0, &[]), "does not keep to the protocol"),
        (frame(5, 2, 0, &[]), "does not keep to the protocol"),
        (frame(36, 2, 1, &[0xff]), "text is not"),
        (static_payload(), "missing, or came twice"),
    ] {
        // An empty state is complete at once: what follows is out of turn.
        let (error, answer) = after_offer(&bytes);
        let closed = error.to_string().contains("ended the connection")
            && bytes[0] == 5
            && said.contains("protocol");
        assert!(error.to_string().contains(said) || closed, "{error}");
        assert!(answer.contains(said) || closed, "{answer}");
    }
}

#[test]
fn an_offer_of_an_impossible_machine_is_no_offer() {
    for (page_size, pages) in [(0, 1), (4097, 1), (1 << 21, 1), (4096, 0), (4096, u64::MAX)] {
        let (result, machine) = listen(|address, handle| {
            let mut peer = TcpStream::connect(address).expect("it listens");
            peer.write_all(GREETING).expect("room");
            peer.write_all(&offer(page_size, pages)).expect("room");
            let _ = peer.read_to_end(&mut Vec::new());
            handle.cancel().expect("nothing has come");
        });
        assert!(matches!(result, Err(ReceiveError::Cancelled)));
        assert!(!machine.running);
    }
}

#[test]
fn random_bytes_never_start_a_guest_nor_end_the_process() {
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..60 {
        let mut bytes = Vec::new();
        for number in 2..random.u32(3..9) {
            let kind = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 36][random.usize(0..12)];
            let payload: Vec<u8> = (0..random.usize(0..80)).map(|_| random.u8(..)).collect();
            bytes.extend(frame(kind, number, payload.len() as u32, &payload));
        }
        if random.bool() {
            let place = random.usize(0..bytes.len());
            bytes[place] ^= 1 << random.u8(0..8);
        }
        after_offer(&bytes);
    }
}

/// What a source makes of a destination that says `bytes`.
fn source_hears(bytes: Vec<u8>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let machine = Plain::source(SHAPE, 10);
    let connector =
        Connector::new(format!("tcp:{address}").parse().expect("a URI")).expect("nothing to read");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut peer, _) = listener.accept().expect("it connects");
            let _ = peer.write_all(&bytes);
            let _ = peer.read_to_end(&mut Vec::new());
        });
        migrate(&machine, &connector, &impatient(), &Handle::new())
            .expect_err("no destination")
            .to_string()
    })
}

#[test]
fn a_source_believes_no_destination_that_speaks_wrongly_and_its_guest_goes_on() {
    let greeted = |frames: &[Vec<u8>]| [GREETING.to_vec(), frames.concat()].concat();
    for (bytes, said) in [
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), "not a Paprika"),
        (b"paprmigr\x09\0\0\0".to_vec(), "speaks version 9"),
        (Vec::new(), "did not answer within"),
        (GREETING.to_vec(), "did not answer within"),
        (
            greeted(&[frame(36, 0, 4, b"nope")]),
            "refuses the machine: nope",
        ),
        (
            greeted(&[frame(35, 0, 0, &[])]),
            "does not keep to the protocol",
        ),
        (
            greeted(&[frame(32, 0, 0, &[]), frame(36, 1, 4, b"full")]),
            "gave up: full",
        ),
        (
            greeted(&[frame(32, 0, 0, &[]), frame(35, 1, 0, &[])]),
            "does not keep to the protocol",
        ),
        (
            greeted(&[
                frame(32, 0, 0, &[]),
                frame(33, 1, 0, &[]),
                frame(35, 2, 0, &[]),
            ]),
            "does not keep to the protocol",
        ),
        (greeted(&[frame(32, 0, 1, &[1])]), "too long"),
        (greeted(&[frame(36, 0, 5000, &[])]), "longer than its kind"),
    ] {
        let heard = source_hears(bytes);
        assert!(
            heard.contains(said) && heard.ends_with("the guest goes on here"),
            "{heard}"
        );
    }
}
