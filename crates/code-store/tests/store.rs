//! What a store promises: entries come back, damage never does, and the bounds are kept.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use code_store::{BuildId, CodeStore, Key, StoreError, StoreOptions};

fn build() -> BuildId {
    BuildId::of(&[b"a test"])
}

fn key(n: u32) -> Key {
    Key::of(&[&n.to_le_bytes()])
}

fn content(n: u32) -> Vec<u8> {
    (0..40 + n as usize)
        .map(|at| (at as u32 * 7 + n) as u8)
        .collect()
}

/// Writes at the end only.
fn options() -> StoreOptions {
    StoreOptions {
        batch_delay: Duration::from_secs(3600),
        ..StoreOptions::default()
    }
}

fn open(path: &Path) -> CodeStore {
    CodeStore::open(path, build(), options()).expect("it is ours")
}

fn file(path: &Path) -> PathBuf {
    path.join(format!("{}.code", build()))
}

/// A directory of its own, made by a store.
fn directory() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().expect("room for a test");
    let path = temporary.path().join("deep/code");
    (temporary, path)
}

fn fill(path: &Path, entries: u32) {
    let store = open(path);
    for n in 0..entries {
        store.insert(key(n), &content(n));
    }
}

#[test]
fn entries_come_back_in_the_next_run_and_nothing_else_does() {
    let (_keep, path) = directory();
    {
        let store = open(&path);
        assert_eq!(store.get(&key(0)), None);
        assert!(!store.contains(&key(0)));
        store.insert(key(0), &content(0));
        assert!(store.contains(&key(0)));
        assert_eq!(store.get(&key(0)).as_deref(), Some(&content(0)[..]));
        store.insert(key(1), b"");
        store.insert(key(0), b"what is there stays");
    }
    let store = open(&path);
    assert_eq!(store.get(&key(0)).as_deref(), Some(&content(0)[..]));
    assert_eq!(store.get(&key(1)).as_deref(), Some(&b""[..]));
    assert_eq!(store.get(&key(2)), None);
    let statistics = store.statistics();
    assert_eq!(
        (statistics.found, statistics.hits, statistics.misses),
        (2, 2, 1)
    );
}

#[test]
fn another_build_sees_nothing_of_it_even_under_its_own_name() {
    let (_keep, path) = directory();
    fill(&path, 3);
    let other = BuildId::of(&[b"another"]);
    let open_other = || CodeStore::open(&path, other, options()).expect("it is ours");
    assert_eq!(open_other().get(&key(0)), None);
    fs::copy(file(&path), path.join(format!("{other}.code"))).expect("copied");
    assert_eq!(open_other().get(&key(0)), None);
}

#[test]
fn everything_is_for_the_user_alone() {
    let (_keep, path) = directory();
    fill(&path, 1);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o7777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&file(&path)), 0o600);
    assert_eq!(mode(&path.join("lock")), 0o600);
}

#[test]
fn no_flipped_byte_is_served() {
    const ENTRIES: u32 = 3;
    let (_keep, path) = directory();
    fill(&path, ENTRIES);
    let good = fs::read(file(&path)).expect("it was written");
    let (mut lost, mut served) = (0, 0);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(file(&path), &bad).expect("ours to break");
        let store = open(&path);
        for n in 0..ENTRIES {
            match store.get(&key(n)) {
                None => lost += 1,
                Some(found) => {
                    assert_eq!(*found, content(n), "byte {at} was flipped");
                    served += 1;
                }
            }
        }
        // All that was found so far is checked: one entry at least is gone.
        assert!(
            (0..ENTRIES).any(|n| store.get(&key(n)).is_none()),
            "byte {at}"
        );
    }
    assert!(lost > 0 && served > 0, "{lost} lost, {served} served");
}

#[test]
fn no_truncated_file_is_served_beyond_its_end() {
    const ENTRIES: u32 = 3;
    let (_keep, path) = directory();
    fill(&path, ENTRIES);
    let good = fs::read(file(&path)).expect("it was written");
    for length in 0..good.len() {
        fs::write(file(&path), &good[..length]).expect("ours to break");
        let store = open(&path);
        let found: Vec<_> = (0..ENTRIES)
            .filter_map(|n| store.get(&key(n)).map(|c| (n, c)))
            .collect();
        assert!(found.len() < ENTRIES as usize, "{length} bytes");
        for (n, found) in found {
            assert_eq!(*found, content(n), "{length} bytes");
        }
    }
}

#[test]
fn an_entry_under_anothers_key_is_not_served() {
    let (_keep, path) = directory();
    {
        let store = open(&path);
        store.insert(key(0), &[1; 64]);
        store.insert(key(1), &[2; 64]);
    }
    // Both contents are as long: exchange them, index and all else as it was.
    let mut bytes = fs::read(file(&path)).expect("it was written");
    let start = bytes.len() - 128;
    let (first, second) = bytes[start..].split_at_mut(64);
    first.swap_with_slice(second);
    fs::write(file(&path), &bytes).expect("ours to break");
    let store = open(&path);
    assert_eq!((store.get(&key(0)), store.get(&key(1))), (None, None));
    assert_eq!(store.statistics().damaged, 2);
}

#[test]
fn a_damaged_file_is_replaced_by_a_good_one() {
    let (_keep, path) = directory();
    fill(&path, 2);
    fs::write(file(&path), b"no such thing").expect("ours to break");
    fill(&path, 3);
    let store = open(&path);
    assert!((0..3).all(|n| store.get(&key(n)).is_some()));
}

#[test]
fn what_other_users_can_write_to_is_refused() {
    let refused = |path: &Path| {
        matches!(
            CodeStore::open(path, build(), options()),
            Err(StoreError::Untrusted { .. })
        )
    };
    let (_keep, path) = directory();
    fill(&path, 1);
    let chmod = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    chmod(&file(&path), 0o620);
    assert!(refused(&path), "a file that the group can write to");
    chmod(&file(&path), 0o600);
    chmod(&path, 0o702);
    assert!(refused(&path), "a directory that all can write to");
    chmod(&path, 0o755);
    assert!(!refused(&path), "others may look");
    let link = path.with_file_name("link");
    symlink(&path, &link).expect("a link");
    assert!(refused(&link), "a link to a directory");
    let elsewhere = path.join("elsewhere");
    fs::rename(file(&path), &elsewhere).expect("ours");
    symlink(&elsewhere, file(&path)).expect("a link");
    assert!(refused(&path), "a link to a file");
    fs::remove_file(file(&path)).expect("ours");
    fs::create_dir(file(&path)).expect("ours");
    assert!(refused(&path), "no file at all");
}

/// Only root can give files away; for others, a directory of root's is the other user's.
#[test]
fn what_belongs_to_another_user_is_refused() {
    let (_keep, path) = directory();
    fill(&path, 1);
    let refused = |path: &Path| CodeStore::open(path, build(), options()).is_err();
    if std::os::unix::fs::chown(file(&path), Some(12345), None).is_ok() {
        assert!(refused(&path), "a file");
        fs::remove_file(file(&path)).expect("root may");
        std::os::unix::fs::chown(&path, Some(12345), None).expect("it worked before");
        assert!(refused(&path), "a directory");
    } else {
        assert!(refused(Path::new("/usr")));
    }
}

#[test]
fn two_stores_that_write_keep_each_others_entries() {
    let (_keep, path) = directory();
    let (first, second) = (open(&path), open(&path));
    for n in 0..10 {
        first.insert(key(n), &content(n));
        second.insert(key(10 + n), &content(10 + n));
    }
    std::thread::scope(|scope| {
        for store in [&first, &second] {
            scope.spawn(|| {
                for round in 0..20 {
                    store.flush().expect("it is ours");
                    let n = 100 + round;
                    store.insert(key(n), &content(n));
                }
            });
        }
    });
    drop((first, second));
    let store = open(&path);
    for n in (0..20).chain(100..120) {
        assert_eq!(store.get(&key(n)).as_deref(), Some(&content(n)[..]), "{n}");
    }
    let left: Vec<_> = fs::read_dir(&path)
        .expect("ours")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    assert_eq!(left.len(), 2, "the file and the lock: {left:?}");
}

#[test]
fn the_bound_holds_and_what_is_used_stays() {
    const MAX: u64 = 64 << 10;
    let (_keep, path) = directory();
    let bounded = StoreOptions {
        max_bytes: MAX,
        ..options()
    };
    let open = || CodeStore::open(&path, build(), bounded).expect("it is ours");
    open().insert(key(0), &[0; 1000]);
    for round in 1..40 {
        let store = open();
        assert!(store.get(&key(0)).is_some(), "round {round}");
        for n in 0..10 {
            store.insert(key(round * 10 + n), &[n as u8; 1000]);
        }
        drop(store);
        let size = fs::metadata(file(&path)).expect("written").len();
        assert!(size <= MAX, "{size} bytes");
    }
    let store = open();
    assert!(store.get(&key(0)).is_some(), "it was used every time");
    assert!(store.get(&key(399)).is_some(), "it is new");
    assert!(store.get(&key(10)).is_none(), "it is old");
    // More at once than may wait.
    for n in 1000..1100 {
        store.insert(key(n), &[1; 1000]);
    }
    assert!(store.statistics().refused > 0);
}

#[test]
fn files_of_other_builds_go_first_and_the_longest_unused_before_the_others() {
    let (_keep, path) = directory();
    fill(&path, 1);
    for (name, age) in [("old", 300), ("new", 100)] {
        let path = path.join(format!("{name}.code"));
        fs::write(&path, vec![0; 6000]).expect("ours");
        let file = fs::File::options().write(true).open(&path).expect("ours");
        file.set_modified(SystemTime::now() - Duration::from_secs(age))
            .expect("ours");
    }
    fs::write(path.join("x.code.partial"), b"left behind").expect("ours");
    let store = CodeStore::open(
        &path,
        build(),
        StoreOptions {
            max_bytes: 10_000,
            ..options()
        },
    )
    .expect("it is ours");
    store.insert(key(9), &[0; 2000]);
    store.flush().expect("written");
    assert!(file(&path).exists() && path.join("new.code").exists());
    assert!(!path.join("old.code").exists());
    assert!(!path.join("x.code.partial").exists());
}

#[test]
fn a_batch_is_written_without_being_asked_for() {
    let (_keep, path) = directory();
    let store = CodeStore::open(
        &path,
        build(),
        StoreOptions {
            batch_bytes: 1,
            ..options()
        },
    )
    .expect("it is ours");
    store.insert(key(0), &content(0));
    while store.statistics().writes == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(open(&path).get(&key(0)).as_deref(), Some(&content(0)[..]));
    assert_eq!(store.get(&key(0)).as_deref(), Some(&content(0)[..]));
}

#[test]
fn a_store_that_another_process_keeps_locked_gives_up() {
    let (_keep, path) = directory();
    let store = open(&path);
    store.insert(key(0), &content(0));
    let lock = fs::File::create(path.join("lock")).expect("ours");
    fs::set_permissions(path.join("lock"), fs::Permissions::from_mode(0o600)).expect("ours");
    lock.lock().expect("nobody holds it");
    assert!(matches!(store.flush(), Err(StoreError::Busy { .. })));
    drop(lock);
    store.flush().expect("it is free again");
}

/// A FIFO in the place of a file must not hold up a guest that starts, nor the store's thread.
#[test]
fn a_fifo_or_a_device_in_the_place_of_a_file_is_refused() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (_keep, path) = directory();
    fill(&path, 1);
    let untrusted = |error: Option<StoreError>| {
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("it is not a regular file"), "{said:?}");
    };
    let fifo = |path: &Path| {
        fs::remove_file(path).expect("ours");
        host_fixtures::fifo(path);
    };
    let store = open(&path);
    store.insert(key(7), b"code");
    fifo(&path.join("lock"));
    untrusted(store.flush().err());
    fs::remove_file(path.join("lock")).expect("ours");
    drop(store);
    fifo(&file(&path));
    untrusted(CodeStore::open(&path, build(), options()).err());
    // What would come here from /dev/zero has no end. Only the superuser can make such a node.
    let zero = rustix::fs::makedev(1, 5);
    fs::remove_file(file(&path)).expect("ours");
    let made = mknodat(
        CWD,
        file(&path),
        FileType::CharacterDevice,
        Mode::RUSR,
        zero,
    );
    if made.is_err() {
        eprintln!("skipped: only the superuser can make a device node");
        return;
    }
    untrusted(CodeStore::open(&path, build(), options()).err());
}
