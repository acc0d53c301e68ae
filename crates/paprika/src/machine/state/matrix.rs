//! Every combination of machine type, sync-dax and what was announced, against what is expected, written out; and each other refusal.

use std::path::PathBuf;

use papr::MachineVersion;
use uuid::Uuid;

use super::compat::{Refusal, Warning, check};
use super::data::{BackingIdentity, Description, NvdimmDescription};

const GIB: u64 = 1 << 30;

fn nvdimm(sync_dax: bool, announced: bool) -> NvdimmDescription {
    NvdimmDescription {
        id: "pmem0".into(),
        slot: 3,
        uuid: Uuid::from_u128(7),
        guest_address: 2 * GIB,
        size: GIB,
        label_size: 128 << 10,
        numa_node: 0,
        read_only: false,
        sync_dax,
        announced,
        path: "/images/pmem0.img".into(),
        backing: Some(backing()),
    }
}

fn backing() -> BackingIdentity {
    BackingIdentity {
        inode: 11,
        length: GIB + (128 << 10),
        modified: (1_700_000_000, 5),
        changed: (1_700_000_000, 6),
        digest: None,
    }
}

fn machine(version: &str, nvdimm: NvdimmDescription) -> Description {
    Description {
        machine: version.into(),
        cpus: 2,
        memory: GIB,
        name: "guest".into(),
        uuid: Uuid::from_u128(1),
        nvdimms: vec![nvdimm],
    }
}

/// What became of a combination, in a word or two.
fn verdict(result: Result<Vec<Warning>, Refusal>) -> String {
    let warnings = match result {
        Ok(warnings) => warnings,
        Err(Refusal::OlderMachine { told: Some(_), .. }) => return "older, told".into(),
        Err(Refusal::OlderMachine { told: None, .. }) => return "older".into(),
        Err(Refusal::SyncDaxTurnedOn { told: true, .. }) => return "turned on, told".into(),
        Err(Refusal::SyncDaxTurnedOn { told: false, .. }) => return "turned on".into(),
        Err(Refusal::Contradiction(_)) => return "damaged".into(),
        Err(other) => return other.to_string(),
    };
    let words = warnings.iter().map(|warning| match warning {
        Warning::NewerMachine { .. } => "newer",
        Warning::NotTold {
            told_at_boot: true, ..
        } => "not told yet",
        Warning::NotTold {
            told_at_boot: false,
            ..
        } => "never told",
        Warning::TouchedBacking { .. } => "touched",
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        "good".into()
    } else {
        words.join(", ")
    }
}

#[test]
fn the_whole_matrix_of_machine_type_sync_dax_and_announcement_is_as_documented() {
    // Saved: machine type, sync-dax, told to flush; here: machine type, sync-dax.
    let expected = "
        1.0 off untold -> 1.0 off: good
        1.0 off untold -> 1.0 on:  turned on
        1.0 off untold -> 1.1 off: newer, not told yet
        1.0 off untold -> 1.1 on:  turned on
        1.0 off told   -> 1.0 off: damaged
        1.0 off told   -> 1.0 on:  damaged
        1.0 off told   -> 1.1 off: damaged
        1.0 off told   -> 1.1 on:  damaged
        1.0 on  untold -> 1.0 off: never told
        1.0 on  untold -> 1.0 on:  good
        1.0 on  untold -> 1.1 off: newer, not told yet
        1.0 on  untold -> 1.1 on:  newer
        1.0 on  told   -> 1.0 off: damaged
        1.0 on  told   -> 1.0 on:  damaged
        1.0 on  told   -> 1.1 off: damaged
        1.0 on  told   -> 1.1 on:  damaged
        1.1 off untold -> 1.0 off: older
        1.1 off untold -> 1.0 on:  older
        1.1 off untold -> 1.1 off: not told yet
        1.1 off untold -> 1.1 on:  turned on
        1.1 off told   -> 1.0 off: older, told
        1.1 off told   -> 1.0 on:  older, told
        1.1 off told   -> 1.1 off: good
        1.1 off told   -> 1.1 on:  turned on, told
        1.1 on  untold -> 1.0 off: older
        1.1 on  untold -> 1.0 on:  older
        1.1 on  untold -> 1.1 off: not told yet
        1.1 on  untold -> 1.1 on:  good
        1.1 on  told   -> 1.0 off: damaged
        1.1 on  told   -> 1.0 on:  damaged
        1.1 on  told   -> 1.1 off: damaged
        1.1 on  told   -> 1.1 on:  damaged";
    let mut found = String::new();
    let short = |version: MachineVersion| version.name().trim_start_matches("pseries-");
    let onoff = |on: bool| if on { "on" } else { "off" };
    for from in MachineVersion::ALL {
        for before in [false, true] {
            for announced in [false, true] {
                for to in MachineVersion::ALL {
                    for now in [false, true] {
                        let saved = machine(from.name(), nvdimm(before, announced));
                        let will_be = to.has_scm_flush() && !now;
                        let here = machine(to.name(), nvdimm(now, will_be));
                        let verdict = verdict(check(&saved, &here));
                        let told = if announced { "told" } else { "untold" };
                        found.push_str(&format!(
                            "\n        {} {:<3} {told:<6} -> {} {:<4} {verdict}",
                            short(from),
                            onoff(before),
                            short(to),
                            format!("{}:", onoff(now)),
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(found, expected, "{found}");
}

/// What is said where one thing differs; the empty text where nothing is.
fn said(change: impl FnOnce(&mut Description)) -> String {
    let saved = machine("pseries-1.1", nvdimm(false, true));
    let mut here = saved.clone();
    change(&mut here);
    match check(&saved, &here) {
        Ok(warnings) => warnings.iter().map(ToString::to_string).collect(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn what_the_guest_relies_on_must_be_as_it_was_and_the_sentence_names_it() {
    let device = |change: fn(&mut NvdimmDescription)| said(|here| change(&mut here.nvdimms[0]));
    let file = |change: fn(&mut BackingIdentity)| {
        said(|here| here.nvdimms[0].backing.iter_mut().for_each(change))
    };
    for (found, words) in [
        (
            said(|here| here.cpus = 4),
            "CPUs: 2, and this machine has 4",
        ),
        (
            said(|here| here.memory = 2 * GIB),
            "bytes of memory: 1073741824",
        ),
        (said(|here| here.name = "other".into()), "the name guest"),
        (said(|here| here.uuid = Uuid::nil()), "the uuid"),
        (
            said(|here| here.machine = "pseries-7.0".into()),
            "does not know the machine type \"pseries-7.0\"",
        ),
        (
            said(|here| here.nvdimms.clear()),
            "nvdimm pmem0 (slot 3) is missing here",
        ),
        (
            said(|here| {
                here.nvdimms.push(NvdimmDescription {
                    id: "more".into(),
                    ..here.nvdimms[0].clone()
                })
            }),
            "nvdimm more is not one that the guest has",
        ),
        (
            device(|it| it.slot = 4),
            "slot is 3 for the running guest and can't become 4",
        ),
        (device(|it| it.uuid = Uuid::nil()), "uuid is"),
        (
            device(|it| it.label_size = 256 << 10),
            "label-size is 131072",
        ),
        (device(|it| it.numa_node = 1), "numa-node is 0"),
        (device(|it| it.read_only = true), "readonly is off"),
        (
            device(|it| it.guest_address = GIB),
            "the guest's address is 0x80000000",
        ),
        (
            device(|it| it.size = GIB / 2),
            "has 536870912 bytes of data, fewer than the 1073741824",
        ),
        (device(|it| it.size = 2 * GIB), "more than the 1073741824"),
        (
            file(|it| it.inode = 12),
            "not the file that the guest was saved with",
        ),
        (
            file(|it| it.modified.1 += 1),
            "was written to after the guest was saved",
        ),
        (
            file(|it| it.length += 1),
            "was written to after the guest was saved",
        ),
        (
            file(|it| it.changed.1 += 1),
            "was renamed, linked or given other attributes",
        ),
    ] {
        assert!(found.contains(words), "{words:?}: {found:?}");
    }
    let unchanged: [fn(&mut Description); 4] = [
        |_| {},
        |here| here.nvdimms[0].path = PathBuf::from("/elsewhere"),
        // What the file is like can be out of the question, as in a migration.
        |here| here.nvdimms[0].backing = None,
        // Whether it will be announced follows from the rest.
        |here| here.nvdimms[0].announced = false,
    ];
    for change in unchanged {
        assert_eq!(said(change), "");
    }
}

#[test]
fn a_file_that_nothing_is_known_of_is_refused() {
    let saved = machine("pseries-1.1", nvdimm(false, true));
    let mut silent = saved.clone();
    silent.nvdimms[0].backing = None;
    assert!(matches!(
        check(&silent, &saved),
        Err(Refusal::UnknownBacking { .. })
    ));
    assert_eq!(check(&silent, &silent), Ok(vec![]), "no file is looked at");
}

#[test]
fn where_the_contents_are_known_only_they_count() {
    let with = |digest: &str, inode| {
        let mut it = machine("pseries-1.1", nvdimm(false, true));
        it.nvdimms[0].backing = Some(BackingIdentity {
            digest: Some(digest.into()),
            inode,
            ..backing()
        });
        it
    };
    assert_eq!(check(&with("aa", 1), &with("aa", 2)), Ok(vec![]));
    assert!(matches!(
        check(&with("aa", 1), &with("ab", 1)),
        Err(Refusal::ChangedBacking { .. })
    ));
}
