//! The General Decimal Arithmetic test vectors, which the processor's decimal arithmetic is tested
//! with: part of the package of Python's own test suite.
//!
//! Result: the directory `vectors` of `*.decTest` files, and `manifest.json`.

use std::fs;
use std::path::Path;

use crate::apt::ForeignApt;
use crate::cache::{Cache, write_durably};
use crate::{Error, Progress, Result, inputs, unpack};

/// The directory of the vectors in the result.
pub(crate) const VECTORS: &str = "vectors";
/// Where a package keeps Python's library.
const LIBRARY: &str = "usr/lib";
/// The folder of the vectors in a Python's tests.
const IN_TESTS: &str = "test/decimaltestdata";

/// Fetches the test suite's package and takes the vectors out of it, into `at`.
pub(crate) fn build(at: &Path, cache: &Cache, progress: &Progress) -> Result<()> {
    let log = at.join("build.log");
    let _lock = cache.lock("apt", progress)?;
    let apt = ForeignApt::open(&cache.root().join("apt"), &log, progress)?;
    let library = apt.dependency(inputs::PYTHON_PACKAGE, "libpython3.")?;
    let package = library.replace("-stdlib", "-testsuite");
    let file = apt.fetch_alone(&package, progress)?;

    let step = "Unpacking the decimal test vectors";
    progress.step(step, 0);
    unpack::folder(&file, LIBRARY, at, step, &log)?;
    let library = at.join(LIBRARY);
    let lacks = || Error::PackageLacks {
        package: package.clone(),
        wanted: format!("folder {IN_TESTS} of *.decTest files"),
    };
    let vectors = fs::read_dir(&library)
        .map_err(|_| lacks())?
        .flatten()
        .map(|python| python.path().join(IN_TESTS))
        .find(|path| path.join("ddAdd.decTest").is_file())
        .ok_or_else(lacks)?;
    let target = at.join(VECTORS);
    fs::rename(&vectors, &target).map_err(Error::io("move", &vectors))?;
    let usr = at.join("usr");
    fs::remove_dir_all(&usr).map_err(Error::io("delete", &usr))?;
    let manifest =
        serde_json::json!({ "package": file.file_name().map(|name| name.to_string_lossy()) });
    write_durably(
        &at.join("manifest.json"),
        format!("{manifest:#}\n").as_bytes(),
    )?;
    apt.clean()
}
