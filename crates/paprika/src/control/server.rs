//! The control socket's connections, on one thread: how many there may be, how long each may take, how much each may send.
//!
//! One request a connection. Calls that may wait have threads of their own, a few; while all of those are taken, further such calls are
//! told to come again, and calls that only look are answered all the same.

use std::convert::Infallible;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use thread_role::Role;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::error::{ApiError, ErrorCode};
use super::routes::{Call, LongCalls, Reply, answer};
use super::socket::{Socket, SocketError, may_use};
use crate::machine::MachineControl;

/// Connections at one time.
const CONNECTIONS: usize = 16;
/// Calls that may wait, at one time.
const WAITING_CALLS: usize = 4;
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 << 10;
/// Bytes of a request's body.
const MAX_BODY: usize = 64 << 10;
/// How long a request's head may take to come, its body, and its answer to be read.
const TRANSFER_LIMIT: Duration = Duration::from_secs(5);
/// How long calls that are being answered are waited for at the end.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long is waited where the host refuses another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one connection too many is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 71\r\nconnection: close\r\n\r\n\
    {\"error\":{\"code\":\"busy\",\"message\":\"too many connections; come again\"}} ";

/// Why there can't be a control server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The host refuses what serving needs.
    #[error("the control socket can't be served: {0}")]
    Host(#[from] io::Error),
}

/// A control socket that is there and does not answer yet: bound before a machine is made, so that a path that won't do is found out early.
#[derive(Debug)]
pub struct ControlServer {
    // In this order: a socket's file goes before its listener.
    _socket: Socket,
    serving: Option<Serving>,
    listener: Option<UnixListener>,
}

#[derive(Debug)]
struct Serving {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Makes the socket. It is removed again when the result is dropped.
    ///
    /// # Errors
    /// [`ServerError::Socket`].
    pub fn bind(path: &Path) -> Result<Self, ServerError> {
        let (socket, listener) = Socket::bind(path)?;
        Ok(Self {
            serving: None,
            listener: Some(listener),
            _socket: socket,
        })
    }

    /// Answers from now on, about this machine.
    ///
    /// # Errors
    /// [`ServerError::Host`] where the host refuses a thread or a descriptor.
    pub fn serve(&mut self, machine: &Arc<MachineControl>) -> Result<(), ServerError> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(WAITING_CALLS)
            .thread_name("control-call")
            .build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::UnixListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let server = Arc::new(Server {
            machine: Arc::clone(machine),
            long: Arc::default(),
            waiting: Arc::new(Semaphore::new(WAITING_CALLS)),
        });
        let body = move || {
            // Calls have threads that this one starts.
            thread_role::begin(Role::Control);
            serve(runtime, listener, server, stopped);
        };
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(body)?;
        self.serving = Some(Serving {
            stop: Some(stop),
            thread: Some(thread),
        });
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

struct Server {
    machine: Arc<MachineControl>,
    long: Arc<LongCalls>,
    waiting: Arc<Semaphore>,
}

/// The body of the thread.
fn serve(
    runtime: Runtime,
    listener: tokio::net::UnixListener,
    server: Arc<Server>,
    stopped: oneshot::Receiver<()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    runtime.block_on(async {
        tokio::select! {
            () = accept(&listener, &server, &places) => {}
            _ = stopped => {}
        }
        drop(listener);
        // Whoever waits for the guest is told now that it has ended.
        let _ = timeout(FAREWELL, places.acquire_many(CONNECTIONS as u32)).await;
    });
    runtime.shutdown_background();
}

async fn accept(
    listener: &tokio::net::UnixListener,
    server: &Arc<Server>,
    places: &Arc<Semaphore>,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match stream.peer_cred() {
            Ok(peer) if may_use(peer.uid()) => {}
            Ok(peer) => {
                warn!(uid = peer.uid(), "another user tried the control socket");
                continue;
            }
            Err(_) => continue,
        }
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            // Without waiting for one who does not read.
            let _ = stream.try_write(FULL);
            continue;
        };
        let server = Arc::clone(server);
        tokio::spawn(async move {
            server.connection(stream).await;
            drop(place);
        });
    }
}

impl Server {
    /// One connection, to its end.
    async fn connection(self: Arc<Self>, stream: UnixStream) {
        let answered = Arc::new(Notify::new());
        let service = service_fn(|request| {
            let (server, answered) = (Arc::clone(&self), Arc::clone(&answered));
            async move {
                let reply = server.request(request).await;
                answered.notify_one();
                Ok::<_, Infallible>(response(reply))
            }
        });
        let serving = http1::Builder::new()
            .keep_alive(false)
            .half_close(true)
            .max_buf_size(MAX_HEAD)
            .timer(TokioTimer::new())
            .header_read_timeout(TRANSFER_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let patience = async {
            answered.notified().await;
            sleep(TRANSFER_LIMIT).await;
        };
        tokio::select! {
            served = serving => if let Err(error) = served {
                debug!(%error, "a connection to the control socket went wrong");
            },
            () = patience => debug!("a client of the control socket does not read its answer"),
        }
    }

    async fn request(&self, request: Request<Incoming>) -> Reply {
        match self.handle(request).await {
            Ok(reply) => reply,
            Err(error) => error.into(),
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Reply, ApiError> {
        let call = Call::of(request.method(), request.uri())?;
        let body = body(request).await?;
        if call.only_looks() {
            return Ok(answer(call, &self.machine, &self.long, &body));
        }
        let busy = || {
            ApiError::new(
                ErrorCode::Busy,
                format!("{WAITING_CALLS} calls are under way already; come again"),
            )
        };
        let place = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| busy())?;
        let (machine, long) = (Arc::clone(&self.machine), Arc::clone(&self.long));
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            answer(call, &machine, &long, &body)
        });
        work.await.map_err(|_| {
            ApiError::new(ErrorCode::Internal, "a defect of Paprika; please report it")
        })
    }
}

/// The body of a request, within its bounds.
async fn body(request: Request<Incoming>) -> Result<Bytes, ApiError> {
    let collecting = Limited::new(request.into_body(), MAX_BODY).collect();
    match timeout(TRANSFER_LIMIT, collecting).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::new(
            ErrorCode::TooLarge,
            format!("a request's body has {MAX_BODY} bytes at most"),
        )),
        Ok(Err(_)) => Err(ApiError::new(
            ErrorCode::BadRequest,
            "the request's body did not come in whole",
        )),
        Err(_) => {
            let message = format!(
                "the request's body did not come within {} s",
                TRANSFER_LIMIT.as_secs()
            );
            Err(ApiError::new(ErrorCode::RequestTimeout, message))
        }
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(reply.media));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_connection_too_many_is_told_is_well_formed() {
        let text = std::str::from_utf8(FULL).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        let body: super::super::error::ErrorBody = serde_json::from_str(body).expect("JSON");
        assert_eq!(body.error.code, ErrorCode::Busy);
    }
}
