//! What a user says of one device:
//! `id=pmem0,path=pmem0.img,size=1G,label-size=128K,uuid=…,sync-dax=on|off,…`.
//!
//! Everything that can be refused without looking at the host is refused here. `,,` in a value is a
//! comma (as in QEMU).

use std::path::PathBuf;
use std::str::FromStr;

use uuid::Uuid;

use crate::abi::BLOCK_SIZE;

/// The least label area that PAPR guests can use.
pub const MIN_LABEL_SIZE: u64 = 128 << 10;
/// The greatest label area; more than any number of namespaces needs.
pub const MAX_LABEL_SIZE: u64 = 16 << 20;
/// The label area of a device whose user names none.
pub const DEFAULT_LABEL_SIZE: u64 = MIN_LABEL_SIZE;

/// The name space (RFC 9562, version 5) of uuids that are derived from an id.
const UUID_NAMESPACE: Uuid = Uuid::from_u128(0x7d0f_6b1e_5c3a_4a61_9e0e_70a9_2d2b_5a10);

/// The keys that are understood, for messages and for a monitor's help.
const KEYS: &str = "id, path, size, label-size, uuid, sync-dax, pmem-override, readonly, prealloc, numa-node, slot";

/// One device as its user describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvdimmConfig {
    /// What host-side commands and messages call the device.
    pub id: String,
    /// The backing file.
    pub path: PathBuf,
    /// Bytes of data, without the label area; `None`: what the file has. Where given, a missing
    /// file is created.
    pub size: Option<u64>,
    /// Bytes of label area, at the end of the file.
    pub label_size: u64,
    /// What the guest knows the device by; namespaces on it depend on it.
    pub uuid: Uuid,
    /// Stores need no flush by hypercall: the guest is not told to flush, and may use `MAP_SYNC`.
    pub sync_dax: bool,
    /// The guest may not write.
    pub read_only: bool,
    /// The file's room on its file system is taken when the device is opened, so that no store of
    /// the guest can find that full.
    pub prealloc: bool,
    /// The NUMA node that the guest sees the device on.
    pub numa_node: u32,
    /// The slot; `None`: the first that is free.
    pub slot: Option<u32>,
}

/// A description that can't be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key without a value, or no key at all.
    #[error("`{0}` is not of the form key=value")]
    NotAPair(String),
    /// A key that means nothing here.
    #[error("unknown key `{0}`: an nvdimm has {KEYS}")]
    UnknownKey(String),
    /// A key that was given before.
    #[error("key `{0}` is given twice")]
    Repeated(String),
    /// A key that must be given.
    #[error("an nvdimm needs {0}=…")]
    Missing(&'static str),
    /// A value that can't be read.
    #[error("{key}={value}: {expected} is expected")]
    BadValue {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A data size that can't be divided into blocks.
    #[error(
        "nvdimm {id}: size {size} is not a multiple of 256M, the block that a guest binds in (the label area of {label} bytes is not part of it)"
    )]
    NotInBlocks {
        /// The device.
        id: String,
        /// Bytes of data.
        size: u64,
        /// Bytes of label area.
        label: u64,
    },
    /// A label area of a size that does not do.
    #[error("nvdimm {id}: label-size {label} is not between 128K and 16M")]
    LabelSize {
        /// The device.
        id: String,
        /// Bytes of label area.
        label: u64,
    },
    /// Two settings that contradict each other.
    #[error(
        "nvdimm {id}: pmem-override=on tells the guest to flush and sync-dax=on tells it not to; give one of them"
    )]
    Contradiction {
        /// The device.
        id: String,
    },
    /// Room for what nobody stores.
    #[error(
        "nvdimm {id}: prealloc=on takes room for what the guest stores, and readonly=on lets it store nothing; give one of them"
    )]
    PreallocReadOnly {
        /// The device.
        id: String,
    },
}

impl NvdimmConfig {
    /// A device with the defaults for all that is not said: size from the file, 128 KiB of labels,
    /// a uuid that follows from the id (so it is the same at every start), `sync-dax` and
    /// `prealloc` off, writable, node 0.
    pub fn new(id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let id = id.into();
        NvdimmConfig {
            uuid: Uuid::new_v5(&UUID_NAMESPACE, id.as_bytes()),
            id,
            path: path.into(),
            size: None,
            label_size: DEFAULT_LABEL_SIZE,
            sync_dax: false,
            read_only: false,
            prealloc: false,
            numa_node: 0,
            slot: None,
        }
    }

    /// Checks what can be checked without the host.
    ///
    /// # Errors
    /// [`ConfigError`] for sizes that do not do and a uuid of zeroes.
    pub fn check(&self) -> Result<(), ConfigError> {
        let id = || self.id.clone();
        if !(MIN_LABEL_SIZE..=MAX_LABEL_SIZE).contains(&self.label_size) {
            return Err(ConfigError::LabelSize {
                id: id(),
                label: self.label_size,
            });
        }
        if let Some(size) = self.size {
            check_blocks(&self.id, size, self.label_size)?;
        }
        if self.prealloc && self.read_only {
            return Err(ConfigError::PreallocReadOnly { id: id() });
        }
        if self.uuid.is_nil() {
            let expected = "a uuid that is not all zeroes";
            return Err(ConfigError::BadValue {
                key: "uuid".into(),
                value: self.uuid.to_string(),
                expected,
            });
        }
        Ok(())
    }
}

/// Refuses a data size that is no multiple of the block, or nothing, or more than an address can
/// reach.
pub(super) fn check_blocks(id: &str, size: u64, label: u64) -> Result<(), ConfigError> {
    // Real addresses of the guests we know have 56 bits or fewer.
    if size == 0 || !size.is_multiple_of(BLOCK_SIZE) || size >= 1 << 56 {
        return Err(ConfigError::NotInBlocks {
            id: id.into(),
            size,
            label,
        });
    }
    Ok(())
}

/// Splits at commas; `,,` is a comma within a value.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            (',', Some(last)) if chars.next_if_eq(&',').is_some() => last.push(','),
            (',', _) => parts.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    parts
}

/// Reads a number of bytes with an optional suffix K, M, G or T (powers of 1024). `None` where it
/// is none.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        _ => return None,
    };
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = if all_digits {
        digits.parse().ok()?
    } else {
        return None;
    };
    number.checked_mul(1 << shift)
}

impl FromStr for NvdimmConfig {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in split(text) {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| ConfigError::NotAPair(part.clone()))?;
            if pairs.iter().any(|(k, _)| k == key) {
                return Err(ConfigError::Repeated(key.into()));
            }
            pairs.push((key.into(), value.into()));
        }
        let find = |wanted: &'static str| {
            let value = pairs
                .iter()
                .find(|(k, _)| k == wanted)
                .map(|(_, v)| v.clone());
            value
                .filter(|v| !v.is_empty())
                .ok_or(ConfigError::Missing(wanted))
        };
        let id = find("id")?;
        let usable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !id.chars().all(usable) || id.len() > 64 {
            let expected = "a name of at most 64 letters, digits, `-`, `_` and `.`";
            return Err(ConfigError::BadValue {
                key: "id".into(),
                value: id,
                expected,
            });
        }
        let mut config = NvdimmConfig::new(id, find("path")?);
        let mut told_to_flush = false;
        for (key, value) in &pairs {
            let bad = |expected| ConfigError::BadValue {
                key: key.clone(),
                value: value.clone(),
                expected,
            };
            let size =
                || parse_size(value).ok_or_else(|| bad("a number of bytes such as 1G or 128K"));
            let switch = || match value.as_str() {
                "on" => Ok(true),
                "off" => Ok(false),
                _ => Err(bad("on or off")),
            };
            match key.as_str() {
                "id" | "path" => {}
                "size" => config.size = Some(size()?),
                "label-size" => config.label_size = size()?,
                "uuid" => config.uuid = Uuid::parse_str(value).map_err(|_| bad("a uuid"))?,
                "sync-dax" => config.sync_dax = switch()?,
                // QEMU's name for the opposite: "tell the guest to flush whatever the backing is".
                // Off says nothing.
                "pmem-override" => told_to_flush = switch()?,
                "readonly" => config.read_only = switch()?,
                "prealloc" => config.prealloc = switch()?,
                "numa-node" => {
                    config.numa_node = value.parse().map_err(|_| bad("the number of a node"))?
                }
                "slot" => {
                    config.slot = Some(value.parse().map_err(|_| bad("the number of a slot"))?)
                }
                _ => return Err(ConfigError::UnknownKey(key.clone())),
            }
        }
        if told_to_flush && config.sync_dax {
            return Err(ConfigError::Contradiction { id: config.id });
        }
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NvdimmConfig, ConfigError> {
        text.parse()
    }

    #[test]
    fn a_full_description_is_understood() {
        let config = parse(
            "id=pmem0,path=a,,b.img,size=1G,label-size=256K,uuid=6d7b0a34-8d3c-4e0f-9a57-6f4e5a3c1d10,sync-dax=on,readonly=off,prealloc=on,numa-node=3,slot=7",
        )
        .expect("a good description");
        assert_eq!(config.path, PathBuf::from("a,b.img"));
        assert_eq!((config.size, config.label_size), (Some(1 << 30), 256 << 10));
        assert!(config.sync_dax && !config.read_only && config.prealloc);
        assert_eq!((config.numa_node, config.slot), (3, Some(7)));
        assert_eq!(
            config.uuid.to_string(),
            "6d7b0a34-8d3c-4e0f-9a57-6f4e5a3c1d10"
        );
    }

    #[test]
    fn flushing_is_the_default_and_the_uuid_follows_from_the_id() {
        let config = parse("id=a,path=x").expect("a good description");
        assert!(!config.sync_dax && !config.read_only && !config.prealloc);
        assert_eq!((config.size, config.label_size), (None, DEFAULT_LABEL_SIZE));
        assert_eq!(config.uuid, NvdimmConfig::new("a", "elsewhere").uuid);
        assert_ne!(config.uuid, NvdimmConfig::new("b", "x").uuid);
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        for (text, needle) in [
            ("id=a", "needs path="),
            ("path=x", "needs id="),
            ("id=,path=x", "needs id="),
            ("id=a,path=x,colour=red", "unknown key `colour`"),
            (
                "id=a,path=x,readonly",
                "`readonly` is not of the form key=value",
            ),
            ("id=a,path=x,", "`` is not of the form key=value"),
            ("id=a,id=b,path=x", "`id` is given twice"),
            ("id=a/b,path=x", "id=a/b: a name"),
            ("id=a,path=x,size=100M", "not a multiple of 256M"),
            ("id=a,path=x,size=0", "not a multiple of 256M"),
            ("id=a,path=x,size=99999999T", "a number of bytes"),
            ("id=a,path=x,size=-1G", "a number of bytes"),
            ("id=a,path=x,size=G", "a number of bytes"),
            ("id=a,path=x,size=262144T", "not a multiple of 256M"),
            ("id=a,path=x,label-size=64K", "not between 128K and 16M"),
            ("id=a,path=x,label-size=1G", "not between 128K and 16M"),
            ("id=a,path=x,sync-dax=yes", "on or off"),
            ("id=a,path=x,prealloc=full", "on or off"),
            ("id=a,path=x,prealloc=on,readonly=on", "give one of them"),
            ("id=a,path=x,uuid=7", "a uuid"),
            (
                "id=a,path=x,uuid=00000000-0000-0000-0000-000000000000",
                "not all zeroes",
            ),
            ("id=a,path=x,numa-node=-1", "the number of a node"),
            (
                "id=a,path=x,sync-dax=on,pmem-override=on",
                "give one of them",
            ),
            ("", "not of the form key=value"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(needle), "{text}: {error}");
        }
    }

    #[test]
    fn qemu_s_override_is_accepted_where_it_means_the_same() {
        assert!(
            !parse("id=a,path=x,pmem-override=on")
                .expect("a good description")
                .sync_dax
        );
        assert!(
            parse("id=a,path=x,pmem-override=off,sync-dax=on")
                .expect("a good description")
                .sync_dax
        );
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(parse_size("128K"), Some(131_072));
        assert_eq!(parse_size("1GiB"), Some(1 << 30));
        assert_eq!(parse_size("7"), Some(7));
        assert_eq!(parse_size("1X"), None);
        assert_eq!(parse_size("1 G"), None);
        assert_eq!(parse_size("é"), None);
    }
}
