//! Where the files of a guest's NVDIMMs are on this side. Only who receives says that: a path that
//! came from the source names nothing here but the last part of a file's name, in a directory that
//! the receiver has named.

use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

use papr_scm::nvdimm::{NvdimmConfig, OpenNvdimm};
use paprika_migration::Problem;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, open, openat2};
use rustix::io::Errno;

use super::backing;
use crate::machine::state::{Description, NvdimmDescription, Refusal};
use crate::snapshot::NvdimmChange;

/// Gives each device of `here` its file on this side: the one that a change names, else the one of
/// the same name in `directory`. The files are not looked at.
pub(super) fn find(
    here: &mut Description,
    configs: &mut [NvdimmConfig],
    changes: &[NvdimmChange],
    directory: Option<&Path>,
) -> Result<(), Problem> {
    for (device, config) in here.nvdimms.iter_mut().zip(configs) {
        let sized = config.size.filter(|&size| size != device.size);
        if let Some(size) = sized {
            return Err(Problem::new(Refusal::Nvdimm {
                id: device.id.clone(),
                what: "size",
                saved: device.size.to_string(),
                here: size.to_string(),
            }));
        }
        // With a size, a file that vanishes would be made anew, and empty.
        config.size = None;
        if names_file(changes, &device.id) {
            continue;
        }
        let (path, _) = in_directory(device, directory)?;
        device.path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        config.path = path;
    }
    Ok(())
}

/// Whether one of the changes says where a device's file is.
fn names_file(changes: &[NvdimmChange], id: &str) -> bool {
    changes
        .iter()
        .any(|change| change.id() == id && change.names_file())
}

/// A device's file in the directory that the receiver has named: its path, and the file itself, not
/// open for reading or writing. It must be there, and be no symbolic link.
fn in_directory(
    device: &NvdimmDescription,
    directory: Option<&Path>,
) -> Result<(PathBuf, OwnedFd), Problem> {
    let NvdimmDescription { id, path, .. } = device;
    let directory = directory.ok_or_else(|| {
        Problem(format!(
            "nvdimm {id}: this side was not told where its file is (at the source it is {}); start `paprika receive` with --nvdimm id={id},path=FILE, or with --nvdimm-dir and the directory that it is in",
            path.display()
        ))
    })?;
    // A name alone: no directory, no `..`, no root.
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => name,
        _ => {
            return Err(Problem(format!(
                "nvdimm {id}: the source names no file of it ({}); say where it is with --nvdimm id={id},path=FILE",
                path.display()
            )));
        }
    };
    let found = directory.join(name);
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let parent = open(directory, flags | OFlags::DIRECTORY, Mode::empty()).map_err(|error| {
        Problem(format!(
            "--nvdimm-dir {} can't be opened: {error}",
            directory.display()
        ))
    })?;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(&parent, name, flags, Mode::empty(), beneath) {
        Ok(file) => Ok((found, file)),
        Err(Errno::LOOP) => Err(Problem(format!(
            "nvdimm {id}: {} is a symbolic link, and none is followed for a source; say where its file is with --nvdimm id={id},path=FILE",
            found.display()
        ))),
        Err(error) => Err(Problem::new(Refusal::of_backing(id, &found, &error.into()))),
    }
}

/// Looks at the files of a machine's devices by their paths, while the source still writes to them:
/// whether they are there, and as long as they should be.
pub(super) fn look_ahead(here: &mut Description) -> Result<(), Problem> {
    for device in &mut here.nvdimms {
        let found = backing::of_path(&device.path)
            .map_err(|error| Problem::new(Refusal::of_backing(&device.id, &device.path, &error)))?;
        device.size = found.length.saturating_sub(device.label_size);
        // What else there is to know of it counts when nobody writes to it.
        device.backing = None;
    }
    Ok(())
}

/// Looks at the files themselves that were opened, and that nobody else can write to now. `offered`
/// is the machine in the source's words.
pub(super) fn look(
    here: &mut Description,
    opened: &[OpenNvdimm],
    offered: &Description,
    changes: &[NvdimmChange],
    directory: Option<&Path>,
) -> Result<(), Problem> {
    for device in &mut here.nvdimms {
        let open = opened.iter().find(|it| it.config.id == device.id);
        let file = open.and_then(|it| it.backing.sync_fd(0));
        let unknown = |words: &dyn std::fmt::Display| {
            Problem::new(Refusal::UnreadableBacking {
                id: device.id.clone(),
                path: device.path.clone(),
                error: words.to_string(),
            })
        };
        let file = file.ok_or_else(|| unknown(&"it is no file"))?;
        let theirs = offered.nvdimms.iter().find(|it| it.id == device.id);
        if let Some(theirs) = theirs.filter(|it| !names_file(changes, &it.id)) {
            // They were opened by path: what is there must not have become a symbolic link
            // meanwhile.
            let (_, beneath) = in_directory(theirs, directory)?;
            let which = |file: &dyn AsFd| -> Result<_, Problem> {
                let stat = fstat(file.as_fd()).map_err(|error| unknown(&error))?;
                Ok((stat.st_dev, stat.st_ino))
            };
            if which(&beneath)? != which(&file)? {
                return Err(unknown(&"it was exchanged while it was opened"));
            }
        }
        let found = backing::of_file(file).map_err(|error| unknown(&error))?;
        device.size = found.length.saturating_sub(device.label_size);
        device.backing = Some(found);
    }
    Ok(())
}
