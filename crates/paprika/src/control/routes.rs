//! Which call is which, what it needs, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::OPENAPI;
use super::api::{
    AddNvdimm, Added, DecideRequest, MigrateRequest, NvdimmInfo, NvdimmList, Removed, SaveRequest,
    Status,
};
use super::error::{ApiError, ErrorBody, ErrorCode};
use super::metrics::{Metrics, TEXT_TYPE};
use super::moving::Mover;
use super::saving::Saver;
use crate::machine::MachineControl;

/// How long the guest is waited for where the caller does not say.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);
/// How long the guest is waited for at most.
const MAX_PATIENCE: Duration = Duration::from_secs(60);

/// What the path of a device begins with.
const NVDIMM_PREFIX: &str = "/v1/nvdimms/";

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    OpenApi,
    Status,
    Pause,
    Resume,
    Reset,
    PowerDown,
    List,
    Add,
    Remove(String, Duration),
    Metrics,
    MetricsText,
    Save,
    Saving,
    CancelSave,
    Migrate,
    Migrating,
    CancelMigration,
    Decide,
}

/// Every path with a fixed name, its method, and its call.
static FIXED: [(&str, Method, Call); 17] = [
    ("/openapi.json", Method::GET, Call::OpenApi),
    ("/metrics", Method::GET, Call::MetricsText),
    ("/v1/metrics", Method::GET, Call::Metrics),
    ("/v1/status", Method::GET, Call::Status),
    ("/v1/pause", Method::POST, Call::Pause),
    ("/v1/resume", Method::POST, Call::Resume),
    ("/v1/reset", Method::POST, Call::Reset),
    ("/v1/powerdown", Method::POST, Call::PowerDown),
    ("/v1/nvdimms", Method::GET, Call::List),
    ("/v1/nvdimms", Method::POST, Call::Add),
    ("/v1/snapshot", Method::POST, Call::Save),
    ("/v1/snapshot", Method::GET, Call::Saving),
    ("/v1/snapshot", Method::DELETE, Call::CancelSave),
    ("/v1/migration", Method::POST, Call::Migrate),
    ("/v1/migration", Method::GET, Call::Migrating),
    ("/v1/migration", Method::DELETE, Call::CancelMigration),
    ("/v1/migration/decision", Method::POST, Call::Decide),
];

/// Calls that go on for long, with others about them meanwhile.
#[derive(Debug, Default)]
pub(super) struct LongCalls {
    saver: Saver,
    mover: Mover,
}

/// What is answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) media: &'static str,
    pub(super) body: Bytes,
    /// The methods that the path takes, where it does not take the one that was used.
    pub(super) allow: Option<String>,
}

/// The methods that a path takes; none: there is no such path.
pub(super) fn allowed(path: &str) -> Vec<&'static str> {
    if path.starts_with(NVDIMM_PREFIX) {
        return vec!["DELETE"];
    }
    let of_path = FIXED.iter().filter(|(known, ..)| *known == path);
    of_path.map(|(_, method, _)| method.as_str()).collect()
}

impl Call {
    /// The call that a request line means.
    pub(super) fn of(method: &Method, uri: &Uri) -> Result<Self, ApiError> {
        let path = uri.path();
        let wrong_method = || {
            let allowed = allowed(path).join(" or ");
            let message = format!("{path} can't be treated with {method}; use {allowed}");
            Err(ApiError::new(ErrorCode::MethodNotAllowed, message))
        };
        if let Some(id) = path.strip_prefix(NVDIMM_PREFIX) {
            if method != Method::DELETE {
                return wrong_method();
            }
            let id = percent_decode_str(id).decode_utf8();
            let id = id.map_err(|_| {
                ApiError::new(ErrorCode::BadRequest, "the device's name is not text")
            })?;
            return Ok(Call::Remove(
                id.into_owned(),
                patience_of_query(uri.query())?,
            ));
        }
        let mut fixed = FIXED.iter();
        match fixed.find(|(known, of, _)| *known == path && of == method) {
            Some((.., call)) => Ok(call.clone()),
            None if allowed(path).is_empty() => {
                let message = format!("there is no {path}; see /openapi.json for what there is");
                Err(ApiError::new(ErrorCode::NotFound, message))
            }
            None => wrong_method(),
        }
    }

    /// Whether it only looks, which takes no time; all others may wait, for the guest or the host.
    pub(super) fn only_looks(&self) -> bool {
        matches!(
            self,
            Call::OpenApi
                | Call::Status
                | Call::List
                | Call::Metrics
                | Call::MetricsText
                | Call::Saving
                | Call::CancelSave
                | Call::Migrating
                | Call::CancelMigration
                | Call::Decide
        )
    }

    /// Does it.
    pub(super) fn run(
        self,
        machine: &Arc<MachineControl>,
        long: &LongCalls,
        body: &[u8],
    ) -> Result<Reply, ApiError> {
        let LongCalls { saver, mover } = long;
        match self {
            Call::Migrate => {
                let request: MigrateRequest = parse(body, "a migration")?;
                Reply::json(StatusCode::OK, &mover.migrate(machine, &request)?)
            }
            Call::Migrating => Reply::json(StatusCode::OK, &mover.status()),
            Call::CancelMigration => Reply::json(StatusCode::ACCEPTED, &mover.cancel()?),
            Call::Decide => {
                let request: DecideRequest = parse(body, "a decision")?;
                Reply::json(StatusCode::ACCEPTED, &mover.decide(request)?)
            }
            Call::Save => {
                let request: SaveRequest = parse(body, "a snapshot")?;
                Reply::json(StatusCode::OK, &saver.save(machine, &request)?)
            }
            Call::Saving => Reply::json(StatusCode::OK, &saver.status()),
            Call::CancelSave => Reply::json(StatusCode::ACCEPTED, &saver.cancel()?),
            Call::OpenApi => Ok(Reply::new("application/json", OPENAPI)),
            Call::Status => Reply::json(StatusCode::OK, &Status::of(machine)),
            Call::Pause => machine
                .pause()
                .map_err(ApiError::from)
                .and_then(|()| Reply::json(StatusCode::OK, &Status::of(machine))),
            Call::Resume => machine
                .resume()
                .map_err(ApiError::from)
                .and_then(|()| Reply::json(StatusCode::OK, &Status::of(machine))),
            Call::Reset => machine
                .reset()
                .map_err(ApiError::from)
                .and_then(|()| Reply::json(StatusCode::ACCEPTED, &Status::of(machine))),
            Call::PowerDown => machine
                .power_down()
                .map_err(ApiError::from)
                .and_then(|()| Reply::json(StatusCode::ACCEPTED, &Status::of(machine))),
            Call::List => {
                let devices = machine.scm().devices();
                let nvdimms = devices
                    .iter()
                    .map(|device| NvdimmInfo::of(device, machine))
                    .collect();
                Reply::json(StatusCode::OK, &NvdimmList { nvdimms })
            }
            Call::Add => add(machine, body),
            Call::Remove(id, patience) => {
                let removed = machine.remove_nvdimm(&id, patience)?;
                let (synced, released) = (removed.sync_failure.is_none(), removed.released);
                let removed = Removed {
                    id,
                    synced,
                    sync_failure: removed.sync_failure,
                    released,
                };
                Reply::json(StatusCode::OK, &removed)
            }
            Call::Metrics => Reply::json(StatusCode::OK, &Metrics::of(machine)),
            Call::MetricsText => {
                let text = Metrics::of(machine).text();
                let text = text.map_err(|_| {
                    ApiError::new(ErrorCode::Internal, "the counters can't be written as text")
                })?;
                Ok(Reply::new(TEXT_TYPE, text))
            }
        }
    }
}

/// A request's body.
fn parse<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("the body does not describe {what}: {error}");
        ApiError::new(ErrorCode::BadRequest, message)
    })
}

fn add(machine: &MachineControl, body: &[u8]) -> Result<Reply, ApiError> {
    let wanted: AddNvdimm = parse(body, "an nvdimm")?;
    let patience = wanted.timeout_ms.map_or(Ok(DEFAULT_PATIENCE), patience)?;
    let added = machine.add_nvdimm(wanted.config()?, patience)?;
    let status = if added.taken {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    let warnings = added.warnings.iter().map(ToString::to_string).collect();
    Reply::json(
        status,
        &Added {
            nvdimm: NvdimmInfo::of(&added.device, machine),
            taken: added.taken,
            warnings,
        },
    )
}

fn patience(millis: u64) -> Result<Duration, ApiError> {
    let asked = Duration::from_millis(millis);
    if asked > MAX_PATIENCE {
        let message = format!("timeout_ms is more than {}", MAX_PATIENCE.as_millis());
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    Ok(asked)
}

fn patience_of_query(query: Option<&str>) -> Result<Duration, ApiError> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Ok(DEFAULT_PATIENCE);
    };
    let millis = query
        .strip_prefix("timeout_ms=")
        .and_then(|value| value.parse().ok());
    let wrong = || {
        ApiError::new(
            ErrorCode::BadRequest,
            "the query is not timeout_ms=N, milliseconds as a whole number",
        )
    };
    patience(millis.ok_or_else(wrong)?)
}

impl Reply {
    fn new(media: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media,
            body: body.into(),
            allow: None,
        }
    }

    fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(value)
            .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
        Ok(Self {
            status,
            ..Self::new("application/json", body)
        })
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let status =
            StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Text and an enumeration: there is nothing in it that JSON can't say.
        let body = serde_json::to_vec(&ErrorBody { error }).unwrap_or_default();
        Self {
            status,
            ..Self::new("application/json", body)
        }
    }
}

/// Does a call that only looks, or one on a thread that may wait.
pub(super) fn answer(
    call: Call,
    machine: &Arc<MachineControl>,
    long: &LongCalls,
    body: &[u8],
) -> Reply {
    call.run(machine, long, body).unwrap_or_else(Reply::from)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn call(method: Method, uri: &str) -> Result<Call, ErrorCode> {
        Call::of(&method, &uri.parse().expect("URI")).map_err(|error| error.code)
    }

    #[test]
    fn calls_are_told_by_method_and_path() {
        assert_eq!(call(Method::GET, "/v1/status"), Ok(Call::Status));
        assert_eq!(call(Method::GET, "/v1/nvdimms"), Ok(Call::List));
        assert_eq!(call(Method::POST, "/v1/nvdimms"), Ok(Call::Add));
        let removal = Call::Remove("a b/c".into(), Duration::from_millis(5));
        assert_eq!(
            call(Method::DELETE, "/v1/nvdimms/a%20b%2Fc?timeout_ms=5"),
            Ok(removal)
        );
        assert_eq!(call(Method::GET, "/"), Err(ErrorCode::NotFound));
        assert_eq!(call(Method::GET, "/v1/status/"), Err(ErrorCode::NotFound));
        assert_eq!(
            call(Method::GET, "/v1/pause"),
            Err(ErrorCode::MethodNotAllowed)
        );
        assert_eq!(
            call(Method::PUT, "/v1/nvdimms"),
            Err(ErrorCode::MethodNotAllowed)
        );
        assert_eq!(
            call(Method::GET, "/v1/nvdimms/a"),
            Err(ErrorCode::MethodNotAllowed)
        );
        for uri in [
            "/v1/nvdimms/%FF",
            "/v1/nvdimms/a?timeout_ms=60001",
            "/v1/nvdimms/a?timeout_ms=-1",
            "/v1/nvdimms/a?x=1",
        ] {
            assert_eq!(
                call(Method::DELETE, uri),
                Err(ErrorCode::BadRequest),
                "{uri}"
            );
        }
    }

    #[test]
    fn the_description_names_every_call_and_no_other() {
        let description: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let paths = description["paths"].as_object().expect("paths");
        let mut described: Vec<(String, String)> = paths
            .iter()
            .flat_map(|(path, calls)| {
                let methods = calls
                    .as_object()
                    .expect("calls")
                    .keys()
                    .filter(|key| *key != "parameters");
                methods
                    .map(|method| (path.clone(), method.to_uppercase()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut known: Vec<(String, String)> = FIXED
            .iter()
            .map(|(path, method, _)| ((*path).to_owned(), method.to_string()))
            .collect();
        known.push((format!("{NVDIMM_PREFIX}{{id}}"), "DELETE".into()));
        described.sort();
        known.sort();
        assert_eq!(described, known);
    }

    #[test]
    fn the_description_names_every_error_code() {
        let description: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let codes = &description["components"]["schemas"]["Error"]["properties"]["error"]["properties"]
            ["code"]["enum"];
        for code in codes.as_array().expect("codes") {
            serde_json::from_value::<ErrorCode>(code.clone()).expect("a code of ours");
        }
        assert_eq!(codes.as_array().map(Vec::len), Some(14));
    }

    #[test]
    fn the_description_names_every_field_of_what_is_added() {
        let description: Value = serde_json::from_str(OPENAPI).expect("JSON");
        let fields = description["components"]["schemas"]["AddNvdimm"]["properties"]
            .as_object()
            .expect("fields");
        let wanted = AddNvdimm {
            timeout_ms: Some(1),
            size: Some(1),
            slot: Some(1),
            ..papr_scm::nvdimm::NvdimmConfig::new("a", "/a").into()
        };
        let wanted = serde_json::to_value(wanted).expect("JSON");
        let ours: Vec<&String> = wanted.as_object().expect("fields").keys().collect();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ours);
    }
}
