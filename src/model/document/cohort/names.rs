//! The names of tenants, by number.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::model::document::cohort::interned::index;
use crate::model::document::text::Text;

/// Tenant names, in order; hashed only when something is asked that order does not answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) list: Vec<Text>,
    descended: bool,
    table: Option<HashTable<u32>>,
    hasher: RandomState,
}

impl Names {
    pub(super) fn from_sorted(list: Vec<Text>) -> Self {
        Self { list, ..Self::default() }
    }

    pub(super) fn push(&mut self, slug: &str) -> usize {
        let at = self.list.len();
        self.descended |= self.list.last().is_some_and(|last| **last >= *slug);
        self.list.push(Text::from(slug));
        if let Some(table) = &mut self.table {
            let hash = self.hasher.hash_one(slug);
            table.insert_unique(hash, index(at), |i| self.hasher.hash_one(&*self.list[*i as usize]));
        }
        at
    }

    /// Finds a name; one that is beyond all of an ascending list cannot be in it, and needs no table.
    pub(super) fn find_unless_ascending(&mut self, slug: &str) -> Option<usize> {
        if !self.descended && self.list.last().is_none_or(|last| **last < *slug) {
            return None;
        }
        self.find(slug)
    }

    pub(super) fn find(&mut self, slug: &str) -> Option<usize> {
        let table = self.table.get_or_insert_with(|| {
            let mut table = HashTable::with_capacity(self.list.len());
            for (i, name) in self.list.iter().enumerate() {
                let hash = self.hasher.hash_one(&**name);
                table.insert_unique(hash, index(i), |i| self.hasher.hash_one(&*self.list[*i as usize]));
            }
            table
        });
        let hash = self.hasher.hash_one(slug);
        table.find(hash, |i| *self.list[*i as usize] == *slug).map(|i| *i as usize)
    }
}
