//! A device-tree node as plain data. Whoever tells a tree to a guest walks it: the writer of the
//! flattened form, or PAPR's `ibm,configure-connector`.

/// A node with its properties, in order, and its children, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Name with unit address, such as `ibm,pmemory@90000000`.
    pub name: String,
    /// Name and value of each property; values are in the big-endian encoding of the tree.
    pub properties: Vec<(String, Vec<u8>)>,
    /// The nodes below.
    pub children: Vec<Node>,
}

impl Node {
    /// A node without properties or children.
    pub fn new(name: impl Into<String>) -> Self {
        Node {
            name: name.into(),
            ..Node::default()
        }
    }

    /// The value of a property, if the node has it.
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_slice())
    }

    /// Adds a property with a value that is encoded already.
    pub fn bytes(mut self, name: &str, value: Vec<u8>) -> Self {
        self.properties.push((name.into(), value));
        self
    }

    /// Adds a property that says what it says by being there.
    pub fn flag(self, name: &str) -> Self {
        self.bytes(name, Vec::new())
    }

    /// Adds a string property (a zero byte ends it).
    pub fn string(self, name: &str, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(name, bytes)
    }

    /// Adds a property of one cell.
    pub fn u32(self, name: &str, value: u32) -> Self {
        self.bytes(name, value.to_be_bytes().to_vec())
    }

    /// Adds a property of several cells.
    pub fn cells(self, name: &str, values: &[u32]) -> Self {
        self.bytes(name, values.iter().flat_map(|v| v.to_be_bytes()).collect())
    }

    /// Adds a property of two cells that make one number.
    pub fn u64(self, name: &str, value: u64) -> Self {
        self.bytes(name, value.to_be_bytes().to_vec())
    }

    /// Adds 64-bit numbers, two cells each.
    pub fn u64s(self, name: &str, values: &[u64]) -> Self {
        self.bytes(name, values.iter().flat_map(|v| v.to_be_bytes()).collect())
    }

    /// Adds a list of strings, a zero byte after each.
    pub fn strings(self, name: &str, values: &[&str]) -> Self {
        let bytes = values.iter().flat_map(|value| value.bytes().chain([0]));
        self.bytes(name, bytes.collect())
    }

    /// Adds a node below.
    pub fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// Lays another node over this one: its properties are added, its children merged with the
    /// children of the same name, or added. (The names of the two nodes themselves don't matter.)
    ///
    /// # Errors
    /// [`Conflict`] where both give one property different values; some of the other node may have
    /// been added then.
    pub fn merge(&mut self, other: Node) -> Result<(), Conflict> {
        for (name, value) in other.properties {
            match self.property(&name) {
                None => self.properties.push((name, value)),
                Some(same) if *same == value => {}
                Some(_) => {
                    let node = self.name.clone();
                    return Err(Conflict {
                        node,
                        property: name,
                    });
                }
            }
        }
        for child in other.children {
            match self.children.iter_mut().find(|it| it.name == child.name) {
                Some(here) => here.merge(child)?,
                None => self.children.push(child),
            }
        }
        Ok(())
    }
}

/// Two descriptions of one node that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the property {property} of the device-tree node {node:?} is given two different values")]
pub struct Conflict {
    /// The node.
    pub node: String,
    /// The property with two values.
    pub property: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_big_endian_and_strings_end_in_zero() {
        let node = Node::new("n@1")
            .u32("a", 1)
            .u64("b", 2)
            .string("c", "x")
            .flag("d")
            .cells("e", &[3, 4]);
        assert_eq!(node.property("a"), Some(&[0, 0, 0, 1][..]));
        assert_eq!(node.property("b"), Some(&[0, 0, 0, 0, 0, 0, 0, 2][..]));
        assert_eq!(node.property("c"), Some(&b"x\0"[..]));
        assert_eq!(node.property("d"), Some(&[][..]));
        assert_eq!(node.property("e"), Some(&[0, 0, 0, 3, 0, 0, 0, 4][..]));
        assert_eq!(node.property("f"), None);
    }

    #[test]
    fn nodes_of_one_name_are_merged_and_a_contradiction_is_refused() {
        let bus = |device: &str| Node::new("bus").u32("reg", 1).child(Node::new(device));
        let mut root = Node::new("").child(bus("a"));
        let overlay = Node::new("").child(bus("b"));
        assert_eq!(root.merge(overlay), Ok(()));
        let names: Vec<_> = root.children[0]
            .children
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!((root.children.len(), names), (1, vec!["a", "b"]));
        let other = Node::new("").child(Node::new("bus").u32("reg", 2));
        let conflict = Conflict {
            node: "bus".into(),
            property: "reg".into(),
        };
        assert_eq!(root.merge(other), Err(conflict));
    }
}
