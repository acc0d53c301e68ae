//! A Debian guest that goes on in another machine of this process, while its programs run: saved
//! and restored, or migrated.
//!
//! The agent's frames and the channel that they come through stay; only the machine, its thread and
//! its console are new.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use paprika_migration::link::{Connector, Listener};
use paprika_migration::{Handle, Options, Uri, receive};

use super::error::DebianError;
use super::guest::{DebianGuest, GRACE, Life};
use crate::machine::HostOptions;
use crate::migrate::{MigrationSource, MigrationTarget, TargetOptions};
use crate::snapshot::{NvdimmChange, Progress, RestoreOptions, SaveOptions, Snapshot, save};

impl DebianGuest {
    /// Saves the guest into the new directory `at`, ends its machine, and restores it with what
    /// `host` says.
    ///
    /// # Errors
    /// [`DebianError::Relocate`]; the guest is ended.
    pub fn save_and_restore(self, at: &Path, host: HostOptions) -> Result<Self, DebianError> {
        let options = SaveOptions {
            quit: true,
            digest: false,
        };
        let control = Arc::clone(self.machine().control());
        let saved = save(&control, at, options, &Progress::new());
        drop(control);
        saved.map_err(failed("saved"))?;
        let Self {
            life,
            ear,
            said,
            transfer,
        } = self;
        // With the machine go its locks of the NVDIMMs' files.
        life.end(GRACE)?;

        let snapshot = Snapshot::open(at).map_err(failed("restored"))?;
        let options = RestoreOptions {
            host,
            ..RestoreOptions::default()
        };
        let plan = snapshot.plan(&options).map_err(failed("restored"))?;
        let console = Box::new(ear.clone());
        let built = snapshot.build(&plan, console, &Progress::new());
        let machine = built.map_err(failed("restored"))?;
        // The machine holds the NVDIMMs' files from here on.
        drop(plan);
        Ok(Self {
            life: Life::begin(Arc::new(machine))?,
            ear,
            said,
            transfer,
        })
    }

    /// Migrates the guest to a new machine with what `host` says, by a socket at the path `by`.
    ///
    /// # Errors
    /// [`DebianError::Relocate`]; the guest is ended.
    pub fn migrate(self, by: &Path, host: HostOptions) -> Result<Self, DebianError> {
        let uri: Uri = format!("unix:{}", by.display())
            .parse()
            .map_err(failed("migrated"))?;
        let listener = Box::new(Listener::bind(&uri).map_err(failed("migrated"))?);
        let options = Options {
            brake: true,
            ..Options::default()
        };
        let devices = self.machine().control().description().nvdimms;
        let arriving = TargetOptions {
            // The same files: both machines are this process's.
            nvdimms: devices
                .iter()
                .map(|device| NvdimmChange::file(&device.id, &device.path))
                .collect(),
            host,
            ..TargetOptions::default()
        };
        let mut arrival = MigrationTarget::new(arriving, Box::new(self.ear.clone()));
        let leaving = MigrationSource::new(self.machine().control(), uri.to_string());
        let connector = Connector::new(uri).map_err(failed("migrated"))?;
        let (left, received) = std::thread::scope(|scope| {
            let receiving =
                scope.spawn(|| receive(listener, &mut arrival, &options, &Handle::new()));
            let left = paprika_migration::migrate(&leaving, &connector, &options, &Handle::new());
            (left, receiving.join())
        });
        left.map_err(failed("migrated"))?;
        let received = received.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        received.map_err(failed("received"))?;
        drop(leaving);
        let moved = arrival.into_machine();
        let (machine, life) = moved
            .ok_or("it has come and gone")
            .map_err(failed("received"))?;
        let Self {
            life: left,
            ear,
            said,
            transfer,
        } = self;
        left.end(GRACE)?;
        let wait = move || {
            life.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        Ok(Self {
            life: Life::new(machine, wait)?,
            ear,
            said,
            transfer,
        })
    }
}

fn failed<E: Display>(what: &'static str) -> impl FnOnce(E) -> DebianError {
    move |why| DebianError::relocate(what, &why)
}
