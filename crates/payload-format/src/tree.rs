//! A reader for the flattened device tree (Devicetree Specification 0.4, chapter 5): borrows the blob, allocates nothing, and reads
//! damaged trees as far as they make sense.

/// First word of a tree.
const MAGIC: u32 = 0xd00d_feed;
/// Bytes of the header.
const HEADER: usize = 40;
/// Offsets into the header.
const TOTAL_SIZE: usize = 4;
const STRUCTURE: usize = 8;
const STRINGS: usize = 12;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

/// A flattened device tree.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
}

/// A node: its properties come first, then its children.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    tree: Tree<'a>,
    name: &'a str,
    /// Offset of what follows the name.
    content: usize,
}

enum Token<'a> {
    Begin(&'a str),
    End,
    Property(&'a str, &'a [u8]),
}

/// The size of a whole tree in bytes, from the first eight of them; `None` where this is no tree.
pub fn total_size(start: [u8; 8]) -> Option<u32> {
    (be32(&start, 0)? == MAGIC).then(|| be32(&start, TOTAL_SIZE))?
}

/// A big-endian word.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// A big-endian doubleword.
pub fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(word.try_into().ok()?))
}

/// Text up to its zero byte.
pub fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    core::str::from_utf8(&bytes[..end]).ok()
}

impl<'a> Tree<'a> {
    /// Takes a whole tree; `None` where it is none.
    pub fn new(blob: &'a [u8]) -> Option<Self> {
        if blob.len() < HEADER || be32(blob, 0)? != MAGIC {
            return None;
        }
        let block = |at| blob.get(be32(blob, at)? as usize..);
        Some(Self {
            structure: block(STRUCTURE)?,
            strings: block(STRINGS)?,
        })
    }

    /// The root.
    pub fn root(self) -> Option<Node<'a>> {
        match self.token(0)? {
            (Token::Begin(name), content) => Some(Node {
                tree: self,
                name,
                content,
            }),
            _ => None,
        }
    }

    /// The token at an offset into the structure block, and the offset of the next.
    fn token(self, mut at: usize) -> Option<(Token<'a>, usize)> {
        loop {
            let kind = be32(self.structure, at)?;
            at += 4;
            match kind {
                NOP => (),
                END_NODE => return Some((Token::End, at)),
                BEGIN_NODE => {
                    let name = text(self.structure.get(at..)?)?;
                    return Some((Token::Begin(name), aligned(at + name.len() + 1)));
                }
                PROPERTY => {
                    let length = be32(self.structure, at)? as usize;
                    let name = be32(self.structure, at + 4)? as usize;
                    let start = at + 8;
                    let value = self.structure.get(start..start.checked_add(length)?)?;
                    let name = text(self.strings.get(name..)?)?;
                    return Some((Token::Property(name, value), aligned(start + length)));
                }
                _ => return None,
            }
        }
    }
}

/// Tokens lie on word boundaries.
fn aligned(at: usize) -> usize {
    (at + 3) & !3
}

impl<'a> Node<'a> {
    /// Name with unit address; empty for the root.
    pub fn name(self) -> &'a str {
        self.name
    }

    /// A property's value.
    pub fn property(self, wanted: &str) -> Option<&'a [u8]> {
        let mut at = self.content;
        while let (Token::Property(name, value), next) = self.tree.token(at)? {
            if name == wanted {
                return Some(value);
            }
            at = next;
        }
        None
    }

    /// The nodes directly below.
    pub fn children(self) -> Children<'a> {
        Children {
            tree: self.tree,
            at: self.content,
        }
    }

    /// The first child with this name (unit address and all).
    pub fn child(self, name: &str) -> Option<Node<'a>> {
        self.children().find(|child| child.name == name)
    }
}

/// Iterator over the nodes directly below one.
#[derive(Debug, Clone)]
pub struct Children<'a> {
    tree: Tree<'a>,
    at: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let mut depth = 0_u32;
        let mut found = None;
        loop {
            let (token, next) = self.tree.token(self.at)?;
            match token {
                Token::Property(..) => (),
                Token::Begin(name) => {
                    depth += 1;
                    found = found.or(Some((name, next)));
                }
                // The parent's end: stay on it.
                Token::End if depth == 0 => return None,
                Token::End => depth -= 1,
            }
            self.at = next;
            if let (Some((name, content)), 0) = (found, depth) {
                return Some(Node {
                    tree: self.tree,
                    name,
                    content,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;
    use vm_fdt::FdtWriter;

    fn blob() -> Result<Vec<u8>, vm_fdt::Error> {
        let mut writer = FdtWriter::new()?;
        let root = writer.begin_node("")?;
        writer.property_string("model", "a model")?;
        let inner = writer.begin_node("cpus")?;
        writer.property_u32("#address-cells", 1)?;
        let cpu = writer.begin_node("PowerPC,POWER9@0")?;
        writer.property_u32("reg", 7)?;
        writer.end_node(cpu)?;
        let cpu = writer.begin_node("PowerPC,POWER9@8")?;
        writer.property_null("here")?;
        writer.property_u64("wide", 1 << 40)?;
        writer.end_node(cpu)?;
        writer.end_node(inner)?;
        let chosen = writer.begin_node("chosen")?;
        writer.property_string("bootargs", "spin")?;
        writer.end_node(chosen)?;
        writer.end_node(root)?;
        writer.finish()
    }

    fn visit(node: Node<'_>, depth: u32) {
        let _ = (node.name(), node.property("reg"), node.child("x"));
        if depth < 8 {
            node.children()
                .take(64)
                .for_each(|child| visit(child, depth + 1));
        }
    }

    #[test]
    fn nodes_and_properties_are_found_where_they_are() {
        let blob = blob().expect("a tree");
        assert_eq!(
            total_size(blob[..8].try_into().expect("eight")),
            Some(blob.len() as u32)
        );
        let root = Tree::new(&blob).and_then(Tree::root).expect("a root");
        assert_eq!(root.property("model").and_then(text), Some("a model"));
        assert!(root.children().map(Node::name).eq(["cpus", "chosen"]));
        let cpus = root.child("cpus").expect("a node");
        assert!(cpus
            .children()
            .map(Node::name)
            .eq(["PowerPC,POWER9@0", "PowerPC,POWER9@8"]));
        let last = cpus.children().last().expect("two children");
        assert_eq!(last.property("here"), Some(&[][..]));
        assert_eq!(
            last.property("wide").and_then(|value| be64(value, 0)),
            Some(1 << 40)
        );
    }

    #[test]
    fn a_property_of_a_child_or_sibling_is_not_a_node_s_own() {
        let blob = blob().expect("a tree");
        let root = Tree::new(&blob).and_then(Tree::root).expect("a root");
        assert_eq!(root.property("bootargs"), None);
        assert_eq!(
            root.child("cpus").and_then(|cpus| cpus.property("reg")),
            None
        );
        assert_eq!(root.child("PowerPC,POWER9@0").map(Node::name), None);
    }

    #[test]
    fn a_tree_that_ends_early_makes_no_panic() {
        let blob = blob().expect("a tree");
        for length in 0..blob.len() {
            Tree::new(&blob[..length])
                .and_then(Tree::root)
                .into_iter()
                .for_each(|root| visit(root, 0));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_tree_makes_no_panic(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut blob = blob().expect("a tree");
            for (at, byte) in damage {
                let at = at.index(blob.len());
                blob[at] = byte;
            }
            Tree::new(&blob).and_then(Tree::root).into_iter().for_each(|root| visit(root, 0));
        }
    }
}
