//! The other end of the control socket: one request, one answer.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::api::{
    AddNvdimm, Added, DecideRequest, MigrateRequest, Migrated, MigrationStatus, NvdimmList,
    Removed, SaveRequest, SavingStatus, Status,
};
use super::error::{ApiError, ErrorBody};
use crate::snapshot::Saved;

/// How long an answer may take; longer than any call waits for the guest and the host together.
const ANSWER_LIMIT: Duration = Duration::from_secs(150);

/// How long a snapshot or a migration may take: a terabyte on a slow disk.
const LONG_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// The longest answer that is read.
const MAX_ANSWER: usize = 16 << 20;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no machine answers at {}: {source}; is it running, with --api-socket?", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The machine refuses.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The conversation broke off.
    #[error("the machine's answer broke off: {0}; it may have ended")]
    Broken(String),
    /// The answer is not one of Paprika's.
    #[error("the answer makes no sense ({0}); is that socket Paprika's, of the same version?")]
    Nonsense(String),
    /// No answer.
    #[error("the machine did not answer in time")]
    Timeout,
}

/// A machine, by its control socket.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// The machine behind this socket. Nothing is connected until something is asked.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the machine is.
    ///
    /// # Errors
    /// [`ClientError`], as for every call here.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.call(Method::GET, "/v1/status", None)
    }

    /// Makes the guest stand still.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn pause(&self) -> Result<Status, ClientError> {
        self.call(Method::POST, "/v1/pause", None)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn resume(&self) -> Result<Status, ClientError> {
        self.call(Method::POST, "/v1/resume", None)
    }

    /// Starts the guest afresh.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn reset(&self) -> Result<Status, ClientError> {
        self.call(Method::POST, "/v1/reset", None)
    }

    /// Asks the guest to shut itself down.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn power_down(&self) -> Result<Status, ClientError> {
        self.call(Method::POST, "/v1/powerdown", None)
    }

    /// The plugged NVDIMMs.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn nvdimms(&self) -> Result<NvdimmList, ClientError> {
        self.call(Method::GET, "/v1/nvdimms", None)
    }

    /// Plugs an NVDIMM.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn add_nvdimm(&self, wanted: &AddNvdimm) -> Result<Added, ClientError> {
        self.call(Method::POST, "/v1/nvdimms", Some(json(wanted)?))
    }

    /// Asks the guest for an NVDIMM and takes it out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn remove_nvdimm(
        &self,
        id: &str,
        patience: Option<Duration>,
    ) -> Result<Removed, ClientError> {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let query = patience
            .map(|it| format!("?timeout_ms={}", it.as_millis()))
            .unwrap_or_default();
        self.call(Method::DELETE, &format!("/v1/nvdimms/{id}{query}"), None)
    }

    /// Saves the guest; returns when that is done, however long it takes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn save(&self, request: &SaveRequest) -> Result<Saved, ClientError> {
        let body = Some(json(request)?);
        let answer = self.ask_for(Method::POST, "/v1/snapshot", body, LONG_LIMIT)?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Nonsense(error.to_string()))
    }

    /// How far a snapshot is that somebody makes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn saving(&self) -> Result<SavingStatus, ClientError> {
        self.call(Method::GET, "/v1/snapshot", None)
    }

    /// Wishes the snapshot that is being made to end, undone.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn cancel_save(&self) -> Result<SavingStatus, ClientError> {
        self.call(Method::DELETE, "/v1/snapshot", None)
    }

    /// Moves the guest to another process; returns when that is done, however long it takes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn migrate(&self, request: &MigrateRequest) -> Result<Migrated, ClientError> {
        let body = Some(json(request)?);
        let answer = self.ask_for(Method::POST, "/v1/migration", body, LONG_LIMIT)?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Nonsense(error.to_string()))
    }

    /// How far a migration is, or how the last one ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn migrating(&self) -> Result<MigrationStatus, ClientError> {
        self.call(Method::GET, "/v1/migration", None)
    }

    /// Wishes the migration that is going on to end; the guest stays.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn cancel_migration(&self) -> Result<MigrationStatus, ClientError> {
        self.call(Method::DELETE, "/v1/migration", None)
    }

    /// Says who has the guest, where neither side can know.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn decide(&self, request: DecideRequest) -> Result<MigrationStatus, ClientError> {
        self.call(
            Method::POST,
            "/v1/migration/decision",
            Some(json(&request)?),
        )
    }

    /// All counters, as JSON.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn metrics(&self) -> Result<serde_json::Value, ClientError> {
        self.call(Method::GET, "/v1/metrics", None)
    }

    /// All counters, in Prometheus' text format.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn metrics_text(&self) -> Result<String, ClientError> {
        let body = self.ask(Method::GET, "/metrics", None)?;
        String::from_utf8(body.to_vec()).map_err(|error| ClientError::Nonsense(error.to_string()))
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, ClientError> {
        let answer = self.ask(method, path, body)?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Nonsense(error.to_string()))
    }

    /// One request and its answer's body.
    fn ask(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Bytes, ClientError> {
        self.ask_for(method, path, body, ANSWER_LIMIT)
    }

    /// The same, the answer being waited for so long.
    fn ask_for(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<Bytes, ClientError> {
        let broken = |error: &dyn std::error::Error| ClientError::Broken(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| broken(&e))?;
        let conversation = async {
            let stream = UnixStream::connect(&self.path).await;
            let stream = stream.map_err(|source| ClientError::Connect {
                path: self.path.clone(),
                source,
            })?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(|e| broken(&e))?;
            // Its errors come out of the request too.
            let connection = tokio::spawn(connection);
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(HOST, "paprika")
                .header(CONTENT_TYPE, "application/json")
                .body(Full::new(Bytes::from(body.unwrap_or_default())))
                .map_err(|e| broken(&e))?;
            let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER)
                .collect()
                .await;
            let body = body
                .map_err(|e| ClientError::Broken(e.to_string()))?
                .to_bytes();
            connection.abort();
            answer_of(status, body)
        };
        runtime
            .block_on(async { timeout(limit, conversation).await })
            .unwrap_or(Err(ClientError::Timeout))
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    // A path that is not UTF-8 can't be sent.
    serde_json::to_vec(value).map_err(|error| ClientError::Nonsense(error.to_string()))
}

fn answer_of(status: StatusCode, body: Bytes) -> Result<Bytes, ClientError> {
    if status.is_success() {
        return Ok(body);
    }
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) => Err(body.error.into()),
        Err(_) => Err(ClientError::Nonsense(format!("HTTP status {status}"))),
    }
}
