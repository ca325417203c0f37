//! Tables for a terminal: the columns share the width there is, and a table for which it is too narrow becomes a list.

use unicode_width::UnicodeWidthStr;

use crate::text::wrap::{column, wrap};

/// How many columns are blank between two cells.
const GAP: usize = 2;

/// The lines of a table; its cells are escaped already.
pub fn lines<const N: usize>(header: &[&str; N], rows: &[[String; N]], width: usize) -> Vec<String> {
    let room = width.saturating_sub(GAP * N.saturating_sub(1));
    match widths(header, rows, room) {
        Some(widths) => {
            let header = header.map(str::to_owned);
            std::iter::once(&header).chain(rows).flat_map(|row| in_columns(row, &widths)).collect()
        }
        None => rows.iter().flat_map(|row| in_list(header, row, width)).collect(),
    }
}

/// How wide each column is; none where there is no room for every column's longest word. Where there is not room for
/// all that is written, narrow columns keep their width and the wide ones share what is left.
fn widths<const N: usize>(header: &[&str; N], rows: &[[String; N]], room: usize) -> Option<[usize; N]> {
    let (mut whole, mut least) = ([0; N], [0; N]);
    for i in 0..N {
        for cell in std::iter::once(header[i]).chain(rows.iter().map(|row| &*row[i])) {
            whole[i] = whole[i].max(cell.width());
            least[i] = cell.split(' ').map(UnicodeWidthStr::width).fold(least[i], usize::max);
        }
    }
    let with_limit = |limit: usize| {
        let mut widths = [0; N];
        for i in 0..N {
            widths[i] = whole[i].min(limit).max(least[i]);
        }
        widths
    };
    let widest = whole.iter().copied().max().unwrap_or_default();
    (0..=widest).rev().map(with_limit).find(|widths| widths.iter().sum::<usize>() <= room)
}

fn in_columns<const N: usize>(row: &[String; N], widths: &[usize; N]) -> Vec<String> {
    let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| column(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |k: usize| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let text = cell.get(k).map_or("", |text| &**text);
            line.push_str(text);
            line.push_str(&" ".repeat(width.saturating_sub(text.width()) + GAP));
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// A row line by line: its first cell, then each of the others after the name of its column.
fn in_list<const N: usize>(header: &[&str; N], row: &[String; N], width: usize) -> Vec<String> {
    let label = header.iter().skip(1).map(|name| name.width()).max().unwrap_or_default();
    let rest = " ".repeat(GAP + label + GAP);
    let mut lines = vec![row.first().cloned().unwrap_or_default()];
    for (name, cell) in header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
        let first = format!("{:GAP$}{name}{:pad$}", "", "", pad = label - name.width() + GAP);
        lines.extend(wrap(cell, width, &first, &rest).into_iter().map(|line| line.trim_end().to_owned()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::lines;

    const HEADER: [&str; 3] = ["tenant", "since", "why"];

    fn rows() -> Vec<[String; 3]> {
        let row = |tenant: &str, why: &str| [tenant.to_owned(), "2026-07-01 10:12Z".to_owned(), why.to_owned()];
        vec![
            row("agents-team", "skipped: enumerated in fixtures/lag/fleet.json, but no row answers for it"),
            row("cove", "verified_on_target is false"),
        ]
    }

    #[test]
    fn words_stay_whole_at_every_width() {
        let rows = rows();
        let words: Vec<&str> = rows.iter().flatten().flat_map(|cell| cell.split(' ')).collect();
        for width in 40..140 {
            let lines = lines(&HEADER, &rows, width);
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:#?}");
            let text = lines.join(" ");
            let found: Vec<&str> = text.split_whitespace().collect();
            assert!(words.iter().all(|word| found.contains(word)), "{width}: {lines:#?}");
        }
    }

    #[test]
    fn a_table_with_room_for_all_has_a_line_a_row() {
        let lines = lines(&HEADER, &rows(), usize::MAX);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "tenant       since              why");
        assert!(lines[2].starts_with("cove         2026-07-01 10:12Z  verified"), "{}", lines[2]);
    }

    #[test]
    fn a_table_without_room_is_a_list() {
        let lines = lines(&HEADER, &rows()[1..], 30);
        assert_eq!(lines, ["cove", "  since  2026-07-01 10:12Z", "  why    verified_on_target is false"]);
    }
}
