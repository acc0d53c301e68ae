//! Clients of the control socket that send nonsense, too much, or nothing: they are told so where that is possible, and neither the guest nor
//! other clients notice.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use common::PATIENCE;
use common::running::Running;
use paprika::control::api::State;
use paprika::control::client::ClientError;
use paprika::control::error::ErrorCode;
use serde_json::Value;

/// Sends bytes, says that no more come, and reads whatever is answered.
fn raw(socket: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).expect("connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    // The machine may have said what it thinks of it, and left, before all is sent.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status and the body of an answer.
fn parts(answer: &str) -> (&str, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    (
        head.split(' ').nth(1).unwrap_or_default(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

#[test]
fn calls_that_make_no_sense_are_answered_with_typed_errors() {
    let machine = Running::start(&[]);
    let socket = machine.socket();
    let ask = |request: &str| raw(&socket, request.as_bytes());
    for (request, status, code) in [
        (
            "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n",
            "404",
            "not_found",
        ),
        (
            "PATCH /v1/status HTTP/1.1\r\nhost: x\r\n\r\n",
            "405",
            "method_not_allowed",
        ),
        (
            "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
            "400",
            "bad_request",
        ),
        (
            "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n\0\0\0\0",
            "400",
            "bad_request",
        ),
        (
            "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{",
            "400",
            "bad_request",
        ),
        (
            "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\n{\"id\":\"a\",\"path\":\"/a\",\"zize\":1}",
            "400",
            "bad_request",
        ),
        (
            "DELETE /v1/nvdimms/a?timeout_ms=x HTTP/1.1\r\nhost: x\r\n\r\n",
            "400",
            "bad_request",
        ),
    ] {
        let answer = ask(request);
        let (found, body) = parts(&answer);
        assert_eq!(
            (found, body["error"]["code"].as_str()),
            (status, Some(code)),
            "{request:?}: {answer}"
        );
        assert!(
            body["error"]["message"]
                .as_str()
                .is_some_and(|message| message.len() > 10),
            "{answer}"
        );
    }
    let (status, description) = (
        ask("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"),
        "openapi",
    );
    assert_eq!(parts(&status).1[description], "3.1.0");
    machine.end();
}

#[test]
fn a_bad_client_does_not_stop_the_guest_or_other_clients() {
    let mut machine = Running::start(&[]);
    let socket = machine.socket();
    let mut seed = fastrand::Rng::with_seed(7);
    // Garbage.
    for length in [1, 100, 10_000, 1_000_000] {
        let garbage: Vec<u8> = (0..length).map(|_| seed.u8(..)).collect();
        raw(&socket, &garbage);
    }
    // Too much of everything.
    let header = format!(
        "GET /v1/status HTTP/1.1\r\nx: {}\r\n\r\n",
        "y".repeat(1 << 20)
    );
    let headers = format!(
        "GET /v1/status HTTP/1.1\r\n{}\r\n",
        "x: y\r\n".repeat(10_000)
    );
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "z".repeat(1 << 20));
    for request in [header, headers, path] {
        let answer = raw(&socket, request.as_bytes());
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    let big = format!(
        "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{}",
        1 << 20,
        " ".repeat(1 << 20)
    );
    let answer = raw(&socket, big.as_bytes());
    assert!(answer.is_empty() || parts(&answer).0 == "413", "{answer}");
    // Gone in the middle.
    let mut gone = UnixStream::connect(&socket).expect("connection");
    gone.write_all(b"POST /v1/nvd").expect("half a request");
    drop(gone);
    machine.guest_lives("one");
    // Many that are slow: they say nothing, or one letter, or half of a body.
    let slow: Vec<UnixStream> = (0..64)
        .map(|n| {
            let mut stream = UnixStream::connect(&socket).expect("connection");
            let said: &[u8] = match n % 3 {
                0 => b"",
                1 => b"G",
                _ => b"POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{\"id\":",
            };
            // One that is one too many is told so at once.
            let _ = stream.write_all(said);
            stream
        })
        .collect();
    machine.guest_lives("two");
    // They are dropped after a while, though they hold on; then there is room for others.
    loop {
        match machine.client().status() {
            Ok(status) => break assert_eq!(status.state, State::Running),
            Err(ClientError::Api(error)) => assert_eq!(error.code, ErrorCode::Busy),
            Err(ClientError::Broken(_)) => {}
            Err(error) => panic!("{error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(slow);
    machine.guest_lives("three");
    machine.end();
}
