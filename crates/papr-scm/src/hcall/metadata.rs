//! `H_SCM_READ_METADATA` and `H_SCM_WRITE_METADATA`: the label area, 1, 2, 4 or 8 bytes at a time.

use std::io;

use super::{Args, Validated, device, refuse};
use crate::abi::status;
use crate::guest::Answer;
use crate::nvdimm::Nvdimm;
use crate::scm::Scm;

/// The lengths that the calls take.
fn length(value: u64) -> Option<usize> {
    matches!(value, 1 | 2 | 4 | 8).then_some(value as usize)
}

/// drc, offset, length -> data: the bytes as a big-endian number.
pub(super) fn read(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let Some(length) = length(args.get(2)) else {
        return refuse(status::H_P3);
    };
    let mut bytes = [0; 8];
    let Some(result) = device.read_label(args.get(1), &mut bytes[8 - length..]) else {
        return refuse(status::H_P2);
    };
    answer(&device, result, || {
        Answer::with(status::H_SUCCESS, [u64::from_be_bytes(bytes)])
    })
}

/// drc, offset, data, length: the number as big-endian bytes.
///
/// When the bytes are durable is told in `nvdimm/label.rs`; a device that can't make them so
/// refuses.
pub(super) fn write(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let Some(length) = length(args.get(3)) else {
        return refuse(status::H_P4);
    };
    let (offset, data) = (args.get(1), args.get(2));
    if !device.in_label_area(offset, length) || device.read_only() {
        return refuse(status::H_P2);
    }
    let bytes = data.to_be_bytes();
    let (above, data) = bytes.split_at(8 - length);
    if above.iter().any(|&byte| byte != 0) {
        return refuse(status::H_P2);
    }
    if device.failure().is_some() {
        return refuse(status::H_HARDWARE);
    }
    let Some(result) = device.write_label(offset, data) else {
        return refuse(status::H_P2);
    };
    answer(&device, result, || Answer::status(status::H_SUCCESS))
}

/// Success, or what a host error means to the guest.
fn answer(
    device: &Nvdimm,
    result: io::Result<()>,
    success: impl FnOnce() -> Answer,
) -> Validated<Answer> {
    match result {
        Ok(()) => Ok(success()),
        Err(error) => {
            device.log_once(&format!("the label area can't be reached: {error}"));
            refuse(status::H_HARDWARE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DRC, LABEL, Machine};
    use crate::abi::opcode::{H_SCM_READ_METADATA as READ, H_SCM_WRITE_METADATA as WRITE};
    use crate::abi::status::{H_HARDWARE, H_P2, H_P3, H_P4, H_PARAMETER, H_SUCCESS};
    use crate::backing::Fault;

    #[test]
    fn labels_are_big_endian_numbers() {
        let machine = Machine::new();
        assert_eq!(
            machine
                .call(WRITE, &[DRC, 8, 0x1122_3344_5566_7788, 8])
                .status,
            H_SUCCESS
        );
        for (offset, length, value) in [
            (8, 8, 0x1122_3344_5566_7788),
            (8, 1, 0x11),
            (9, 2, 0x2233),
            (12, 4, 0x5566_7788),
        ] {
            let answer = machine.call(READ, &[DRC, offset, length]);
            assert_eq!((answer.status, answer.outputs()), (H_SUCCESS, &[value][..]));
        }
    }

    #[test]
    fn reads_are_validated_in_order() {
        let machine = Machine::new();
        assert_eq!(
            machine.call(READ, &[DRC + 1, 0, 3]).status,
            H_PARAMETER,
            "no device comes before a bad length"
        );
        assert_eq!(machine.call(READ, &[0x8000_0000, 0, 8]).status, H_PARAMETER);
        for length in [0, 3, 5, 7, 9, 16, u64::MAX] {
            assert_eq!(
                machine.call(READ, &[DRC, LABEL, length]).status,
                H_P3,
                "a bad length comes before the range"
            );
        }
        for (offset, length) in [
            (LABEL, 1),
            (LABEL - 7, 8),
            (u64::MAX, 1),
            (u64::MAX - 7, 8),
            (u64::MAX - 3, 8),
        ] {
            assert_eq!(machine.call(READ, &[DRC, offset, length]).status, H_P2);
        }
        assert_eq!(machine.call(READ, &[DRC, LABEL - 8, 8]).status, H_SUCCESS);
    }

    #[test]
    fn writes_are_validated_in_order() {
        let machine = Machine::new();
        assert_eq!(machine.call(WRITE, &[DRC + 1, 0, 0, 3]).status, H_PARAMETER);
        assert_eq!(machine.call(WRITE, &[DRC, LABEL, u64::MAX, 3]).status, H_P4);
        assert_eq!(machine.call(WRITE, &[DRC, LABEL, 0, 1]).status, H_P2);
        assert_eq!(machine.call(WRITE, &[DRC, u64::MAX, 0, 8]).status, H_P2);
        for (length, data) in [(1, 0x100), (2, 0x1_0000), (4, 0x1_0000_0000), (1, u64::MAX)] {
            assert_eq!(
                machine.call(WRITE, &[DRC, 0, data, length]).status,
                H_P2,
                "bits above the length"
            );
        }
        assert_eq!(
            machine.call(WRITE, &[DRC, 0, u64::MAX, 8]).status,
            H_SUCCESS
        );
    }

    #[test]
    fn a_read_only_device_takes_no_label() {
        let machine = Machine::read_only();
        assert_eq!(machine.call(WRITE, &[DRC, 0, 1, 1]).status, H_P2);
        assert_eq!(machine.call(READ, &[DRC, 0, 1]).status, H_SUCCESS);
    }

    #[test]
    fn a_label_is_durable_no_later_than_the_next_flush() {
        let machine = Machine::new();
        assert_eq!(machine.call(WRITE, &[DRC, 16, 0xAB, 1]).status, H_SUCCESS);
        assert_eq!(machine.flush(), H_SUCCESS);
        assert_eq!(machine.durable_label(16), 0xAB);
    }

    #[test]
    fn without_any_flush_a_label_still_becomes_durable() {
        let machine = Machine::with(|setup| setup.sync_dax = true);
        assert_eq!(machine.call(WRITE, &[DRC, 16, 0xCD, 1]).status, H_SUCCESS);
        machine.settle();
        assert_eq!(machine.durable_label(16), 0xCD);
    }

    #[test]
    fn a_failed_device_takes_no_label() {
        let machine = Machine::new();
        machine.backing().inject(Fault::Error(5));
        assert_eq!(machine.flush(), H_HARDWARE);
        assert_eq!(machine.call(WRITE, &[DRC, 0, 1, 1]).status, H_HARDWARE);
    }
}
