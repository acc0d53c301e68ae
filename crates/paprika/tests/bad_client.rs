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

/// That an answer has this status, and a body with a code and a message.
#[track_caller]
fn assert_typed(answer: &str, status: &str, code: &str) {
    let (found, body) = parts(answer);
    assert_eq!(
        (found, body["error"]["code"].as_str()),
        (status, Some(code)),
        "{answer}"
    );
    let message = body["error"]["message"].as_str();
    assert!(message.is_some_and(|it| it.len() > 10), "{answer}");
    assert!(answer.contains("content-type: application/json"));
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
fn what_is_no_request_is_answered_as_one_that_makes_no_sense_is() {
    let machine = Running::start(&[]);
    let socket = machine.socket();
    let long = "y".repeat(1 << 20);
    for (request, status, code) in [
        ("\0\x01\x02 nonsense\r\n\r\n".into(), "400", "bad_request"),
        ("GET\r\n\r\n".into(), "400", "bad_request"),
        ("GET / HTTP/9.9\r\n\r\n".into(), "400", "bad_request"),
        (
            "GET / HTTP/1.1\r\nno colon\r\n\r\n".into(),
            "400",
            "bad_request",
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            "400",
            "bad_request",
        ),
        ("GET /v1/sta".into(), "400", "bad_request"),
        (
            format!("GET /v1/status HTTP/1.1\r\nx: {long}\r\n\r\n"),
            "431",
            "too_large",
        ),
        (
            format!("GET /v1/status HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1000)),
            "431",
            "too_large",
        ),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "431", "too_large"),
    ] {
        let request: String = request;
        assert_typed(&raw(&socket, request.as_bytes()), status, code);
    }
    // A head that does not come.
    let mut slow = UnixStream::connect(&socket).expect("connection");
    slow.set_read_timeout(Some(PATIENCE)).expect("timeout");
    slow.write_all(b"GET /v1/status HTTP/1.1\r\n")
        .expect("half a head");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert_typed(&answer, "408", "request_timeout");
    // One who says nothing and goes is told nothing.
    assert_eq!(raw(&socket, b""), "");
    machine.end();
}

#[test]
fn a_method_that_a_path_does_not_take_is_answered_with_those_that_it_does() {
    let machine = Running::start(&[]);
    for (request, allow) in [
        ("PUT /v1/nvdimms", "GET, POST"),
        ("PUT /v1/snapshot", "POST, GET, DELETE"),
        ("GET /v1/nvdimms/a", "DELETE"),
        ("DELETE /v1/status", "GET"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = raw(&machine.socket(), request.as_bytes());
        assert_typed(&answer, "405", "method_not_allowed");
        assert!(
            answer.contains(&format!("\r\nallow: {allow}\r\n")),
            "{answer}"
        );
    }
    let known = raw(&machine.socket(), b"GET /nowhere HTTP/1.1\r\n\r\n");
    assert!(!known.contains("\r\nallow:"), "{known}");
    machine.end();
}

#[test]
fn every_client_that_is_one_too_many_reads_that_it_is() {
    let machine = Running::start(&[]);
    let socket = machine.socket();
    let held: Vec<UnixStream> = (0..16)
        .map(|_| {
            let mut stream = UnixStream::connect(&socket).expect("connection");
            stream.write_all(b"G").expect("a letter");
            stream
        })
        .collect();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..40)
            .map(|_| {
                let client = machine.client();
                scope.spawn(move || client.status())
            })
            .collect();
        for client in clients {
            match client.join().expect("no panic") {
                Err(ClientError::Api(error)) => assert_eq!(error.code, ErrorCode::Busy),
                // Those that are held are sent away after a while.
                Ok(status) => assert_eq!(status.state, State::Running),
                Err(error) => panic!("{error}"),
            }
        }
    });
    // A client that has much to say reads it too.
    let held_again: Vec<UnixStream> = (0..16)
        .map(|_| UnixStream::connect(&socket).expect("connection"))
        .collect();
    let request = format!(
        "POST /v1/nvdimms HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n{}",
        " ".repeat(60_000)
    );
    assert_typed(&raw(&socket, request.as_bytes()), "503", "busy");
    drop((held, held_again));
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
            Err(error) => panic!("{error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(slow);
    machine.guest_lives("three");
    machine.end();
}
