//! What many tenants have in common, kept once and named by a number: rows, phases, sets of labels, and sequences of rows.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A row that was seen before, whoever's it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowId(pub(super) u32);

/// A phase's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhaseId(pub(super) u32);

/// A set of labels that was seen before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LabelsId(pub(super) u32);

/// The rows of a tenant so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct HistoryId(u32);

/// Equal values once, by number.
#[derive(Debug, Clone)]
pub(super) struct Interner<T> {
    pub(super) list: Vec<T>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { list: Vec::new(), table: HashTable::new(), hasher: RandomState::default() }
    }
}

impl<T: Eq + std::hash::Hash> Interner<T> {
    pub(super) fn intern(&mut self, value: T) -> u32 {
        let hash = self.hasher.hash_one(&value);
        if let Some(id) = self.table.find(hash, |i| self.list[*i as usize] == value) {
            return *id;
        }
        let id = index(self.list.len());
        self.list.push(value);
        self.table.insert_unique(hash, id, |i| self.hasher.hash_one(&self.list[*i as usize]));
        id
    }

    pub(super) fn get(&self, id: u32) -> &T {
        &self.list[id as usize]
    }
}

/// Sequences of rows, each as one number: the sequence before it and its last row. Number 0 is "no row".
#[derive(Debug, Clone, Default)]
pub(super) struct Histories {
    list: Vec<(HistoryId, RowId)>,
    ids: HashMap<(HistoryId, RowId), HistoryId, RandomState>,
}

impl Histories {
    pub(super) fn extend(&mut self, before: HistoryId, row: RowId) -> HistoryId {
        *self.ids.entry((before, row)).or_insert_with(|| {
            self.list.push((before, row));
            HistoryId(index(self.list.len()))
        })
    }

    pub(super) fn last(&self, history: HistoryId) -> Option<RowId> {
        history.0.checked_sub(1).map(|last| self.list[last as usize].1)
    }

    pub(super) fn rows(&self, mut history: HistoryId) -> Vec<RowId> {
        let mut rows = Vec::new();
        while let Some(last) = history.0.checked_sub(1) {
            let (before, row) = self.list[last as usize];
            rows.push(row);
            history = before;
        }
        rows.reverse();
        rows
    }
}

/// Numbers of tenants and rows fit 32 bits: the size limit of inputs sees to it.
pub(super) fn index(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX)
}
