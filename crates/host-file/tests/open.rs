//! Nothing that a path can name makes an open wait, and what is of the wrong kind is named.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use host_file::{
    Access, Distrust, Kind, OpenError, Owner, directory, directory_at, distrust, regular,
};
use host_fixtures::fifo;
use rustix::fs::{CWD, OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};

fn kind_of(result: Result<File, OpenError>) -> Kind {
    match result {
        Err(OpenError::WrongKind { found, .. }) => found,
        other => panic!("opened, or another error: {other:?}"),
    }
}

const EVERY: [Access; 5] = [
    Access::READ,
    Access::WRITE,
    Access::READ_WRITE,
    Access::APPEND.or_create(0o600),
    Access::READ.direct(),
];

#[test]
fn what_is_no_regular_file_is_named_whatever_it_is_opened_for() {
    let place = tempfile::tempdir().expect("directory");
    let at = |name: &str| place.path().join(name);
    fifo(at("fifo"));
    let _listener = UnixListener::bind(at("socket")).expect("socket");
    symlink(at("fifo"), at("link")).expect("link");
    for access in EVERY {
        for (path, kind) in [
            (at("fifo"), Kind::Fifo),
            (at("link"), Kind::Fifo),
            (at("socket"), Kind::Socket),
            (place.path().to_owned(), Kind::Directory),
            ("/dev/zero".into(), Kind::CharacterDevice),
            ("/dev/tty".into(), Kind::CharacterDevice),
        ] {
            assert_eq!(kind_of(regular(&path, access)), kind, "{access:?}");
        }
    }
    let said = regular(at("fifo"), Access::READ).expect_err("refused");
    assert_eq!(said.to_string(), "it is a FIFO, not a regular file");
}

#[test]
fn a_fifo_that_takes_the_place_of_a_file_between_look_and_open_is_not_waited_for() {
    // As a race would have it, many times: whichever comes out, the call returns.
    let place = tempfile::tempdir().expect("directory");
    let (path, other) = (place.path().join("it"), place.path().join("other"));
    fs::write(&path, "x").expect("file");
    fifo(&other);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            for _ in 0..2000 {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, &path, CWD, &other, flags).expect("exchanged");
            }
        });
        while !swapping.is_finished() {
            for access in [Access::READ, Access::WRITE] {
                if let Ok(file) = regular(&path, access) {
                    assert!(file.metadata().expect("metadata").is_file());
                }
            }
        }
    });
}

#[test]
fn a_symbolic_link_is_followed_unless_it_is_not_to_be() {
    let place = tempfile::tempdir().expect("directory");
    let (file, link) = (place.path().join("file"), place.path().join("link"));
    fs::write(&file, "content").expect("file");
    symlink(&file, &link).expect("link");
    let mut content = String::new();
    regular(&link, Access::READ)
        .expect("followed")
        .read_to_string(&mut content)
        .expect("text");
    assert_eq!(content, "content");
    let refused = regular(&link, Access::READ.no_follow());
    assert_eq!(kind_of(refused), Kind::SymbolicLink);
    symlink(place.path(), place.path().join("way")).expect("link");
    assert!(directory(place.path().join("way")).is_ok());
    let here = directory(place.path()).expect("directory");
    assert_eq!(kind_of(directory_at(&here, "way")), Kind::SymbolicLink);
    assert_eq!(kind_of(directory(&file)), Kind::Regular);
}

#[test]
fn a_new_file_has_its_permissions_and_is_never_one_that_was_there() {
    let place = tempfile::tempdir().expect("directory");
    let path = place.path().join("new");
    let access = Access::READ_WRITE.create_new(0o600);
    let mut file = regular(&path, access).expect("made");
    file.write_all(b"x").expect("written");
    let mode = file.metadata().expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = regular(&path, access).expect_err("there").kind();
    assert_eq!(refused, ErrorKind::AlreadyExists);
    // Also where a link leads nowhere: it is not made at its end.
    symlink(place.path().join("end"), place.path().join("dangling")).expect("link");
    assert!(regular(place.path().join("dangling"), access).is_err());
    assert!(!place.path().join("end").exists());
    let missing = regular(place.path().join("missing"), Access::READ);
    assert_eq!(missing.expect_err("missing").kind(), ErrorKind::NotFound);
}

#[test]
fn an_opened_file_is_closed_in_children_and_does_not_wait() {
    let file = regular("/proc/self/status", Access::READ).expect("Linux has it");
    assert!(
        fcntl_getfd(&file)
            .expect("flags")
            .contains(FdFlags::CLOEXEC)
    );
    let flags = fcntl_getfl(&file).expect("flags");
    assert!(flags.contains(OFlags::NONBLOCK));
}

#[test]
fn what_others_can_write_to_or_own_is_not_trusted() {
    let place = tempfile::tempdir().expect("directory");
    let both = || {
        let opened = directory(place.path()).expect("directory");
        [Owner::User, Owner::UserOrSuperuser]
            .map(|owner| distrust(&opened, owner).expect("metadata"))
    };
    assert_eq!(both(), [None; 2]);
    for mode in [0o720, 0o702] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).expect("mode");
        assert_eq!(both(), [Some(Distrust::OthersWrite); 2], "{mode:o}");
    }
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).expect("mode");
    if std::os::unix::fs::chown(place.path(), Some(65_534), None).is_err() {
        eprintln!("skipped: only the superuser can give a directory to another user");
        return;
    }
    assert_eq!(both(), [Some(Distrust::OtherOwner); 2]);
}
