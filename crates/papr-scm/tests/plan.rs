//! What a user asks for is refused in a sentence, and a refused run leaves no trace.

use std::fs::{self, File};
use std::path::Path;

use host_fixtures::{SmallFileSystem, fifo};
use papr_scm::backing::Durability;
use papr_scm::nvdimm::{NvdimmConfig, Plan};
use tempfile::TempDir;

const SIZE: u64 = 256 << 20;
const LABEL: u64 = 128 << 10;

fn config(directory: &TempDir, text: &str) -> NvdimmConfig {
    text.replace("DIR", &directory.path().display().to_string())
        .parse()
        .expect("a good description")
}

fn image(path: &Path, length: u64) {
    File::create(path)
        .and_then(|file| file.set_len(length))
        .expect("a sparse file");
}

/// Names and lengths of what is in a directory.
fn contents(directory: &TempDir) -> Vec<(String, u64)> {
    let entries = fs::read_dir(directory.path()).expect("the directory");
    let mut contents: Vec<_> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.metadata().expect("its metadata").len(),
            )
        })
        .collect();
    contents.sort();
    contents
}

fn refused(directory: &TempDir, texts: &[&str]) -> String {
    let before = contents(directory);
    let configs = texts.iter().map(|text| config(directory, text)).collect();
    let result = Plan::new(configs).and_then(Plan::open);
    let error = result.expect_err("it should be refused").to_string();
    assert_eq!(contents(directory), before, "a refused run left a trace");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn a_missing_file_is_created_with_its_label_area_and_found_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let open = || {
        Plan::new(vec![config(&directory, "id=a,path=DIR/a.img,size=256M")])
            .expect("a plan")
            .open()
    };
    let mut opened = open().expect("a device");
    assert_eq!(contents(&directory), [("a.img".to_string(), SIZE + LABEL)]);
    let nvdimm = opened.pop().expect("a device");
    assert_eq!(
        (nvdimm.backing.region().len(), nvdimm.backing.label_size()),
        (SIZE, LABEL)
    );
    assert_eq!(nvdimm.backing.durability(), Durability::AfterSync);
    assert_eq!(nvdimm.warnings, []);
    nvdimm
        .backing
        .region()
        .write(SIZE - 1, &[9])
        .expect("in the region");
    drop(nvdimm);
    let again = open().expect("the same device");
    let mut byte = [0];
    again[0]
        .backing
        .region()
        .read(SIZE - 1, &mut byte)
        .expect("in the region");
    assert_eq!(byte, [9]);
}

#[test]
fn without_a_size_the_file_says_it() {
    let directory = tempfile::tempdir().expect("a directory");
    image(&directory.path().join("a.img"), 2 * SIZE + LABEL);
    let plan = Plan::new(vec![config(&directory, "id=a,path=DIR/a.img")]).expect("a plan");
    assert_eq!(plan.sizes(), [2 * SIZE]);
}

#[test]
fn a_plan_alone_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    Plan::new(vec![config(&directory, "id=a,path=DIR/a.img,size=256M")]).expect("a plan");
    assert_eq!(contents(&directory), []);
}

#[test]
fn sizes_that_do_not_match_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    image(&directory.path().join("a.img"), SIZE + LABEL);
    image(&directory.path().join("empty.img"), 0);
    image(&directory.path().join("odd.img"), SIZE);
    let text = refused(&directory, &["id=a,path=DIR/a.img,size=512M"]);
    assert!(
        text.contains(
            "has 268566528 bytes, but size=536870912 and label-size=131072 make 537001984"
        ),
        "{text}"
    );
    assert!(
        refused(&directory, &["id=a,path=DIR/a.img,label-size=256K"])
            .contains("not a multiple of 256M")
    );
    assert!(refused(&directory, &["id=a,path=DIR/empty.img,size=256M"]).contains("has 0 bytes"));
    assert!(refused(&directory, &["id=a,path=DIR/empty.img"]).contains("has 0 bytes"));
    assert!(refused(&directory, &["id=a,path=DIR/odd.img"]).contains("not a multiple of 256M"));
}

#[test]
fn a_file_that_another_monitor_has_is_refused_until_it_lets_go() {
    let directory = tempfile::tempdir().expect("a directory");
    image(&directory.path().join("a.img"), SIZE + LABEL);
    let open = || {
        Plan::new(vec![config(&directory, "id=a,path=DIR/a.img")])
            .expect("a plan")
            .open()
            .expect("a device")
    };
    let first = open();
    assert!(refused(&directory, &["id=b,path=DIR/a.img"]).contains("in use by another monitor"));
    assert!(
        refused(&directory, &["id=b,path=DIR/a.img,readonly=on"])
            .contains("in use by another monitor")
    );
    drop(first);
    open();
}

#[test]
fn readers_share_a_read_only_file_and_can_not_write_it() {
    let directory = tempfile::tempdir().expect("a directory");
    image(&directory.path().join("a.img"), SIZE + LABEL);
    let text = "id=a,path=DIR/a.img,readonly=on";
    let open = || {
        Plan::new(vec![config(&directory, text)])
            .expect("a plan")
            .open()
            .expect("a device")
    };
    let (first, _second) = (open(), open());
    assert!(!first[0].backing.region().writable());
    assert!(first[0].backing.region().write(0, &[1]).is_err());
    assert!(refused(&directory, &["id=b,path=DIR/a.img"]).contains("in use by another monitor"));
}

#[test]
fn the_same_thing_twice_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    image(&directory.path().join("a.img"), SIZE + LABEL);
    fs::hard_link(
        directory.path().join("a.img"),
        directory.path().join("link.img"),
    )
    .expect("a link");
    let uuid = "uuid=6d7b0a34-8d3c-4e0f-9a57-6f4e5a3c1d10";
    for (one, two, what) in [
        (
            "id=a,path=DIR/x,size=256M",
            "id=a,path=DIR/y,size=256M",
            "the same id (a)",
        ),
        (
            "id=a,path=DIR/x,size=256M",
            "id=b,path=DIR/./x,size=256M",
            "the same file",
        ),
        (
            "id=a,path=DIR/a.img",
            "id=b,path=DIR/link.img",
            "the same file",
        ),
        (
            &format!("id=a,path=DIR/x,size=256M,{uuid}"),
            &format!("id=b,path=DIR/y,size=256M,{uuid}"),
            "the same uuid",
        ),
        (
            "id=a,path=DIR/x,size=256M,slot=1",
            "id=b,path=DIR/y,size=256M,slot=1",
            "the same slot (1)",
        ),
    ] {
        let text = refused(&directory, &[one, two]);
        assert!(text.contains(what), "{text}");
    }
    assert!(
        refused(&directory, &["id=a,path=DIR/x,size=256M,slot=256"])
            .contains("slot 256 does not exist")
    );
}

#[test]
fn files_that_can_not_be_had_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("sub")).expect("a directory");
    assert!(
        refused(&directory, &["id=a,path=DIR/none.img"]).contains("does not exist; give size=")
    );
    assert!(
        refused(
            &directory,
            &["id=a,path=DIR/none.img,size=256M,readonly=on"]
        )
        .contains("does not exist")
    );
    assert!(
        refused(&directory, &["id=a,path=DIR/no/where.img,size=256M"]).contains("can't create")
    );
    assert!(refused(&directory, &["id=a,path=DIR/sub"]).contains("is a directory, not a regular"));
    // A program that runs can't be opened for writing by anyone, not even by root.
    let program = std::env::current_exe().expect("this program");
    let text = refused(&directory, &[&format!("id=a,path={}", program.display())]);
    assert!(text.contains("can't write"), "{text}");
}

#[test]
fn what_is_no_regular_file_is_refused_and_holds_nobody_up() {
    let directory = tempfile::tempdir().expect("a directory");
    fifo(directory.path().join("fifo"));
    for keys in ["", ",size=256M", ",readonly=on"] {
        for (path, kind) in [
            ("DIR/fifo", "a FIFO"),
            ("/dev/zero", "a character device"),
            ("/dev/null", "a character device"),
        ] {
            let text = refused(&directory, &[&format!("id=a,path={path}{keys}")]);
            let said = format!("is {kind}, not a regular file");
            assert!(text.contains(&said), "{text}");
        }
    }
}

#[test]
fn a_new_file_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let plan = Plan::new(vec![config(&directory, "id=a,path=DIR/a.img,size=256M")]);
    let _opened = plan.and_then(Plan::open).expect("a device");
    let metadata = directory.path().join("a.img").metadata().expect("a file");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

/// Bytes that a file has on its file system.
fn on_disk(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.metadata().expect("a file").blocks() * 512
}

#[test]
fn room_is_taken_beforehand_where_it_is_asked_for_and_contents_stay() {
    use std::os::unix::fs::FileExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("old.img");
    image(&path, SIZE + LABEL);
    let file = File::options().write(true).open(&path).expect("a file");
    file.write_all_at(b"content", 4096).expect("room");
    let texts = [
        "id=a,path=DIR/new.img,size=256M,prealloc=on",
        "id=b,path=DIR/old.img,prealloc=on",
        "id=c,path=DIR/sparse.img,size=256M",
    ];
    let configs = texts.map(|text| config(&directory, text)).to_vec();
    let opened = Plan::new(configs).and_then(Plan::open).expect("devices");
    for name in ["new.img", "old.img"] {
        assert!(on_disk(&directory.path().join(name)) >= SIZE, "{name}");
    }
    assert!(on_disk(&directory.path().join("sparse.img")) < SIZE / 2);
    let mut content = [0; 7];
    let region = opened[1].backing.region();
    region.read(4096, &mut content).expect("in the region");
    assert_eq!(&content, b"content");
}

#[test]
fn room_that_is_not_there_is_told_before_a_guest_finds_out() {
    let Some(small) = SmallFileSystem::mount(400) else {
        return;
    };
    let directory = small.directory();
    image(&directory.path().join("old.img"), SIZE + LABEL);
    image(&directory.path().join("large.img"), 2 * SIZE + LABEL);
    let text = refused(directory, &["id=a,path=DIR/a.img,size=512M,prealloc=on"]);
    assert!(text.contains("lacks 513 MiB"), "{text}");
    assert!(
        text.contains("make room there, or leave prealloc=on out"),
        "{text}"
    );
    // Of two devices the first finds room and the second does not: both are as before.
    let text = refused(
        directory,
        &[
            "id=a,path=DIR/old.img,prealloc=on",
            "id=b,path=DIR/large.img,prealloc=on",
        ],
    );
    assert!(text.contains("nvdimm b"), "{text}");
    assert_eq!(on_disk(&directory.path().join("old.img")), 0);
    // Without it there is a warning.
    let opened = |text: &str| {
        let plan = Plan::new(vec![config(directory, text)]);
        plan.and_then(Plan::open).expect("a device").remove(0)
    };
    assert_eq!(opened("id=a,path=DIR/old.img").warnings, []);
    assert_eq!(opened("id=a,path=DIR/large.img,readonly=on").warnings, []);
    let warnings = opened("id=a,path=DIR/large.img").warnings;
    let warning = warnings.first().expect("a warning").to_string();
    assert!(
        warning.contains("lacks 513 MiB") && warning.contains("has 400 MiB left"),
        "{warning}"
    );
    // Where it is taken, nothing lacks any more.
    assert_eq!(opened("id=a,path=DIR/old.img,prealloc=on").warnings, []);
}

#[test]
fn when_one_device_is_refused_none_is_created() {
    let directory = tempfile::tempdir().expect("a directory");
    refused(
        &directory,
        &["id=a,path=DIR/a.img,size=256M", "id=b,path=DIR/b.img"],
    );
    // The second passes the plan and fails at the host: no file system holds that much.
    let text = refused(
        &directory,
        &[
            "id=a,path=DIR/a.img,size=256M",
            "id=b,path=DIR/b.img,size=65535T",
        ],
    );
    assert!(
        text.contains("can't enlarge") || text.contains("can't map"),
        "{text}"
    );
}

#[test]
fn more_than_256_devices_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let texts: Vec<_> = (0..257)
        .map(|n| format!("id=d{n},path=DIR/{n},size=256M"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert!(refused(&directory, &texts).contains("257 nvdimms are more than"));
}

#[test]
fn sync_dax_over_an_ordinary_file_warns_that_data_can_be_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = Plan::new(vec![config(
        &directory,
        "id=a,path=DIR/a.img,size=256M,sync-dax=on",
    )])
    .expect("a plan");
    let opened = plan.open().expect("a device");
    let warning = opened[0].warnings[0].to_string();
    assert!(
        warning.contains("can be lost") && warning.lines().count() == 1,
        "{warning}"
    );
}
