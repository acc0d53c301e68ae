//! ibm,get-system-parameter and ibm,set-system-parameter (PAPR, "System Parameters Option").

use super::Partition;
use crate::rtas::{Answer, Request, status};

/// What the partition was defined with, as text.
const PARTITION_CHARACTERISTICS: u32 = 20;
/// Whether diagnostics run; the guest may not change it.
const DIAGNOSTICS_RUN_MODE: u32 = 42;
/// The machine's UUID.
const UUID: u32 = 48;
/// The partition's name.
const PARTITION_NAME: u32 = 55;

/// A parameter's value, if there is such a parameter.
fn value(partition: &Partition, parameter: u32) -> Option<Vec<u8>> {
    let config = &partition.config;
    Some(match parameter {
        PARTITION_CHARACTERISTICS => {
            let (now, most, mib) = (config.vcpus, config.max_vcpus, config.memory >> 20);
            let text =
                format!("MaxEntCap={most},DesMem={mib},DesProcs={now},MaxPlatProcs={most}\0");
            text.into_bytes()
        }
        DIAGNOSTICS_RUN_MODE => vec![0],
        UUID => config.uuid.as_bytes().to_vec(),
        PARTITION_NAME => format!("{}\0", config.name).into_bytes(),
        _ => return None,
    })
}

/// ibm,get-system-parameter: parameter, buffer, its length. The buffer gets the value's length in 2
/// bytes, then as much of the value as there is room for.
pub(super) fn get(partition: &Partition, request: &Request<'_>) -> Answer {
    let &[parameter, buffer, length] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let Some(value) = value(partition, parameter) else {
        return Answer::status(status::PARAMETER);
    };
    let mut bytes = (value.len() as u16).to_be_bytes().to_vec();
    if (length as usize) < bytes.len() {
        return Answer::status(status::PARAMETER_BUFFER);
    }
    bytes.extend(value);
    bytes.truncate(length as usize);
    match request.memory.write(buffer.into(), &bytes) {
        Ok(()) => Answer::SUCCESS,
        Err(_) => Answer::status(status::PARAMETER_BUFFER),
    }
}

/// ibm,set-system-parameter: parameter, buffer. No parameter is the guest's to change.
pub(super) fn set(partition: &Partition, request: &Request<'_>) -> Answer {
    let known = request
        .args
        .first()
        .is_some_and(|parameter| value(partition, *parameter).is_some());
    Answer::status(if known {
        status::NOT_AUTHORIZED
    } else {
        status::PARAMETER
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::testing::{MEMORY, Machine};

    fn parameter(m: &Machine, number: u32) -> Vec<u8> {
        assert_eq!(
            m.rtas_named(0, "ibm,get-system-parameter", &[number, 0x4000, 4002], 1),
            [0]
        );
        let mut length = [0; 2];
        m.host
            .memory()
            .read(0x4000, &mut length)
            .expect("in memory");
        let mut value = vec![0; u16::from_be_bytes(length).into()];
        m.host.memory().read(0x4002, &mut value).expect("in memory");
        value
    }

    #[test]
    fn parameters_tell_what_the_machine_is() {
        let m = Machine::new(2);
        let text = format!(
            "MaxEntCap=2,DesMem={},DesProcs=2,MaxPlatProcs=2\0",
            MEMORY >> 20
        );
        assert_eq!(parameter(&m, PARTITION_CHARACTERISTICS), text.as_bytes());
        assert_eq!(parameter(&m, UUID), m.platform.config.uuid.as_bytes());
        assert_eq!(parameter(&m, PARTITION_NAME), b"test\0");
        assert_eq!(parameter(&m, DIAGNOSTICS_RUN_MODE), [0]);
    }

    #[test]
    fn a_short_buffer_gets_the_whole_length_and_part_of_the_value() {
        let m = Machine::new(1);
        m.write_words(0x4000, &[u32::MAX; 2]);
        assert_eq!(
            m.rtas_named(
                0,
                "ibm,get-system-parameter",
                &[PARTITION_NAME, 0x4000, 4],
                1
            ),
            [0]
        );
        assert_eq!(m.read_words(0x4000, 2), [5 << 16 | 0x7465, u32::MAX]);
    }

    #[test]
    fn wrong_buffers_and_parameters_are_refused() {
        let m = Machine::new(1);
        let get = |args: [u32; 3]| m.rtas_named(0, "ibm,get-system-parameter", &args, 1);
        assert_eq!(get([UUID, 0x4000, 1]), [-9999]);
        assert_eq!(get([UUID, (MEMORY - 4) as u32, 18]), [-9999]);
        assert_eq!(get([UUID, u32::MAX, u32::MAX]), [-9999]);
        assert_eq!(get([1, 0x4000, 100]), [-3]);
        assert_eq!(
            m.rtas_named(0, "ibm,set-system-parameter", &[UUID, 0x4000], 1),
            [-9002]
        );
        assert_eq!(
            m.rtas_named(0, "ibm,set-system-parameter", &[1, 0x4000], 1),
            [-3]
        );
    }
}
