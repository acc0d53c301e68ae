//! What this tree needs of a node beyond [`papr_scm::Node`]: lists and children, in the same chained style.

pub(super) use papr_scm::Node;

/// More ways to build a node.
pub(super) trait Build {
    /// Adds a list of strings, a zero byte after each.
    fn strings(self, name: &str, values: &[&str]) -> Self;
    /// Adds 64-bit numbers, two cells each.
    fn u64s(self, name: &str, values: &[u64]) -> Self;
    /// Adds a node below.
    fn child(self, child: Node) -> Self;
}

impl Build for Node {
    fn strings(self, name: &str, values: &[&str]) -> Self {
        self.bytes(
            name,
            values
                .iter()
                .flat_map(|value| value.bytes().chain([0]))
                .collect(),
        )
    }

    fn u64s(self, name: &str, values: &[u64]) -> Self {
        self.bytes(
            name,
            values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect(),
        )
    }

    fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }
}
