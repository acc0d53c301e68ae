//! The bind family: `H_SCM_BIND_MEM`, `H_SCM_UNBIND_MEM`, `H_SCM_UNBIND_ALL` and the two queries.
//!
//! A device's region has its guest address from the moment it is plugged, so a bind never pauses
//! (tokens are always 0) and never chooses a place; binding twice answers the same address. What is
//! bound is kept for the queries.

use super::{Args, Validated, device, refuse};
use crate::abi::{BLOCK_SIZE, status};
use crate::guest::Answer;
use crate::scm::Scm;
use crate::sync::lock;

/// The target address with which a guest leaves the choice to us.
const ANY_ADDRESS: u64 = u64::MAX;

/// Scope of an unbind: all devices.
const SCOPE_ALL: u64 = 1;
/// Scope of an unbind: one device.
const SCOPE_DRC: u64 = 2;

/// drc, first block, blocks, target address, token -> token, address, blocks bound.
pub(super) fn bind(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let (first, count) = (args.get(1), args.get(2));
    if args.get(4) != 0 {
        return refuse(status::H_P5);
    }
    if args.get(3) != ANY_ADDRESS {
        return refuse(status::H_OVERLAP);
    }
    if first > device.blocks() {
        return refuse(status::H_P2);
    }
    if first
        .checked_add(count)
        .is_none_or(|end| end > device.blocks())
    {
        return refuse(status::H_P3);
    }
    lock(&device.bound).bind(first, count);
    Ok(Answer::with(
        status::H_SUCCESS,
        [0, device.block_address(first), count],
    ))
}

/// drc, address, blocks, token -> token, blocks unbound.
pub(super) fn unbind(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let (address, count) = (args.get(1), args.get(2));
    if args.get(3) != 0 {
        return refuse(status::H_P4);
    }
    if !address.is_multiple_of(BLOCK_SIZE) {
        return refuse(status::H_P2);
    }
    let Some(first) = device.block_at(address).filter(|_| count != 0) else {
        return refuse(status::H_P3);
    };
    if first
        .checked_add(count)
        .is_none_or(|end| end > device.blocks())
    {
        return refuse(status::H_P3);
    }
    lock(&device.bound).unbind(first, count);
    Ok(Answer::with(status::H_SUCCESS, [0, count]))
}

/// scope, drc, token -> token, blocks unbound.
pub(super) fn unbind_all(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    if args.get(2) != 0 {
        return refuse(status::H_P4);
    }
    let unbound: u64 = match args.get(0) {
        SCOPE_ALL => scm
            .devices()
            .iter()
            .map(|device| lock(&device.bound).clear())
            .sum(),
        SCOPE_DRC => {
            let device = scm
                .device(args.drc(1))
                .ok_or(Answer::status(status::H_P2))?;
            let mut bound = lock(&device.bound);
            bound.clear()
        }
        _ => return refuse(status::H_PARAMETER),
    };
    Ok(Answer::with(status::H_SUCCESS, [0, unbound]))
}

/// drc, block -> guest address.
pub(super) fn query_block(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let device = device(scm, args.drc(0))?;
    let block = args.get(1);
    if block >= device.blocks() {
        return refuse(status::H_P2);
    }
    if !device.is_bound(block) {
        return refuse(status::H_NOT_FOUND);
    }
    Ok(Answer::with(
        status::H_SUCCESS,
        [device.block_address(block)],
    ))
}

/// guest address -> drc, block.
pub(super) fn query_address(scm: &Scm, args: Args<'_>) -> Validated<Answer> {
    let address = args.get(0);
    let found = scm.devices().into_iter().find_map(|device| {
        let block = device
            .block_at(address)
            .filter(|&block| device.is_bound(block))?;
        Some([u64::from(device.drc().value()), block])
    });
    found.map_or_else(
        || refuse(status::H_NOT_FOUND),
        |outputs| Ok(Answer::with(status::H_SUCCESS, outputs)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ADDRESS, BLOCKS, DRC, Machine};
    use super::{ANY_ADDRESS, BLOCK_SIZE};
    use crate::abi::opcode::{
        H_SCM_BIND_MEM as BIND, H_SCM_QUERY_BLOCK_MEM_BINDING as QUERY_BLOCK,
        H_SCM_QUERY_LOGICAL_MEM_BINDING as QUERY_ADDRESS, H_SCM_UNBIND_ALL as UNBIND_ALL,
        H_SCM_UNBIND_MEM as UNBIND,
    };
    use crate::abi::status::{
        H_NOT_FOUND, H_OVERLAP, H_P2, H_P3, H_P4, H_P5, H_PARAMETER, H_SUCCESS,
    };

    #[test]
    fn a_bind_answers_token_address_and_count_as_often_as_it_is_asked() {
        let machine = Machine::new();
        for _ in 0..2 {
            let answer = machine.call(BIND, &[DRC, 0, BLOCKS, ANY_ADDRESS, 0]);
            assert_eq!(
                (answer.status, answer.outputs()),
                (H_SUCCESS, &[0, ADDRESS, BLOCKS][..])
            );
        }
        let answer = machine.call(BIND, &[DRC, 1, 1, ANY_ADDRESS, 0]);
        assert_eq!(answer.outputs(), &[0, ADDRESS + BLOCK_SIZE, 1]);
    }

    #[test]
    fn binds_are_validated_in_order() {
        let machine = Machine::new();
        assert_eq!(
            machine.call(BIND, &[DRC + 1, 99, 99, 0, 1]).status,
            H_PARAMETER
        );
        assert_eq!(machine.call(BIND, &[DRC, 99, 99, 0, 1]).status, H_P5);
        assert_eq!(machine.call(BIND, &[DRC, 99, 99, 0, 0]).status, H_OVERLAP);
        assert_eq!(
            machine
                .call(BIND, &[DRC, BLOCKS + 1, 0, ANY_ADDRESS, 0])
                .status,
            H_P2
        );
        assert_eq!(
            machine.call(BIND, &[DRC, 1, BLOCKS, ANY_ADDRESS, 0]).status,
            H_P3
        );
        assert_eq!(
            machine
                .call(BIND, &[DRC, 1, u64::MAX, ANY_ADDRESS, 0])
                .status,
            H_P3
        );
    }

    #[test]
    fn unbinds_are_validated_in_order() {
        let machine = Machine::new();
        assert_eq!(
            machine.call(UNBIND, &[DRC + 1, 1, 0, 1]).status,
            H_PARAMETER
        );
        assert_eq!(machine.call(UNBIND, &[DRC, 1, 0, 1]).status, H_P4);
        assert_eq!(machine.call(UNBIND, &[DRC, ADDRESS + 1, 0, 0]).status, H_P2);
        assert_eq!(machine.call(UNBIND, &[DRC, ADDRESS, 0, 0]).status, H_P3);
        assert_eq!(
            machine.call(UNBIND, &[DRC, ADDRESS, BLOCKS + 1, 0]).status,
            H_P3
        );
        assert_eq!(
            machine
                .call(UNBIND, &[DRC, ADDRESS + BLOCK_SIZE, u64::MAX, 0])
                .status,
            H_P3
        );
        assert_eq!(
            machine
                .call(UNBIND, &[DRC, ADDRESS - BLOCK_SIZE, 1, 0])
                .status,
            H_P3
        );
        assert_eq!(
            machine
                .call(UNBIND, &[DRC, 0u64.wrapping_sub(BLOCK_SIZE), 1, 0])
                .status,
            H_P3
        );
        let answer = machine.call(UNBIND, &[DRC, ADDRESS, BLOCKS, 0]);
        assert_eq!(
            (answer.status, answer.outputs()),
            (H_SUCCESS, &[0, BLOCKS][..])
        );
    }

    #[test]
    fn unbind_all_takes_a_device_or_everything() {
        let machine = Machine::new();
        machine.call(BIND, &[DRC, 0, BLOCKS, ANY_ADDRESS, 0]);
        assert_eq!(machine.call(UNBIND_ALL, &[1, DRC, 1]).status, H_P4);
        assert_eq!(machine.call(UNBIND_ALL, &[3, DRC, 0]).status, H_PARAMETER);
        assert_eq!(machine.call(UNBIND_ALL, &[0, DRC, 0]).status, H_PARAMETER);
        assert_eq!(machine.call(UNBIND_ALL, &[2, DRC + 1, 0]).status, H_P2);
        let answer = machine.call(UNBIND_ALL, &[2, DRC, 0]);
        assert_eq!(
            (answer.status, answer.outputs()),
            (H_SUCCESS, &[0, BLOCKS][..])
        );
        machine.call(BIND, &[DRC, 0, 1, ANY_ADDRESS, 0]);
        assert_eq!(machine.call(UNBIND_ALL, &[1, 0, 0]).outputs(), &[0, 1]);
    }

    #[test]
    fn queries_know_what_is_bound() {
        let machine = Machine::new();
        assert_eq!(machine.call(QUERY_BLOCK, &[DRC + 1, 0]).status, H_PARAMETER);
        assert_eq!(machine.call(QUERY_BLOCK, &[DRC, BLOCKS]).status, H_P2);
        assert_eq!(machine.call(QUERY_BLOCK, &[DRC, 1]).status, H_NOT_FOUND);
        assert_eq!(machine.call(QUERY_ADDRESS, &[ADDRESS]).status, H_NOT_FOUND);
        machine.call(BIND, &[DRC, 0, BLOCKS, ANY_ADDRESS, 0]);
        assert_eq!(
            machine.call(QUERY_BLOCK, &[DRC, 1]).outputs(),
            &[ADDRESS + BLOCK_SIZE]
        );
        let last = ADDRESS + BLOCKS * BLOCK_SIZE - 1;
        assert_eq!(
            machine.call(QUERY_ADDRESS, &[last]).outputs(),
            &[DRC, BLOCKS - 1]
        );
        assert_eq!(machine.call(QUERY_ADDRESS, &[last + 1]).status, H_NOT_FOUND);
        assert_eq!(machine.call(QUERY_ADDRESS, &[u64::MAX]).status, H_NOT_FOUND);
        machine.call(UNBIND, &[DRC, ADDRESS, 1, 0]);
        assert_eq!(machine.call(QUERY_BLOCK, &[DRC, 0]).status, H_NOT_FOUND);
    }
}
