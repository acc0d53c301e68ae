//! `ibm,configure-connector`: a device-tree node told piece by piece, each piece in a 4 KiB work
//! area.
//!
//! The order is that of a flattened tree: the node's name, its properties, its children likewise,
//! then back to the parent. The work area's words (PAPR, "ibm,configure-connector work area"): 0
//! connector index, 1 zero, 2 offset of the name, 3 length and 4 offset of a property's value.

use device_tree::Node;

use crate::abi::rtas;

/// One answer of `ibm,configure-connector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigureStep<'a> {
    /// A node begins, below the current one.
    Child(&'a str),
    /// A node begins, beside the one that ended.
    Sibling(&'a str),
    /// A property of the current node.
    Property(&'a str, &'a [u8]),
    /// The current node and its siblings are told; its parent is the current node again.
    Parent,
    /// All told.
    Complete,
}

/// Everything that is told of a node, in order.
pub fn configure_steps(node: &Node) -> Vec<ConfigureStep<'_>> {
    let mut steps = vec![ConfigureStep::Child(&node.name)];
    tell(node, &mut steps);
    steps.push(ConfigureStep::Complete);
    steps
}

fn tell<'a>(node: &'a Node, steps: &mut Vec<ConfigureStep<'a>>) {
    steps.extend(
        node.properties
            .iter()
            .map(|(name, value)| ConfigureStep::Property(name, value)),
    );
    for (place, child) in node.children.iter().enumerate() {
        let name = child.name.as_str();
        steps.push(if place == 0 {
            ConfigureStep::Child(name)
        } else {
            ConfigureStep::Sibling(name)
        });
        tell(child, steps);
    }
    if !node.children.is_empty() {
        steps.push(ConfigureStep::Parent);
    }
}

/// Writes a step to the work area and returns the RTAS status that goes with it.
///
/// A step that does not fit answers [`rtas::CONFIGURE_ERROR`] and leaves the work area as it was.
pub fn write_step(step: ConfigureStep<'_>, area: &mut [u8; rtas::WORK_AREA_SIZE]) -> i32 {
    const DATA: usize = 5 * 4;
    let (status, name, value) = match step {
        ConfigureStep::Child(name) => (rtas::CONFIGURE_NEXT_CHILD, name, None),
        ConfigureStep::Sibling(name) => (rtas::CONFIGURE_NEXT_SIBLING, name, None),
        ConfigureStep::Property(name, value) => (rtas::CONFIGURE_NEXT_PROPERTY, name, Some(value)),
        ConfigureStep::Parent => return rtas::CONFIGURE_PREVIOUS_PARENT,
        ConfigureStep::Complete => return rtas::CONFIGURE_COMPLETE,
    };
    let value_at = DATA + name.len() + 1;
    let end = value_at + value.map_or(0, <[u8]>::len);
    if end > area.len() {
        return rtas::CONFIGURE_ERROR;
    }
    let mut word = |index: usize, number: usize| {
        area[index * 4..index * 4 + 4].copy_from_slice(&(number as u32).to_be_bytes());
    };
    word(2, DATA);
    if let Some(value) = value {
        word(3, value.len());
        word(4, value_at);
    }
    area[DATA..DATA + name.len()].copy_from_slice(name.as_bytes());
    area[value_at - 1] = 0;
    if let Some(value) = value {
        area[value_at..end].copy_from_slice(value);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_told_depth_first_and_ends_complete() {
        let mut root = Node::new("a").flag("p");
        root.children = vec![Node::new("b").flag("q"), Node::new("c")];
        use ConfigureStep::{Child, Complete, Parent, Property, Sibling};
        assert_eq!(
            configure_steps(&root),
            [
                Child("a"),
                Property("p", &[]),
                Child("b"),
                Property("q", &[]),
                Sibling("c"),
                Parent,
                Complete
            ]
        );
    }

    #[test]
    fn the_work_area_holds_name_and_value_where_its_words_say() {
        let mut area = [0xEE; rtas::WORK_AREA_SIZE];
        let status = write_step(ConfigureStep::Property("reg", &[1, 2, 3, 4]), &mut area);
        assert_eq!(status, rtas::CONFIGURE_NEXT_PROPERTY);
        let word = |i: usize| {
            u32::from_be_bytes([
                area[i * 4],
                area[i * 4 + 1],
                area[i * 4 + 2],
                area[i * 4 + 3],
            ]) as usize
        };
        assert_eq!(&area[word(2)..word(2) + 4], b"reg\0");
        assert_eq!(word(3), 4);
        assert_eq!(&area[word(4)..word(4) + 4], &[1, 2, 3, 4]);
    }

    #[test]
    fn a_piece_that_does_not_fit_is_an_error_and_writes_nothing() {
        let mut area = [0xEE; rtas::WORK_AREA_SIZE];
        let big = vec![0; rtas::WORK_AREA_SIZE];
        assert_eq!(
            write_step(ConfigureStep::Property("x", &big), &mut area),
            rtas::CONFIGURE_ERROR
        );
        assert!(area.iter().all(|&b| b == 0xEE));
    }
}
