//! The error log in which an event reaches the guest (PAPR, "Error and Event Notification"): a
//! fixed part of 8 bytes, a general extension of 16, and sections in the platform event log format,
//! version 6: private header (PH), user header (UH), and one that says what happened (EP or HP).
//! All numbers are big-endian.

use super::{EPOW_SHUTDOWN, Event, HotPlug, HotPlugAction, HotPlugResource};
use crate::clock::Calendar;

// The fixed part.
const VERSION: u8 = 6;
/// Severity "event" in the top 3 bits, "an extended log follows" in bit 5.
const SEVERITY_EVENT_EXTENDED: u8 = 1 << 5 | 1 << 2;
const INITIATOR_AND_TARGET_UNKNOWN: u8 = 0;
const TYPE_EPOW: u8 = 0x40;
const TYPE_HOT_PLUG: u8 = 0xE5;

// The general extension.
/// Valid, new, big-endian.
const LOG_STATE: u8 = 0x80 | 0x04 | 0x02;
/// PowerPC format, platform event log.
const LOG_FORMAT: u8 = 0x80 | 14;
const COMPANY: &[u8; 4] = b"IBM\0";

const SECTION_VERSION: u8 = 1;
/// "Hypervisor".
const CREATOR: u8 = b'H';
/// Sections of every log here.
const SECTIONS: u8 = 3;

// The user header.
/// "Platform firmware, or other".
const SUBSYSTEM_OTHER: u8 = 0x80;
/// Informational, not a service action.
const EVENT_INFORMATIONAL: u8 = 0;

// The EPOW section.
/// Why: a normal shutdown.
const EPOW_NORMAL: u8 = 1;
/// To whom: this partition.
const EPOW_PARTITION: u8 = 2;

// The hot-plug section.
/// The resource is named by its connector's index.
const BY_DRC_INDEX: u8 = 2;

/// A section: identifier, its whole length, version, subtype, component, data.
fn section(id: &[u8; 2], data: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((8 + data.len() as u16).to_be_bytes());
    bytes.extend([SECTION_VERSION, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

/// Two decimal digits.
fn decimal(number: u32) -> u8 {
    let number = (number % 100) as u8;
    ((number / 10) << 4) | (number % 10)
}

/// The private header: when it happened, and who says so.
fn private_header(now: Calendar) -> Vec<u8> {
    let mut data = vec![
        decimal(now.year / 100),
        decimal(now.year),
        decimal(now.month),
        decimal(now.day),
    ];
    data.extend([
        decimal(now.hour),
        decimal(now.minute),
        decimal(now.second),
        0,
    ]);
    // When it was committed: at the same time.
    data.extend_from_within(..);
    data.extend([CREATOR, 0, 0, SECTIONS]);
    data.resize(40, 0);
    section(b"PH", &data)
}

fn user_header() -> Vec<u8> {
    let mut data = vec![SUBSYSTEM_OTHER, 0, EVENT_INFORMATIONAL, 0];
    data.resize(16, 0);
    section(b"UH", &data)
}

fn hot_plug(event: HotPlug) -> Vec<u8> {
    let resource = match event.resource {
        HotPlugResource::Cpu => 1,
        HotPlugResource::Memory => 2,
        HotPlugResource::PersistentMemory => 6,
    };
    let action = match event.action {
        HotPlugAction::Add => 1,
        HotPlugAction::Remove => 2,
    };
    let mut data = vec![resource, action, BY_DRC_INDEX, 0];
    data.extend(event.drc_index.to_be_bytes());
    section(b"HP", &data)
}

fn epow() -> Vec<u8> {
    let mut data = vec![EPOW_SHUTDOWN as u8, EPOW_NORMAL, EPOW_PARTITION, 0];
    // A reason code that the platform does not have.
    data.extend(0_u64.to_be_bytes());
    section(b"EP", &data)
}

/// The log of an event that happened `now`.
pub(super) fn encode(event: Event, now: Calendar) -> Vec<u8> {
    let (kind, what) = match event {
        Event::PowerOffRequest => (TYPE_EPOW, epow()),
        Event::HotPlug(hot) => (TYPE_HOT_PLUG, hot_plug(hot)),
    };
    let mut extended = vec![0; 12];
    (extended[0], extended[2]) = (LOG_STATE, LOG_FORMAT);
    extended.extend(COMPANY);
    for part in [private_header(now), user_header(), what] {
        extended.extend(part);
    }
    let mut log = vec![
        VERSION,
        SEVERITY_EVENT_EXTENDED,
        INITIATOR_AND_TARGET_UNKNOWN,
        kind,
    ];
    log.extend((extended.len() as u32).to_be_bytes());
    log.extend(extended);
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Calendar = Calendar {
        year: 2031,
        month: 12,
        day: 24,
        hour: 12,
        minute: 5,
        second: 59,
    };

    /// Finds a section as Linux does: by walking their lengths.
    fn find<'a>(log: &'a [u8], id: &[u8; 2]) -> Option<&'a [u8]> {
        assert_eq!(
            u32::from_be_bytes(log[4..8].try_into().expect("4 bytes")) as usize,
            log.len() - 8
        );
        assert_eq!((log[10] & 0x0F, &log[20..24]), (14, &COMPANY[..]));
        let mut rest = &log[24..];
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let (section, next) = rest.split_at(length);
            if section.starts_with(id) {
                return Some(&section[8..]);
            }
            rest = next;
        }
        None
    }

    #[test]
    fn a_hot_plug_event_names_the_connector() {
        let (resource, action) = (HotPlugResource::PersistentMemory, HotPlugAction::Remove);
        let log = encode(
            Event::HotPlug(HotPlug {
                resource,
                action,
                drc_index: 0x9000_0007,
            }),
            NOON,
        );
        assert_eq!(log[3], 0xE5);
        assert_eq!(find(&log, b"HP"), Some(&[6, 2, 2, 0, 0x90, 0, 0, 7][..]));
        assert_eq!(find(&log, b"EP"), None);
    }

    #[test]
    fn a_power_off_request_is_a_normal_system_shutdown() {
        let log = encode(Event::PowerOffRequest, NOON);
        assert_eq!(log[3], 0x40);
        assert_eq!(
            find(&log, b"EP").map(|data| data[..2].to_vec()),
            Some(vec![3, 1])
        );
    }

    #[test]
    fn the_private_header_tells_the_time_in_decimal_digits() {
        let log = encode(Event::PowerOffRequest, NOON);
        let header = find(&log, b"PH").expect("it is there");
        assert_eq!(header[..8], [0x20, 0x31, 0x12, 0x24, 0x12, 0x05, 0x59, 0]);
        assert_eq!(header[16..20], [b'H', 0, 0, 3]);
        assert_eq!(find(&log, b"UH").map(<[u8]>::len), Some(16));
    }
}
