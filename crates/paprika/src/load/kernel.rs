//! The guest kernel: a 64-bit little-endian PowerPC ELF, stripped or not, plain or gzip-compressed.

use std::io::Read;
use std::path::{Path, PathBuf};

use object::elf::{EM_PPC64, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, elf};

use super::{FILE_MAX, FileBytes, FileError, read_file};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file is not a kernel that can be booted.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// It can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its compression is broken.
    #[error(
        "kernel {path:?} is gzip-compressed but can't be unpacked ({source}); the file is damaged or cut short"
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the unpacker says.
        source: std::io::Error,
    },
    /// It unpacks to something absurd.
    #[error("kernel {0:?} unpacks to more than {max} MiB; expected a vmlinux", max = FILE_MAX >> 20)]
    TooLarge(PathBuf),
    /// Its segments come to something absurd.
    #[error("kernel {0:?} is damaged: its segments have more than {max} MiB together; expected a vmlinux", max = FILE_MAX >> 20)]
    LoadsTooMuch(PathBuf),
    /// It is something else.
    #[error(
        "kernel {path:?} is {found}; expected a vmlinux (64-bit little-endian PowerPC ELF, or one that is gzip-compressed)"
    )]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// Its headers point outside the file.
    #[error("kernel {path:?} is damaged or cut short: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// A piece of the kernel with the real address it belongs to.
#[derive(Debug, Clone)]
struct Segment {
    address: u64,
    file: std::ops::Range<usize>,
    size_in_memory: u64,
}

/// A kernel, ready to be copied into guest memory.
#[derive(Debug, Clone)]
pub struct Kernel {
    image: FileBytes,
    segments: Vec<Segment>,
    /// Offset of the entry from the lowest address.
    entry: u64,
}

impl Kernel {
    /// Reads a kernel from a file.
    ///
    /// # Errors
    /// [`KernelError`] names the file and what was expected.
    pub fn read(path: &Path) -> Result<Self, KernelError> {
        let mut image = read_file("kernel", path)?;
        if image.starts_with(&GZIP_MAGIC) {
            image = unpack(&image, path)?.into();
        }
        Self::parse(image, path)
    }

    /// Takes an unpacked kernel; `path` is for messages.
    ///
    /// # Errors
    /// [`KernelError`] where it is none.
    pub fn parse(image: FileBytes, path: &Path) -> Result<Self, KernelError> {
        let not_a_kernel = |found: &str| KernelError::NotAKernel {
            path: path.to_owned(),
            found: found.to_owned(),
        };
        let damaged = |what: &str| KernelError::Damaged {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        if image.is_empty() {
            return Err(not_a_kernel("an empty file"));
        }
        if !image.starts_with(&elf::ELFMAG) {
            return Err(not_a_kernel("no ELF file"));
        }
        if image.get(4) != Some(&elf::ELFCLASS64) {
            return Err(not_a_kernel("a 32-bit ELF file"));
        }
        if image.get(5) != Some(&elf::ELFDATA2LSB) {
            return Err(not_a_kernel("a big-endian ELF file"));
        }
        let header =
            FileHeader64::<LittleEndian>::parse(&*image).map_err(|e| damaged(&e.to_string()))?;
        let machine = header.e_machine(LittleEndian);
        if machine != EM_PPC64 {
            return Err(not_a_kernel(&format!(
                "an ELF file for another processor (machine number {machine})"
            )));
        }
        let headers = header
            .program_headers(LittleEndian, &*image)
            .map_err(|e| damaged(&e.to_string()))?;
        let mut segments = Vec::new();
        let mut entry = None;
        let mut loaded = 0u64;
        for program in headers.iter().filter(|p| p.p_type(LittleEndian) == PT_LOAD) {
            let (offset, size) = (
                program.p_offset(LittleEndian),
                program.p_filesz(LittleEndian),
            );
            let end = offset
                .checked_add(size)
                .filter(|&end| end <= image.len() as u64);
            let end = end.ok_or_else(|| damaged("a segment lies beyond the end of the file"))?;
            // Segments may overlap in the file, so that there can be far more to load than it has.
            loaded = loaded.saturating_add(size);
            if loaded > FILE_MAX {
                return Err(KernelError::LoadsTooMuch(path.to_owned()));
            }
            let size_in_memory = program.p_memsz(LittleEndian);
            let address = program.p_paddr(LittleEndian);
            if size_in_memory < size || address.checked_add(size_in_memory).is_none() {
                return Err(damaged("a segment's sizes make no sense"));
            }
            if let Some(inside) = header
                .e_entry(LittleEndian)
                .checked_sub(program.p_vaddr(LittleEndian))
                && inside < size
            {
                entry = Some(address + inside);
            }
            segments.push(Segment {
                address,
                file: offset as usize..end as usize,
                size_in_memory,
            });
        }
        let entry = entry.ok_or_else(|| damaged("its entry point lies in none of its segments"))?;
        let base = segments.iter().map(|s| s.address).min().unwrap_or(0);
        for segment in &mut segments {
            segment.address -= base;
        }
        Ok(Self {
            image,
            segments,
            entry: entry - base,
        })
    }

    /// The unpacked file that it was read from.
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// Bytes of memory from its start to the end of its zero-initialised data.
    pub fn size(&self) -> u64 {
        self.segments
            .iter()
            .map(|s| s.address + s.size_in_memory)
            .max()
            .unwrap_or(0)
    }

    /// Offset of the entry point from its start.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The pieces to copy: offset from the kernel's start, and bytes. The rest must be zero.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.segments
            .iter()
            .map(|s| (s.address, &self.image[s.file.clone()]))
    }
}

fn unpack(packed: &[u8], path: &Path) -> Result<Vec<u8>, KernelError> {
    let mut image = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(packed).take(FILE_MAX + 1);
    decoder
        .read_to_end(&mut image)
        .map_err(|source| KernelError::Gzip {
            path: path.to_owned(),
            source,
        })?;
    if image.len() as u64 > FILE_MAX {
        return Err(KernelError::TooLarge(path.to_owned()));
    }
    Ok(image)
}
