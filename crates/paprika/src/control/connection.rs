//! One connection to the control socket, from its first byte to its last. HTTP is hyper's; what
//! hyper would answer by itself, and with no body (to a head that is none, or is too long), is held
//! back and said as every other failure is: as JSON with a code and a message.
//!
//! Who is told something before all of his request was read must be able to read it: a socket that
//! is closed with bytes unread breaks the other side's next write. So the rest is read and
//! forgotten, for a moment.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::error::{ApiError, ErrorCode};
use super::routes::Reply;

/// Bytes of a request's head.
const MAX_HEAD: usize = 16 << 10;
/// How long a request's head may take to come, its body, and its answer to be read.
pub(super) const TRANSFER_LIMIT: Duration = Duration::from_secs(5);
/// How long the rest of a request is read that was answered before it had come.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes of it.
const LINGER_BYTES: u64 = 4 << 20;
/// Of what hyper says by itself, the status line begins with so many bytes that are of use.
const STATUS_BYTES: usize = "HTTP/1.1 400".len();

/// Serves one request: `answer` says what to reply.
pub(super) async fn serve<F: Future<Output = Reply>>(
    stream: UnixStream,
    answer: impl Fn(Request<Incoming>) -> F,
) {
    let (asked, unread) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
    let answered = Notify::new();
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let reply = answer(request);
        let (answered, unread) = (&answered, &unread);
        async move {
            let reply = reply.await;
            // What was refused may not have been read to its end.
            let refused = !reply.status.is_success();
            unread.fetch_or(refused, Ordering::Relaxed);
            answered.notify_one();
            Ok::<_, Infallible>(response(reply))
        }
    });
    let held = Held {
        stream,
        asked: Arc::clone(&asked),
        heard: false,
        said: Vec::new(),
    };
    let mut serving = http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(TRANSFER_LIMIT)
        .serve_connection(TokioIo::new(held), service);
    let patience = async {
        answered.notified().await;
        sleep(TRANSFER_LIMIT).await;
    };
    let served = tokio::select! {
        served = &mut serving => served,
        () = patience => {
            return debug!("a client of the control socket does not read its answer");
        }
    };
    if let Err(error) = &served {
        debug!(%error, "a connection to the control socket went wrong");
    }
    let Held {
        stream,
        heard,
        said,
        ..
    } = serving.into_parts().io.into_inner();
    if asked.load(Ordering::Relaxed) {
        if unread.load(Ordering::Relaxed) {
            linger(stream).await;
        }
        return;
    }
    let late = served.is_err_and(|error| error.is_timeout());
    if let Some(reply) = unasked(&said, heard, late) {
        tell(stream, &reply).await;
    }
}

/// What is said to one whose request never was one. `said` is what hyper would have; `heard`:
/// whether anything came; `late`: whether it took too long.
fn unasked(said: &[u8], heard: bool, late: bool) -> Option<Reply> {
    let status = said
        .get(STATUS_BYTES - 3..STATUS_BYTES)
        .and_then(|digits| StatusCode::from_bytes(digits).ok());
    let error = match status {
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG) => {
            let message = format!("a request's head has {MAX_HEAD} bytes and 100 lines at most");
            ApiError::new(ErrorCode::TooLarge, message)
        }
        None if late => {
            let limit = TRANSFER_LIMIT.as_secs();
            let message = format!("the request's head did not come within {limit} s");
            ApiError::new(ErrorCode::RequestTimeout, message)
        }
        // One who came and went.
        None if !heard => return None,
        _ => ApiError::new(
            ErrorCode::BadRequest,
            "that is no request of HTTP/1.1, or none in whole",
        ),
    };
    let reply = Reply::from(error);
    Some(Reply {
        status: status.unwrap_or(reply.status),
        ..reply
    })
}

/// Sends a reply that no request was read for, and lets it be read.
async fn tell(mut stream: UnixStream, reply: &Reply) {
    if let Ok(Ok(())) = timeout(TRANSFER_LIMIT, stream.write_all(&written(reply))).await {
        linger(stream).await;
    }
}

/// Sends a reply to one who is not to be asked for his request. It waits for the first word of
/// that, for a moment: clients do not take for an answer what comes before they have asked.
pub(super) async fn turn_away(stream: UnixStream, reply: &Reply) {
    // One who says nothing is told all the same.
    let _ = timeout(LINGER, stream.readable()).await;
    tell(stream, reply).await;
}

/// A reply in whole, as bytes.
fn written(reply: &Reply) -> Vec<u8> {
    let Reply {
        status,
        media,
        body,
        ..
    } = reply;
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: {media}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Says that nothing more comes, and reads and forgets until the other side says so too.
async fn linger(mut stream: UnixStream) {
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(LINGER_BYTES);
        // However that ends, the connection does.
        let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.media));
    let allow = reply.allow.map(HeaderValue::try_from);
    if let Some(Ok(allow)) = allow {
        headers.insert(ALLOW, allow);
    }
    response
}

/// A connection on which nothing is said before a request was read.
struct Held {
    stream: UnixStream,
    /// A request was read.
    asked: Arc<AtomicBool>,
    /// Anything was read.
    heard: bool,
    /// The beginning of what was held back.
    said: Vec<u8>,
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.heard |= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.asked.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        let room = STATUS_BYTES.saturating_sub(self.said.len());
        self.said.extend(bytes.iter().take(room));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.asked.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_shutdown(context);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorBody;
    use super::*;

    fn code(reply: &Reply) -> ErrorCode {
        let body: ErrorBody = serde_json::from_slice(&reply.body).expect("JSON");
        assert!(body.error.message.len() > 10);
        body.error.code
    }

    #[test]
    fn what_hyper_says_without_a_body_gets_one() {
        for (said, late, status, expected) in [
            (
                "HTTP/1.1 400 Bad Request",
                false,
                400,
                ErrorCode::BadRequest,
            ),
            ("HTTP/1.1 431 Request", false, 431, ErrorCode::TooLarge),
            ("HTTP/1.1 414 URI Too Long", false, 414, ErrorCode::TooLarge),
            ("", true, 408, ErrorCode::RequestTimeout),
            ("", false, 400, ErrorCode::BadRequest),
        ] {
            let reply = unasked(said.as_bytes(), true, late).expect("an answer");
            assert_eq!((reply.status.as_u16(), code(&reply)), (status, expected));
        }
        assert!(unasked(b"", false, false).is_none(), "nobody asked");
    }

    #[test]
    fn a_reply_as_bytes_is_well_formed() {
        let reply = Reply::from(ApiError::new(ErrorCode::Busy, "come again, and \"soon\""));
        let text = String::from_utf8(written(&reply)).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        assert_eq!(code(&reply), ErrorCode::Busy);
    }
}
