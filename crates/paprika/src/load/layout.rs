//! Where things go in guest RAM: the kernel at 0, where it would move itself; then the RAM disk, then the device tree; RTAS at
//! the end of the area that it must be in.

use serde::{Deserialize, Serialize};

/// Everything starts on a boundary of the largest base page.
const ALIGNMENT: u64 = 0x1_0000;
/// Room for the device tree: it grows with CPUs and NVDIMMs.
const DEVICE_TREE_MAX: u64 = 4 << 20;
/// RTAS lies below this and near the end of RAM: high enough to stay clear of kernels, low enough for its 32-bit callers.
const RTAS_LIMIT: u64 = 768 << 20;

/// Why things don't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Kernel too large.
    #[error(
        "the kernel needs {0} MiB, more than the guest's memory has room for; give it more with --memory"
    )]
    Kernel(u64),
    /// Together too large.
    #[error(
        "kernel and initrd together need {0} MiB, more than the guest's memory has room for; give it more with --memory"
    )]
    Initrd(u64),
}

/// Real addresses of what is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Where the kernel starts.
    pub kernel: u64,
    /// Where the RAM disk starts.
    pub initrd: u64,
    /// Where the device tree starts.
    pub device_tree: u64,
    /// Where RTAS starts.
    pub rtas: u64,
}

impl Layout {
    /// Places a kernel and a RAM disk of these sizes into `memory` bytes of RAM.
    ///
    /// # Errors
    /// [`LayoutError`] where they don't fit.
    pub fn new(memory: u64, kernel_size: u64, initrd_size: u64) -> Result<Self, LayoutError> {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let rtas = memory
            .min(RTAS_LIMIT)
            .saturating_sub(papr::RTAS_SIZE as u64)
            / ALIGNMENT
            * ALIGNMENT;
        let up = |address: u64| address.checked_next_multiple_of(ALIGNMENT);
        let needed = kernel_size
            .saturating_add(initrd_size)
            .saturating_add(DEVICE_TREE_MAX);
        // The device tree comes first after the kernel, so that both are low; the RAM disk may go past RTAS.
        let device_tree = up(kernel_size).filter(|end| {
            end.checked_add(DEVICE_TREE_MAX)
                .is_some_and(|end| end <= rtas)
        });
        let device_tree = device_tree.ok_or(LayoutError::Kernel(mib(kernel_size)))?;
        let after = device_tree + DEVICE_TREE_MAX;
        let fits = |start: u64, limit: u64| {
            start
                .checked_add(initrd_size)
                .is_some_and(|end| end <= limit)
        };
        let above_rtas = rtas + ALIGNMENT;
        let initrd = if fits(after, rtas) {
            after
        } else if fits(above_rtas, memory) {
            above_rtas
        } else {
            return Err(LayoutError::Initrd(mib(needed)));
        };
        Ok(Self {
            kernel: 0,
            initrd,
            device_tree,
            rtas,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_fits_does_not_overlap() {
        let layout = Layout::new(512 * MIB, 20 * MIB + 1, 30 * MIB).expect("fits");
        assert!(layout.kernel + 20 * MIB < layout.device_tree);
        assert!(layout.device_tree + DEVICE_TREE_MAX <= layout.initrd);
        assert!(layout.initrd + 30 * MIB <= layout.rtas);
        assert!(layout.rtas < 512 * MIB);
    }

    #[test]
    fn a_large_ram_disk_goes_above_rtas() {
        let layout = Layout::new(4096 * MIB, 20 * MIB, 2000 * MIB).expect("fits");
        assert!(layout.initrd > layout.rtas);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(
            Layout::new(256 * MIB, 300 * MIB, 0),
            Err(LayoutError::Kernel(300))
        );
        assert!(matches!(
            Layout::new(256 * MIB, 20 * MIB, 300 * MIB),
            Err(LayoutError::Initrd(_))
        ));
        assert!(Layout::new(256 * MIB, u64::MAX, u64::MAX).is_err());
    }
}
