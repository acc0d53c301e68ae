//! The two devices of the demonstration: the same in everything but `sync-dax`.

use std::path::Path;

use papr_scm::nvdimm::{NvdimmConfig, OpenNvdimm, Plan};

/// Bytes of data in each.
pub const SIZE: u64 = 1 << 30;

/// A device of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// What it is called, also as a shell variable in the guest and as the mount point below `/mnt`.
    pub id: &'static str,
    /// Whether the guest is told that stores are durable by themselves.
    pub sync_dax: bool,
}

/// Both, in the order in which they are plugged.
pub const DEVICES: [Device; 2] = [
    Device {
        id: "pmem0",
        sync_dax: true,
    },
    Device {
        id: "pmem1",
        sync_dax: false,
    },
];

impl Device {
    /// What it is made from, in a file of this directory.
    pub fn config(self, directory: &Path) -> NvdimmConfig {
        let path = directory.join(format!("{}.img", self.id));
        NvdimmConfig {
            size: Some(SIZE),
            sync_dax: self.sync_dax,
            ..NvdimmConfig::new(self.id, path)
        }
    }
}

/// `on` or `off`, as on the command line.
pub fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Makes both in a directory of their own, which is gone from the file system when this returns: the open files are all that is left,
/// and they go with the machine, however it ends.
///
/// # Errors
/// Where the host refuses the files.
pub fn create() -> anyhow::Result<Vec<OpenNvdimm>> {
    let directory = tempfile::Builder::new().prefix("paprika-demo-").tempdir()?;
    let configs = DEVICES.map(|device| device.config(directory.path()));
    let nvdimms = Plan::new(configs.into())?.open()?;
    directory.close()?;
    Ok(nvdimms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_devices_are_sparse_files_that_nobody_has_to_clean_up() {
        let nvdimms = create().expect("room for two empty files");
        for (nvdimm, device) in nvdimms.iter().zip(DEVICES) {
            assert_eq!(nvdimm.config.id, device.id);
            assert_eq!(nvdimm.backing.region().len(), SIZE);
            assert!(!nvdimm.config.path.exists());
            let directory = nvdimm.config.path.parent().expect("a directory");
            assert!(!directory.exists());
        }
    }
}
