//! The control socket: a small HTTP/JSON API on a unix socket, by which programs look at a running machine and change it.
//!
//! The socket serves on a thread of its own and holds nothing that a vCPU waits for. Every request is bounded in size, time and number,
//! so that a client can neither stop nor slow the guest, whatever it sends or does not send.
//!
//! - `socket`: the socket in the file system: who may have it, who may use it;
//! - `server`: how many connections and calls there may be; `connection`: one of them;
//! - `routes`: which call is which, and what it answers;
//! - [`api`]: what is sent, as types; [`error`]: how a call fails;
//! - `metrics`: counters, as JSON and in Prometheus' text format;
//! - [`client`]: the other end, for `paprika ctl` and tests.
//!
//! The API is described in `docs/openapi.json`, which the socket serves too, and in `docs/control.md`.

pub mod api;
pub mod client;
mod connection;
pub mod error;
mod metrics;
mod moving;
mod routes;
mod saving;
mod server;
mod socket;

pub use server::{ControlServer, ServerError};
pub use socket::SocketError;

/// The description of the API.
pub const OPENAPI: &str = include_str!("../../../../docs/openapi.json");
