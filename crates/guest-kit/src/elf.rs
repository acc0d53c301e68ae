//! What the recipes read from ELF files: whether one is for ppc64le, and which libraries it wants.

use object::elf::{DT_NEEDED, EM_PPC64, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{LittleEndian, StringTable};

use crate::{Error, Result};

pub(crate) type Header = FileHeader64<LittleEndian>;

/// The header of a 64-bit little-endian PowerPC ELF; `what` names the file in the error.
pub(crate) fn ppc64le_header<'a>(bytes: &'a [u8], what: &str) -> Result<&'a Header> {
    let fail = |why: String| Error::NotPpc64le {
        what: what.to_owned(),
        why,
    };
    let header = Header::parse(bytes).map_err(|e| fail(e.to_string()))?;
    header.endian().map_err(|_| fail("big-endian".into()))?;
    match header.e_machine.get(LittleEndian) {
        EM_PPC64 => Ok(header),
        other => Err(fail(format!("its machine number is {other}"))),
    }
}

/// Names of the shared libraries that an ELF file asks for (DT_NEEDED); none for a static one.
pub(crate) fn needed_libraries(bytes: &[u8], what: &str) -> Result<Vec<String>> {
    let header = ppc64le_header(bytes, what)?;
    let fail = |e: object::Error| Error::NotPpc64le {
        what: what.to_owned(),
        why: e.to_string(),
    };
    let endian = LittleEndian;
    let segments = header.program_headers(endian, bytes).map_err(fail)?;
    let mut entries = None;
    for segment in segments {
        entries = entries.or(segment.dynamic(endian, bytes).map_err(fail)?);
    }
    let Some(entries) = entries else {
        return Ok(Vec::new());
    };

    let value = |tag: u32| {
        entries
            .iter()
            .find(|d| d.tag32(endian) == Some(tag))
            .map(|d| d.d_val(endian))
    };
    let (Some(table), Some(size)) = (value(object::elf::DT_STRTAB), value(object::elf::DT_STRSZ))
    else {
        return Ok(Vec::new());
    };
    // The table's address is virtual: the segment that holds it says where in the file it is.
    let strings = segments
        .iter()
        .find_map(|s| s.data_range(endian, bytes, table, size).ok().flatten())
        .ok_or_else(|| Error::NotPpc64le {
            what: what.to_owned(),
            why: "its string table lies outside the file".into(),
        })?;
    let strings = StringTable::new(strings, 0, strings.len() as u64);
    Ok(entries
        .iter()
        .filter(|d| d.tag32(endian) == Some(DT_NEEDED))
        .filter_map(|d| u32::try_from(d.d_val(endian)).ok())
        .filter_map(|at| strings.get(at).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_s_own_executable_is_refused_by_its_machine_number() {
        let own = std::fs::read(std::env::current_exe().expect("own path")).expect("own file");
        let error = ppc64le_header(&own, "the test").expect_err("not PowerPC");
        if cfg!(target_arch = "x86_64") {
            assert!(
                error.to_string().contains("machine number is 62"),
                "{error}"
            );
        }
    }

    #[test]
    fn garbage_and_truncation_are_errors() {
        for bytes in [&b""[..], b"\x7fELF", &[0x7f; 64]] {
            assert!(ppc64le_header(bytes, "garbage").is_err());
            assert!(needed_libraries(bytes, "garbage").is_err());
        }
    }
}
