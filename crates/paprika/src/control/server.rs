//! The control socket's connections, on one thread: how many there may be, and how many calls that
//! may wait.
//!
//! One request a connection (see `connection`). Calls that may wait have threads of their own, a
//! few; while all of those are taken, further such calls are told to come again, and calls that
//! only look are answered all the same.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use thread_role::Role;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{self, TRANSFER_LIMIT};
use super::error::{ApiError, ErrorCode};
use super::routes::{Call, LongCalls, Reply, allowed, answer};
use super::socket::{Socket, SocketError, may_use};
use crate::machine::MachineControl;

/// Connections at one time.
const CONNECTIONS: usize = 16;
/// Connections at one time that are only told that there are too many. More are not taken until one
/// of either kind ends.
const TURNED_AWAY: usize = 16;
/// Calls that may wait, at one time.
const WAITING_CALLS: usize = 4;
/// Bytes of a request's body.
const MAX_BODY: usize = 64 << 10;
/// How long calls that are being answered are waited for at the end.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long is waited where the host refuses another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut others_tried = false;
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
                // Once: others must not fill the log.
                if !std::mem::replace(&mut others_tried, true) {
                    warn!(uid = peer.uid(), "another user tried the control socket");
                }
                continue;
            }
            Err(_) => continue,
        }
        let server = Arc::clone(server);
        // Neither semaphore is ever closed.
        tokio::select! {
            biased;
            Ok(place) = Arc::clone(places).acquire_owned() => {
                tokio::spawn(async move {
                    let answer = |request| {
                        let server = Arc::clone(&server);
                        async move { server.request(request).await }
                    };
                    connection::serve(stream, answer).await;
                    drop(place);
                });
            }
            Ok(place) = Arc::clone(&turned_away).acquire_owned() => {
                tokio::spawn(async move {
                    let full = ApiError::new(ErrorCode::Busy, "too many connections; come again");
                    connection::turn_away(stream, &full.into()).await;
                    drop(place);
                });
            }
            else => return,
        }
    }
}

impl Server {
    async fn request(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path().to_owned();
        match self.handle(request).await {
            Ok(reply) => reply,
            Err(error) => {
                let wrong_method = error.code == ErrorCode::MethodNotAllowed;
                Reply {
                    allow: wrong_method.then(|| allowed(&path).join(", ")),
                    ..error.into()
                }
            }
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
        let (tell, told) = oneshot::channel();
        let work = move || {
            let _place = place;
            // Nobody hears it where the client has gone.
            let _ = tell.send(answer(call, &machine, &long, &body));
        };
        // Not tokio's: its pool panics where the host gives no more threads.
        std::thread::Builder::new()
            .name("control-call".into())
            .spawn(work)
            .map_err(|error| no_thread(&error))?;
        told.await.map_err(|_| {
            ApiError::new(ErrorCode::Internal, "a defect of Paprika; please report it")
        })
    }
}

/// What a client is told whose call got no thread.
fn no_thread(error: &io::Error) -> ApiError {
    ApiError::new(
        ErrorCode::Busy,
        format!(
            "the host gives this process no more threads ({error}); raise `ulimit -u`, or come again"
        ),
    )
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
