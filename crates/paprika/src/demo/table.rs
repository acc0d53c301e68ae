//! A table as text: columns as wide as what is in them.

use std::fmt;

/// Cells by row, under headings.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|&heading| heading.to_owned());
        Self {
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell: &String| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, &width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        for (n, row) in self.rows.iter().enumerate() {
            writeln!(f, "  {}", line(row))?;
            if n == 0 {
                writeln!(
                    f,
                    "  {}",
                    line(&widths.iter().map(|&w| "-".repeat(w)).collect())
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["device", "n"]);
        table.row(["pmem0".into(), "12".into()]);
        table.row(["a longer one".into(), "3".into()]);
        let lines = [
            "  device        n",
            "  ------------  --",
            "  pmem0         12",
            "  a longer one  3",
        ];
        assert_eq!(table.to_string(), lines.join("\n") + "\n");
    }
}
