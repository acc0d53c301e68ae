//! The modules of a crate as its source has them: what each defines, what it imports under which
//! name, and which paths it uses. Code of tests is left out, and so is what macros are given.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree};

use crate::steps::{Failure, file_error};

/// A path as it is written: its names.
pub(super) type Names = Vec<String>;
/// A module, by its place in [`Tree::modules`].
pub(super) type ModuleId = usize;
/// How many re-exports a name is followed through.
const DEPTH: u32 = 16;

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Names from the root of the crate.
    pub(super) path: Names,
    /// The file that it is written in.
    pub(super) file: PathBuf,
    /// Paths that it uses, imports among them.
    pub(super) uses: Vec<Names>,
    parent: Option<ModuleId>,
    children: HashMap<String, ModuleId>,
    items: HashSet<String>,
    imports: HashMap<String, Names>,
    globs: Vec<Names>,
}

/// All modules of a crate.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

impl Tree {
    /// The crate whose root is the file `root`.
    ///
    /// # Errors
    /// Files that can't be read or understood.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let mut tree = Tree::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        tree.add_file(root, folder, None, Names::new())?;
        Ok(tree)
    }

    /// The files of the crate, without tests'.
    pub(super) fn files(&self) -> HashSet<&Path> {
        self.modules
            .iter()
            .map(|module| module.file.as_path())
            .collect()
    }

    /// The module that defines what `names` means in `module`; `None` for names of other crates.
    pub(super) fn resolve(&self, module: ModuleId, names: &[String]) -> Option<ModuleId> {
        self.resolve_within(module, names, DEPTH)
    }

    fn resolve_within(&self, module: ModuleId, names: &[String], depth: u32) -> Option<ModuleId> {
        let depth = depth.checked_sub(1)?;
        let (first, mut rest) = names.split_first()?;
        let mut at = match first.as_str() {
            "crate" => 0,
            "self" => module,
            "super" => self.modules[module].parent?,
            name => {
                let here = &self.modules[module];
                if let Some(child) = here.children.get(name) {
                    *child
                } else {
                    let import = here.imports.get(name)?;
                    if import.first().is_some_and(|it| it == name) {
                        return None;
                    }
                    let long = [import.as_slice(), rest].concat();
                    return self.resolve_within(module, &long, depth);
                }
            }
        };
        while let Some((name, after)) = rest.split_first() {
            let here = &self.modules[at];
            if name == "super" {
                at = here.parent?;
            } else if let Some(child) = here.children.get(name) {
                at = *child;
            } else if let Some(import) = here.imports.get(name) {
                let long = [import.as_slice(), after].concat();
                return self.resolve_within(at, &long, depth).or(Some(at));
            } else if here.items.contains(name) {
                return Some(at);
            } else {
                let by_glob = here.globs.iter().find_map(|glob| {
                    let target = self.resolve_within(at, glob, depth)?;
                    self.modules[target].items.contains(name).then_some(target)
                });
                return Some(by_glob.unwrap_or(at));
            }
            rest = after;
        }
        Some(at)
    }

    fn add_file(
        &mut self,
        file: &Path,
        folder: PathBuf,
        parent: Option<ModuleId>,
        path: Names,
    ) -> Result<ModuleId, Failure> {
        let text = fs::read_to_string(file).map_err(file_error("read", file))?;
        let parsed = syn::parse_file(&text).map_err(|error| Failure::Source {
            path: file.to_owned(),
            error,
        })?;
        self.add_module(file, folder, parent, path, &parsed.items)
    }

    /// `folder` is where the files of its children are.
    fn add_module(
        &mut self,
        file: &Path,
        folder: PathBuf,
        parent: Option<ModuleId>,
        path: Names,
        items: &[Item],
    ) -> Result<ModuleId, Failure> {
        let id = self.modules.len();
        self.modules.push(Module {
            path,
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        let mut reader = Reader::default();
        for item in items {
            match item {
                Item::Mod(module) => {
                    if let Some(child) = self.add_child(file, &folder, id, module)? {
                        self.modules[id]
                            .children
                            .insert(module.ident.to_string(), child);
                    }
                }
                other => reader.visit_item(other),
            }
        }
        let module = &mut self.modules[id];
        module.uses = reader.paths;
        module.items = reader.items;
        module.imports = reader.imports;
        module.globs = reader.globs;
        Ok(id)
    }

    fn add_child(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: ModuleId,
        module: &ItemMod,
    ) -> Result<Option<ModuleId>, Failure> {
        if is_test(&module.attrs) {
            return Ok(None);
        }
        let name = module.ident.to_string();
        let path = [
            self.modules[parent].path.as_slice(),
            std::slice::from_ref(&name),
        ]
        .concat();
        let inner = folder.join(&name);
        if let Some((_, items)) = &module.content {
            return self
                .add_module(file, inner, Some(parent), path, items)
                .map(Some);
        }
        let beside = folder.join(format!("{name}.rs"));
        let child = if beside.is_file() {
            beside
        } else {
            inner.join("mod.rs")
        };
        if !child.is_file() {
            // By `#[path]`: shared with another crate, so outside of this one's order.
            return Ok(None);
        }
        self.add_file(&child, inner, Some(parent), path).map(Some)
    }
}

/// What is in the items of one module.
#[derive(Default)]
struct Reader {
    paths: Vec<Names>,
    items: HashSet<String>,
    imports: HashMap<String, Names>,
    globs: Vec<Names>,
}

impl Reader {
    fn import(&mut self, tree: &UseTree, mut before: Names) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before.clone());
                }
            }
            UseTree::Glob(_) => {
                self.paths.push(before.clone());
                self.globs.push(before);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                if name != "self" {
                    before.push(name);
                }
                self.bind(before.last().cloned(), before);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    before.push(rename.ident.to_string());
                }
                self.bind(Some(rename.rename.to_string()), before);
            }
        }
    }

    fn bind(&mut self, name: Option<String>, names: Names) {
        self.paths.push(names.clone());
        if let Some(name) = name {
            self.imports.insert(name, names);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Const(it) => (&it.attrs, Some(&it.ident)),
            Item::Enum(it) => (&it.attrs, Some(&it.ident)),
            Item::Fn(it) => (&it.attrs, Some(&it.sig.ident)),
            Item::Impl(it) => (&it.attrs, None),
            Item::Macro(it) => (&it.attrs, it.ident.as_ref()),
            Item::Static(it) => (&it.attrs, Some(&it.ident)),
            Item::Struct(it) => (&it.attrs, Some(&it.ident)),
            Item::Trait(it) => (&it.attrs, Some(&it.ident)),
            Item::Type(it) => (&it.attrs, Some(&it.ident)),
            Item::Union(it) => (&it.attrs, Some(&it.ident)),
            Item::Use(it) => {
                if !is_test(&it.attrs) {
                    self.import(&it.tree, Names::new());
                }
                return;
            }
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        self.items.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        if names.len() > 1 {
            self.paths.push(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in crate::a)` says who may use it, and uses nothing.
    }
}

/// Whether an item is there for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        attribute.path().is_ident("cfg")
            && !condition.contains("not")
            && condition
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == "test")
    })
}
