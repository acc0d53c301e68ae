//! Which file of a crate uses which, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::tree::{Module, Tree};

/// Files and who uses whom.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    /// For each pair (user, used): the names by which.
    edges: BTreeMap<(&'a Path, &'a Path), BTreeSet<String>>,
}

/// Files that use one another in a circle, directly or not.
#[derive(Debug)]
pub(super) struct Cycle {
    edges: Vec<(PathBuf, PathBuf, Vec<String>)>,
}

impl<'a> Graph<'a> {
    /// Of a crate's modules.
    pub(super) fn of(tree: &'a Tree) -> Self {
        let mut edges: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (id, module) in tree.modules.iter().enumerate() {
            for names in &module.uses {
                let Some(target) = tree.resolve(id, names) else {
                    continue;
                };
                let target = &tree.modules[target];
                if module.file == target.file || related(module, target) {
                    continue;
                }
                let name = names.last().cloned().unwrap_or_default();
                let edge = (module.file.as_path(), target.file.as_path());
                edges.entry(edge).or_default().insert(name);
            }
        }
        Graph { edges }
    }

    /// Files that reach one another, at least two at a time. There are some hundred files in a
    /// crate at most, so each file's reach is simply walked.
    fn circles(&self) -> BTreeSet<BTreeSet<&'a Path>> {
        let files: BTreeSet<&Path> = self.edges.keys().map(|(user, _)| *user).collect();
        let reach: BTreeMap<_, _> = files.iter().map(|file| (*file, self.reach(file))).collect();
        let circle = |file: &&'a Path| {
            let others = reach[file].iter().copied();
            others
                .filter(|other| reach.get(other).is_some_and(|back| back.contains(file)))
                .collect::<BTreeSet<_>>()
        };
        files
            .iter()
            .map(circle)
            .filter(|files| files.len() > 1)
            .collect()
    }

    /// The files that `file` uses, directly or not.
    fn reach(&self, file: &'a Path) -> BTreeSet<&'a Path> {
        let mut reached = BTreeSet::new();
        let mut left = vec![file];
        while let Some(user) = left.pop() {
            let used = self.edges.keys().filter(|(from, _)| *from == user);
            left.extend(used.map(|(_, to)| *to).filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// The circles: none shares a file with another.
    pub(super) fn cycles(&self) -> Vec<Cycle> {
        let circles = self.circles();
        let circles = circles.into_iter();
        circles
            .map(|files| {
                let inside = |(a, b): &(&Path, &Path)| files.contains(a) && files.contains(b);
                let edges = self.edges.iter().filter(|(edge, _)| inside(edge));
                let edges = edges.map(|((user, used), names)| {
                    let names = names.iter().cloned().collect();
                    (user.to_path_buf(), used.to_path_buf(), names)
                });
                Cycle {
                    edges: edges.collect(),
                }
            })
            .collect()
    }
}

/// Whether one is inside the other.
fn related(a: &Module, b: &Module) -> bool {
    a.path.starts_with(&b.path) || b.path.starts_with(&a.path)
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: BTreeSet<_> = self.edges.iter().map(|(user, ..)| user).collect();
        writeln!(f, "a circle of {} files:", files.len())?;
        for (user, used, names) in &self.edges {
            let names = names.join(", ");
            writeln!(f, "  {} uses {} ({names})", user.display(), used.display())?;
        }
        Ok(())
    }
}
