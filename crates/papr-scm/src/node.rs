//! A device-tree node as plain data: any writer of flattened trees can walk it, and `ibm,configure-connector` does.

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
}
