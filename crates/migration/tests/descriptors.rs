//! A destination whose process has no descriptors left for a while. A test of its own program: the
//! limit is the whole process's.

mod common;

use std::fs::File;
use std::net::TcpStream;

use common::plain::Plain;
use common::quick;
use paprika_migration::link::{Connector, Listener};
use paprika_migration::{Handle, RamShape, migrate, receive};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SHAPE: RamShape = RamShape {
    page_size: 4096,
    pages: 64,
};

#[test]
fn a_destination_without_descriptors_waits_and_takes_the_source_when_it_has_some() {
    let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().expect("a URI")).expect("a socket");
    let address = listener.address().expect("an address");
    let connector =
        Connector::new(format!("tcp:{address}").parse().expect("a URI")).expect("nothing to read");
    let (here, mut there) = (Plain::source(SHAPE, 10), Plain::destination(SHAPE));
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(64),
            ..limit
        },
    )
    .expect("a lower limit");
    let (handle, options) = (Handle::new(), quick());
    std::thread::scope(|scope| {
        // One who waits to be taken in; then there is not a descriptor left.
        let waiting = TcpStream::connect(address).expect("it listens");
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        let receiving = scope.spawn(|| receive(Box::new(listener), &mut there, &options, &handle));
        // Long enough for more than one attempt to take him in.
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(!receiving.is_finished(), "it waits");
        drop(files);
        drop(waiting);
        migrate(&here, &connector, &options, &Handle::new()).expect("it moves");
        receiving.join().expect("no panic").expect("it comes");
    });
    assert!(there.running);
}
