//! What is asked of the MMU and what it answers.

/// Kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Load,
    Store,
    Fetch,
}

/// A translation of one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Translation {
    /// Real address of the byte asked for.
    pub(crate) real: u64,
    /// log2 of the page size that this holds for.
    pub(crate) page_shift: u32,
    /// Whether loads and stores are allowed with no further look (a store only once the change bit is set).
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}
