//! Import cycles: whether files of one crate use one another in a circle.
//!
//! A file that uses another depends on it. Where the arrows go one way, a reader can begin at the
//! bottom, and a file can be moved or tested without the rest. A module and those inside it may
//! know one another; everything else has to be free of circles.
//!
//! - `tree`: the modules of a crate, and what each defines and imports;
//! - `graph`: which file uses which, and the circles in that.

mod graph;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use crate::steps::{Failure, file_error};
use graph::Graph;
use tree::Tree;

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Folders of crates, and crates.
const CRATES: [&str; 4] = ["crates/*", "tests/differential", "tests/real", "xtask"];

/// Looks at every crate of the workspace, and names each circle.
///
/// # Errors
/// [`Failure::Cycles`] where there are any; files that can't be read.
pub(crate) fn check() -> Result<(), Failure> {
    let mut found = Vec::new();
    let (mut crates, mut files) = (0, 0);
    for root in roots(Path::new(ROOT))? {
        let tree = Tree::read(&root)?;
        let graph = Graph::of(&tree);
        crates += 1;
        files += tree.files().len();
        found.extend(graph.cycles().iter().map(|cycle| cycle.to_string()));
    }
    println!("{files} files of {crates} crates");
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Cycles(found.join("\n")))
}

/// The root files of all crates: libraries and programs.
fn roots(repository: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = Vec::new();
    for pattern in CRATES {
        let path = repository.join(pattern.trim_end_matches("/*"));
        if !pattern.ends_with("/*") {
            folders.push(path);
            continue;
        }
        for entry in fs::read_dir(&path).map_err(file_error("listed", &path))? {
            folders.push(entry.map_err(file_error("listed", &path))?.path());
        }
    }
    folders.sort();
    let all = folders
        .into_iter()
        .flat_map(|folder| ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)));
    Ok(all.filter(|file| file.is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate of these files in a temporary directory, and the circles in it.
    fn cycles(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file lies in a folder"))
                .and_then(|()| fs::write(&path, text))
                .expect("a file of the test");
        }
        let tree = Tree::read(&folder.path().join("lib.rs")).expect("the crate of the test");
        let cycles = Graph::of(&tree).cycles();
        let prefix = format!("{}/", folder.path().display());
        cycles
            .iter()
            .map(|it| it.to_string().replace(&prefix, ""))
            .collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let found = cycles(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f(_: super::a::A) {}"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("a.rs uses b.rs (B)"), "{}", found[0]);
        assert!(found[0].contains("b.rs uses a.rs (A)"), "{}", found[0]);
    }

    #[test]
    fn a_name_that_a_folder_hands_on_belongs_to_the_file_that_defines_it() {
        let found = cycles(&[
            ("lib.rs", "mod a; mod folder;"),
            ("a.rs", "use crate::folder::Inner; pub fn f(_: Inner) {}"),
            ("folder/mod.rs", "mod inner; pub use inner::*;"),
            (
                "folder/inner.rs",
                "pub struct Inner; fn g() { crate::a::f(Inner) }",
            ),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("folder/inner.rs"), "{}", found[0]);
    }

    #[test]
    fn parent_and_child_and_tests_may_know_one_another() {
        let found = cycles(&[
            ("lib.rs", "mod a; mod b; pub struct Root; use a::A;"),
            (
                "a.rs",
                "use crate::Root; pub struct A; #[cfg(test)] mod t { use crate::b::B; }",
            ),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_module_imported_by_name_is_looked_through() {
        let found = cycles(&[
            ("lib.rs", "mod a; mod folder;"),
            (
                "a.rs",
                "use crate::folder; pub fn f() { folder::inner::g() }",
            ),
            ("folder/mod.rs", "pub mod inner;"),
            ("folder/inner.rs", "pub fn g() { crate::a::f() }"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
