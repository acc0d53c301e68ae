//! What a hostile source can make a destination do with few bytes, and keep for itself.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use common::quick;
use common::raw::{COMPLETE, GREETING, LUGGAGE, offer, pages, static_payload, whole};
use paprika_migration::link::Listener;
use paprika_migration::{DestinationMachine, Handle, Problem, RamShape, ReceiveError, receive};

const PAGE: u64 = 4096;
/// A terabyte.
const LARGE: RamShape = RamShape {
    page_size: PAGE as u32,
    pages: 1 << 28,
};

/// A machine that only counts what is done to its RAM.
#[derive(Default)]
struct Counting {
    written: u64,
    cleared: u64,
    static_payload: Option<u64>,
    prepared: bool,
    refuses: Option<&'static str>,
    /// Calls it off as soon as anything is cleared.
    calls_off: Option<Arc<Handle>>,
}

impl DestinationMachine for Counting {
    fn check(&mut self, _: &[u8], _: RamShape) -> Result<(), Problem> {
        self.refuses
            .map_or(Ok(()), |words| Err(Problem::new(words)))
    }
    fn static_payload_size(&self) -> Option<u64> {
        self.static_payload
    }
    fn prepare(&mut self, _: Vec<u8>) -> Result<(), Problem> {
        self.prepared = true;
        Ok(())
    }
    fn write_pages(&mut self, _: u64, bytes: &[u8]) {
        self.written += bytes.len() as u64;
    }
    fn clear_pages(&mut self, pages: Range<u64>) {
        self.cleared += (pages.end - pages.start) * PAGE;
        if let Some(handle) = &self.calls_off {
            handle.cancel().expect("it has not come");
        }
    }
    fn load(&mut self, _: &[u8]) -> Result<(), Problem> {
        Err(Problem::new("that was all"))
    }
    fn take(&mut self) -> Result<(), Problem> {
        panic!("there was no state")
    }
    fn run(&mut self, _: Duration) {
        panic!("there is no guest")
    }
    fn give_up(&mut self) {}
}

/// Lets `speak` speak to a destination after the offer; how that ended, and what the destination
/// said.
fn hear(
    machine: &mut Counting,
    handle: &Handle,
    speak: impl FnOnce(&mut TcpStream) + Send,
) -> (ReceiveError, String) {
    let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().expect("a URI")).expect("a socket");
    let address: SocketAddr = listener.address().expect("an address");
    let options = quick();
    std::thread::scope(|scope| {
        let speaking = scope.spawn(move || {
            let mut peer = TcpStream::connect(address).expect("it listens");
            peer.write_all(GREETING).expect("room");
            peer.write_all(&offer(LARGE.page_size, LARGE.pages))
                .expect("room");
            speak(&mut peer);
            let _ = peer.shutdown(std::net::Shutdown::Write);
            let mut said = Vec::new();
            let _ = peer.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        let result = receive(Box::new(listener), machine, &options, handle);
        (
            result.expect_err("no guest"),
            speaking.join().expect("no panic"),
        )
    })
}

#[test]
fn a_byte_that_comes_has_the_destination_touch_one_byte_and_one_more_at_most() {
    let mut machine = Counting::default();
    let mut sent = 0_u64;
    let (error, _) = hear(&mut machine, &Handle::new(), |peer| {
        let mut frames = static_payload();
        // Pages far apart, and then, again and again, that all of a terabyte is zeros, in as many
        // runs as there can be.
        let apart: Vec<_> = (0..64).map(|page| (page << 22, 1, 1)).collect();
        let stride = LARGE.pages / 4096;
        let all: Vec<_> = (0..4096)
            .map(|run| (run * stride, stride as u32, 0))
            .collect();
        for round in 0..40 {
            frames.extend(pages(2 * round + 2, &[1; 64 * PAGE as usize], &apart));
            frames.extend(pages(2 * round + 3, &[], &all));
        }
        // And without anything in it to clear, in a single run.
        for number in 82..40_000 {
            frames.extend(pages(number, &[], &[(0, LARGE.pages as u32, 0)]));
        }
        frames.extend(whole(COMPLETE, 40_000, &[]));
        sent = frames.len() as u64;
        peer.write_all(&frames).expect("it is taken in");
    });
    assert!(error.to_string().contains("that was all"), "{error}");
    assert_eq!(machine.written, 40 * 64 * PAGE);
    assert_eq!(
        machine.cleared, machine.written,
        "each page that held something, once"
    );
    assert!(machine.written + machine.cleared <= 2 * sent);
}

#[test]
fn a_frame_that_clears_much_is_called_off_in_its_midst() {
    let handle = Arc::new(Handle::new());
    let mut machine = Counting {
        calls_off: Some(Arc::clone(&handle)),
        ..Counting::default()
    };
    let (error, _) = hear(&mut machine, &handle, |peer| {
        let mut frames = static_payload();
        for number in 0..16 {
            let data = vec![1; 256 * PAGE as usize];
            frames.extend(pages(
                number + 2,
                &data,
                &[(u64::from(number) << 8, 256, 1)],
            ));
        }
        frames.extend(pages(18, &[], &[(0, 16 << 8, 0)]));
        let _ = peer.write_all(&frames);
    });
    assert!(matches!(error, ReceiveError::Cancelled), "{error}");
    assert_eq!(machine.written, (16 << 8) * PAGE);
    assert!(machine.cleared <= 64 * PAGE, "{}", machine.cleared);
}

#[test]
fn a_static_payload_of_another_size_than_the_machine_s_is_not_waited_for() {
    let static_payload = |total: u64, bytes: &[u8]| {
        let payload = [&total.to_le_bytes(), bytes].concat();
        whole(LUGGAGE, 1, &payload)
    };
    for frame in [
        static_payload(1 << 30, &[1; 100]),
        static_payload(15, &[1; 15]),
        static_payload(16, &[1; 17]),
        static_payload(0, &[]),
    ] {
        let mut machine = Counting {
            static_payload: Some(16),
            ..Counting::default()
        };
        let (error, _) = hear(&mut machine, &Handle::new(), |peer| {
            let _ = peer.write_all(&frame);
        });
        assert!(matches!(error, ReceiveError::Unexpected), "{error}");
        assert!(!machine.prepared);
    }
}

#[test]
fn a_source_that_is_refused_does_not_learn_why() {
    let why = "/home/user/secret.img has 4096 bytes";
    let mut machine = Counting {
        refuses: Some(why),
        ..Counting::default()
    };
    let (error, said) = hear(&mut machine, &Handle::new(), |_| {});
    assert_eq!(error.to_string(), why, "the user does");
    assert!(said.contains("refused"), "{said}");
    assert!(!said.contains("secret") && !said.contains("4096"), "{said}");
}
