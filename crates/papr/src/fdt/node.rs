//! A device-tree node as plain data.

/// A node with its properties, in order, and its children, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    /// Name with unit address, such as `vty@71000000`; empty for the root.
    pub(crate) name: String,
    /// Name and value of each property; values are big-endian.
    pub(crate) properties: Vec<(String, Vec<u8>)>,
    /// The nodes below.
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// A node without properties or children.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Node {
            name: name.into(),
            ..Node::default()
        }
    }

    /// Adds a property with a value that is encoded already.
    pub(crate) fn bytes(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Adds a property that says what it says by being there.
    pub(crate) fn flag(self, name: &str) -> Self {
        self.bytes(name, [])
    }

    /// Adds a string (a zero byte ends it).
    pub(crate) fn string(self, name: &str, value: &str) -> Self {
        self.strings(name, &[value])
    }

    /// Adds a list of strings.
    pub(crate) fn strings(self, name: &str, values: &[&str]) -> Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.bytes().chain([0]))
            .collect();
        self.bytes(name, bytes)
    }

    /// Adds one 32-bit cell.
    pub(crate) fn u32(self, name: &str, value: u32) -> Self {
        self.bytes(name, value.to_be_bytes())
    }

    /// Adds several 32-bit cells.
    pub(crate) fn cells(self, name: &str, values: &[u32]) -> Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect();
        self.bytes(name, bytes)
    }

    /// Adds 64-bit numbers, two cells each.
    pub(crate) fn u64s(self, name: &str, values: &[u64]) -> Self {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect();
        self.bytes(name, bytes)
    }

    /// Adds a node below.
    pub(crate) fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }
}
