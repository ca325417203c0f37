//! What policies see of a document's cohorts: all of them as they are, or those merged that the bundled policies cannot
//! tell apart.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{Cohort, Document, Row};

/// Stands for every error text that is not blank.
const SOME_ERROR: &str = "an error";

/// A document, and which of its cohorts are seen as one.
#[derive(Debug)]
pub struct Projection<'d> {
    document: &'d Document,
    merged: Option<Merged>,
}

#[derive(Debug)]
struct Merged {
    /// The cohorts of the document that each cohort that is seen stands for, ascending.
    members: Vec<Vec<usize>>,
    /// The names of the labels that are seen.
    labels: BTreeSet<String>,
}

impl<'d> Projection<'d> {
    /// Every cohort as it is.
    pub const fn whole(document: &'d Document) -> Self {
        Self { document, merged: None }
    }

    /// The cohorts merged by what the bundled policies read: no label but these, no extra field, and of an error only
    /// whether it is blank.
    pub fn for_bundled(document: &'d Document, labels: BTreeSet<String>) -> Self {
        let mut positions = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, cohort) in document.cohorts.iter().enumerate() {
            let position = *positions.entry(Key::new(cohort, &labels)).or_insert(members.len());
            match members.get_mut(position) {
                Some(members) => members.push(index),
                None => members.push(vec![index]),
            }
        }
        let merged = (members.len() < document.cohorts.len()).then_some(Merged { members, labels });
        Self { document, merged }
    }

    /// The document.
    pub const fn document(&self) -> &'d Document {
        self.document
    }

    /// How many cohorts are seen.
    pub fn len(&self) -> usize {
        self.merged.as_ref().map_or(self.document.cohorts.len(), |merged| merged.members.len())
    }

    /// The cohorts that are seen, each without its tenants, and the tenants.
    pub fn cohorts(&self) -> impl Iterator<Item = (Cohort, Vec<&'d Text>)> {
        (0..self.len()).filter_map(|seen| {
            let members = self.members(seen);
            let cohorts = || members.iter().filter_map(|index| self.document.cohorts.get(*index));
            let first = cohorts().next()?.without_tenants();
            let seen = match &self.merged {
                Some(merged) => merged.seen_of(first),
                None => first,
            };
            Some((seen, cohorts().flat_map(|cohort| &cohort.tenants).collect()))
        })
    }

    /// The cohorts of the document that one that is seen stands for, ascending.
    pub fn members(&self, seen: usize) -> Cow<'_, [usize]> {
        match &self.merged {
            Some(merged) => merged.members.get(seen).map_or_else(Cow::default, |members| members.as_slice().into()),
            None => vec![seen].into(),
        }
    }

    /// What is known of each cohort that is seen, for each cohort of the document.
    pub fn spread<T: Clone>(&self, of_seen: Vec<T>) -> Vec<T> {
        let Some(merged) = &self.merged else { return of_seen };
        let mut spread: Vec<(usize, T)> = of_seen
            .into_iter()
            .zip(&merged.members)
            .flat_map(|(value, members)| members.iter().map(move |index| (*index, value.clone())))
            .collect();
        spread.sort_unstable_by_key(|(index, _)| *index);
        spread.into_iter().map(|(_, value)| value).collect()
    }
}

impl Merged {
    /// What is seen of a cohort.
    fn seen_of(&self, mut cohort: Cohort) -> Cohort {
        cohort.labels = cohort
            .labels
            .iter()
            .filter(|entry| self.labels.contains(&**entry.0))
            .map(|entry| (entry.0.clone(), entry.1.clone()))
            .collect();
        for row in &mut cohort.rows {
            row.extra = Map::default();
            if is_blank(&row.error) == Field::Given(false) {
                row.error = Field::Given(SOME_ERROR.into());
            }
        }
        cohort
    }
}

/// What is seen of a cohort, to compare it.
#[derive(PartialEq, Eq, Hash)]
struct Key<'d> {
    planned: bool,
    labels: Vec<(&'d Text, &'d Text)>,
    call: Option<u32>,
    rows: Vec<RowKey<'d>>,
}

impl<'d> Key<'d> {
    fn new(cohort: &'d Cohort, labels: &BTreeSet<String>) -> Self {
        // Naming every field makes a new one fail to compile until somebody has decided whether it is seen.
        let Cohort { planned, labels: of_cohort, call, tenants: _, rows, origins: _ } = cohort;
        let labels = of_cohort.iter().filter(|(name, _)| labels.contains(&***name)).collect();
        Self { planned: *planned, labels, call: *call, rows: rows.iter().map(RowKey::new).collect() }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct RowKey<'d> {
    ssm_status: &'d Field<Text>,
    ssm_exit_code: Field<i64>,
    healthz_ok: Field<bool>,
    verified_on_target: Field<bool>,
    running_image: &'d Field<Text>,
    error_is_blank: Field<bool>,
}

impl<'d> RowKey<'d> {
    fn new(row: &'d Row) -> Self {
        let Row { ssm_status, ssm_exit_code, healthz_ok, verified_on_target, running_image, error, extra: _ } = row;
        Self {
            ssm_status,
            ssm_exit_code: *ssm_exit_code,
            healthz_ok: *healthz_ok,
            verified_on_target: *verified_on_target,
            running_image,
            error_is_blank: is_blank(error),
        }
    }
}

/// Whether a text is blank, as the policies ask it.
fn is_blank(text: &Field<Text>) -> Field<bool> {
    match text {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        Field::Given(text) => Field::Given(text.trim().is_empty()),
    }
}
