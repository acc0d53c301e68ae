//! The state of a part, as data that a text format carries.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Puts a state in place that was checked. It can't fail.
pub type Commit<'a> = Box<dyn FnOnce() + 'a>;

/// Why a saved state can't be that of a part of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartStateError {
    /// It contradicts itself or the machine.
    Damaged,
    /// The guest would find something else than it was told: a sentence that says what.
    Refused(String),
}

/// A state as a value.
///
/// # Panics
/// Where JSON has no form for it (a map whose keys are neither texts nor numbers): a mistake in the
/// program, and none that data can cause.
pub fn to_value<T: Serialize>(state: &T) -> Value {
    serde_json::to_value(state).expect("a state is plain data")
}

/// Reads a state from a value.
///
/// # Errors
/// [`PartStateError::Damaged`] where it is none of that type.
pub fn from_value<T: DeserializeOwned>(state: &Value) -> Result<T, PartStateError> {
    T::deserialize(state).map_err(|_| PartStateError::Damaged)
}
