//! `H_SCM_HEALTH`: the health bitmap and which of its bits mean something.

use super::{Args, Validated, device};
use crate::abi::status;
use crate::guest::Answer;
use crate::scm::Scm;

/// drc -> bitmap, valid mask.
pub(super) fn health(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let (bitmap, valid) = device(scm, args.drc(0))?.health();
    Ok(Answer::with(status::H_SUCCESS, [bitmap, valid]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DRC, Machine};
    use crate::abi::health::{FATAL, UNARMED};
    use crate::abi::opcode::H_SCM_HEALTH as HEALTH;
    use crate::abi::status::{H_HARDWARE, H_PARAMETER, H_SUCCESS};
    use crate::backing::Fault;

    #[test]
    fn a_sound_device_is_well_and_the_mask_says_what_that_covers() {
        let machine = Machine::new();
        let answer = machine.call(HEALTH, &[DRC]);
        assert_eq!(
            (answer.status, answer.count, answer.outputs[0]),
            (H_SUCCESS, 2, 0)
        );
        assert_eq!(answer.outputs[1] & (UNARMED | FATAL), UNARMED | FATAL);
        assert_eq!(machine.call(HEALTH, &[DRC + 1]).status, H_PARAMETER);
    }

    #[test]
    fn a_read_only_device_is_unarmed() {
        assert_eq!(
            Machine::read_only().call(HEALTH, &[DRC]).outputs[0],
            UNARMED
        );
    }

    #[test]
    fn a_device_whose_sync_failed_is_fatal() {
        let machine = Machine::new();
        machine.backing().inject(Fault::Error(28));
        assert_eq!(machine.flush(), H_HARDWARE);
        let answer = machine.call(HEALTH, &[DRC]);
        assert_ne!(answer.outputs[0] & answer.outputs[1] & FATAL, 0);
    }
}
