//! nvram-fetch and nvram-store (PAPR, "NVRAM Access Functions").

use super::{Answer, Request, status};
use crate::platform::Platform;

/// nvram-fetch: offset, buffer, length; answers how many bytes were copied.
pub(super) fn fetch(platform: &Platform, request: &Request<'_>) -> Answer {
    let &[offset, buffer, length] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let copied = platform
        .nvram
        .read(offset as usize, length as usize)
        .and_then(|bytes| platform.host.memory().write(buffer.into(), &bytes).ok());
    done(copied, length)
}

/// nvram-store: offset, buffer, length; answers how many bytes were copied.
pub(super) fn store(platform: &Platform, request: &Request<'_>) -> Answer {
    let &[offset, buffer, length] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let memory = platform.host.memory();
    let copied = platform
        .nvram
        .write(offset as usize, length as usize, |bytes| {
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
