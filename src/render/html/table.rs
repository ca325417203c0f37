//! A table that the script searches, sorts and pages. Its first rows are in the markup, so that they are there without
//! the script; all of them are in the page's data.

use maud::{Markup, html};

use crate::render::html::components::{count, scroll};

/// How many rows are shown at a time; the script has the same number.
pub const PAGE: usize = 50;

pub struct Table<'a> {
    /// What it is a table of.
    pub label: &'a str,
    /// What it can be searched for.
    pub placeholder: &'a str,
    /// The names of its columns.
    pub columns: &'a [&'a str],
    /// The column by which its rows are sorted at first.
    pub sorted: Option<usize>,
    /// How many rows it has.
    pub many: usize,
}

impl Table<'_> {
    /// The table around its first rows, [`PAGE`] of them at the most.
    pub fn around(&self, rows: &Markup) -> Markup {
        html! {
            div #finder.finder hidden {
                label for="search" { "Search" }
                input #search type="search" autocomplete="off" spellcheck="false" placeholder=(self.placeholder);
                p #found role="status" {}
            }
            (scroll(self.label, &html! {
                table #table {
                    thead { tr { @for (i, name) in self.columns.iter().enumerate() {
                        th scope="col" aria-sort=[(self.sorted == Some(i)).then_some("ascending")] { (name) }
                    } } }
                    tbody { (rows) }
                }
            }))
            @if self.many > PAGE {
                noscript { p.note { (count((self.many - PAGE) as u64)) " more are in the page's data and need JavaScript to be shown." } }
                div #pager.pager hidden {
                    button #back type="button" { "Previous page" }
                    p #page {}
                    button #forward type="button" { "Next page" }
                }
            }
        }
    }
}
