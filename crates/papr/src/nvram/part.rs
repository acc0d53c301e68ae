//! Non-volatile memory as a part of the platform: nvram-fetch and nvram-store (PAPR, "NVRAM Access
//! Functions"), and its node.

use std::sync::Arc;

use device_tree::Node;
use serde_json::Value;

use super::{NVRAM_SIZE, Nvram};
use crate::hex::HexBytes;
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::rtas::{Answer, Request, Service, status};

/// Unit address below `/vdevice`: the one after the terminal's.
const NVRAM_UNIT: u32 = 0x7100_0001;

/// It has no [`reset`](Part::reset): it survives one.
impl Part for Nvram {
    fn name(&self) -> &'static str {
        "nvram"
    }

    fn services(self: Arc<Self>) -> Vec<Service> {
        vec![
            Service::new(0x2012, "nvram-fetch", 3..=3, 2, &self, fetch),
            Service::new(0x2013, "nvram-store", 3..=3, 2, &self, store),
        ]
    }

    fn device_tree(&self) -> Vec<Node> {
        let nvram = Node::new(format!("nvram@{NVRAM_UNIT:x}"))
            .string("device_type", "nvram")
            .string("compatible", "paprika,nvram")
            .u32("reg", NVRAM_UNIT)
            .u32("#bytes", NVRAM_SIZE as u32);
        vec![Node::new("vdevice").child(nvram)]
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    fn export(&self) -> Value {
        to_value(&HexBytes(self.save()))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let HexBytes(bytes) = from_value(state)?;
        if bytes.len() != NVRAM_SIZE {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || {
            if let Err(error) = self.load(&bytes) {
                tracing::error!(%error, "NVRAM was checked and does not fit");
            }
        }))
    }
}

/// nvram-fetch: offset, buffer, length; answers how many bytes were copied.
fn fetch(nvram: &Nvram, request: &Request<'_>) -> Answer {
    let &[offset, buffer, length] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let copied = nvram
        .read(offset as usize, length as usize)
        .and_then(|bytes| request.memory.write(buffer.into(), &bytes).ok());
    done(copied, length)
}

/// nvram-store: offset, buffer, length; answers how many bytes were copied.
fn store(nvram: &Nvram, request: &Request<'_>) -> Answer {
    let &[offset, buffer, length] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let memory = request.memory;
    let copied = nvram.write(offset as usize, length as usize, |bytes| {
        memory.read(buffer.into(), bytes).ok()
    });
    done(copied, length)
}

/// All of it was copied, or nothing.
fn done(copied: Option<()>, length: u32) -> Answer {
    copied.map_or(Answer::status(status::PARAMETER), |()| {
        Answer::values([length])
    })
}

#[cfg(test)]
mod tests {
    use crate::host::Host;
    use crate::testing::{MEMORY, Machine};

    #[test]
    fn what_is_stored_is_fetched_after_a_reset_too() {
        let m = Machine::new(1);
        m.write_words(0x4000, &[0x1234_5678, 0x9ABC_DEF0]);
        assert_eq!(
            m.rtas_named(0, "nvram-store", &[0xFFF8, 0x4000, 8], 2),
            [0, 8]
        );
        m.platform.reset();
        assert_eq!(
            m.rtas_named(0, "nvram-fetch", &[0xFFFC, 0x5000, 4], 2),
            [0, 4]
        );
        assert_eq!(m.read_words(0x5000, 1), [0x9ABC_DEF0]);
        assert_eq!(m.platform.nvram()[0xFFF8..0xFFFC], [0x12, 0x34, 0x56, 0x78]);
    }

    #[test]
    fn nothing_is_copied_beyond_either_memory() {
        let m = Machine::new(1);
        let before = m.platform.nvram();
        m.host
            .memory()
            .write(MEMORY - 8, &[0xAA; 8])
            .expect("in memory");
        let cases = [
            [0xFFFD, 0x4000, 4],
            [u32::MAX, 0x4000, 4],
            [0, 0x4000, u32::MAX],
            [0, (MEMORY - 8) as u32, 9],
            [0, u32::MAX, 8],
        ];
        for args in cases {
            assert_eq!(
                m.rtas_named(0, "nvram-fetch", &args, 2),
                [-3, 0],
                "{args:x?}"
            );
            assert_eq!(
                m.rtas_named(0, "nvram-store", &args, 2),
                [-3, 0],
                "{args:x?}"
            );
        }
        assert_eq!(m.platform.nvram(), before);
    }
}
