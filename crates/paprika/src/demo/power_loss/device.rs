//! A device of persistent memory whose power can be cut, as a machine takes it.

use std::io;
use std::sync::Arc;

use papr_scm::backing::{Backing, CrashBacking, PowerLoss};
use papr_scm::nvdimm::{DEFAULT_LABEL_SIZE, NvdimmConfig, OpenNvdimm};

/// What machines, and messages, call the device.
const ID: &str = "pmem0";

/// A device that outlives the machines that it is plugged into, one after the other.
#[derive(Debug)]
pub struct Device {
    backing: Arc<CrashBacking>,
    sync_dax: bool,
}

impl Device {
    /// An empty device with this many bytes of data. With `sync_dax` its guests are not told to flush, which this backing does not
    /// honour: what they store without a flush is lost with the power.
    ///
    /// # Errors
    /// Where the host has not enough memory.
    pub fn new(data_size: u64, sync_dax: bool) -> io::Result<Self> {
        let backing = Arc::new(CrashBacking::new(data_size, DEFAULT_LABEL_SIZE)?);
        Ok(Self { backing, sync_dax })
    }

    /// Where its bytes are.
    pub fn backing(&self) -> &Arc<CrashBacking> {
        &self.backing
    }

    /// Whether guests are told that they need not flush.
    pub fn sync_dax(&self) -> bool {
        self.sync_dax
    }

    /// From its next machine on, guests are told that they need not flush, or that they have to.
    #[must_use]
    pub fn with_sync_dax(self, sync_dax: bool) -> Self {
        Self { sync_dax, ..self }
    }

    /// For plugging into a machine. One machine at a time, as with any device.
    pub fn nvdimm(&self) -> OpenNvdimm {
        let mut config = NvdimmConfig::new(ID, "(memory that forgets what was not synced)");
        config.size = Some(self.backing.region().len());
        config.sync_dax = self.sync_dax;
        OpenNvdimm {
            config,
            backing: Arc::clone(&self.backing) as Arc<dyn Backing>,
            warnings: Vec::new(),
        }
    }

    /// The device as the next machine finds it: what was durable, and of the rest what the seed lets survive. No vCPU runs any more.
    ///
    /// # Errors
    /// Where the host has not enough memory.
    pub fn lose_power(&self, seed: u64) -> io::Result<(Self, PowerLoss)> {
        let (after, loss) = self.backing.cut_power(seed)?;
        // Whatever was held may end now: it can't succeed any more.
        self.backing.release();
        let after = Self {
            backing: Arc::new(after),
            sync_dax: self.sync_dax,
        };
        Ok((after, loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 256 << 20;

    #[test]
    fn what_was_synced_is_on_the_device_that_the_next_machine_finds() {
        let before = Device::new(SIZE, false).expect("memory");
        let write = |offset, byte| {
            before
                .backing()
                .region()
                .write(offset, &[byte])
                .expect("inside");
        };
        write(0, 1);
        before.backing().sync(0).expect("power is on");
        (1..200).for_each(|page| write(page << 12, 2));
        let (after, loss) = before.lose_power(7).expect("memory");
        assert_eq!(loss.dirty, 199);
        let mut byte = [0];
        after.backing().region().read(0, &mut byte).expect("inside");
        assert_eq!(byte, [1]);
        assert!(before.backing().sync(0).is_err());
        assert!(after.backing().sync(0).is_ok());
    }

    #[test]
    fn a_machine_is_told_what_the_device_was_made_for() {
        let device = Device::new(SIZE, false).expect("memory");
        assert!(!device.nvdimm().config.sync_dax);
        assert_eq!(device.nvdimm().config.size, Some(SIZE));
        let device = device.with_sync_dax(true);
        assert!(device.nvdimm().config.sync_dax && device.sync_dax());
    }
}
