//! What policies see of a document's cohorts and calls: all of them as they are, or those merged that the bundled policies
//! cannot tell apart.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::document::text::{Field, Map, Text};
use crate::model::document::{Attempt, Call, Cohort, Document, Purpose, Row};

/// Stands for every error text that is not blank.
const SOME_ERROR: &str = "an error";

/// A document, and which of its cohorts and calls are seen as one.
#[derive(Debug)]
pub struct Projection<'d> {
    document: &'d Document,
    merged: Option<Merged>,
}

/// What the bundled policies can tell apart of values that differ for many tenants.
#[derive(Debug, Default)]
pub struct SeenValues {
    /// The names of the labels that they read.
    pub labels: BTreeSet<String>,
    /// Images that they treat alike, each with the one that they see in its place.
    pub images: BTreeMap<Text, Text>,
}

#[derive(Debug)]
struct Merged {
    /// The cohorts of the document that each cohort that is seen stands for, ascending.
    members: Vec<Vec<usize>>,
    values: SeenValues,
    calls: SeenCalls,
}

impl<'d> Projection<'d> {
    /// Every cohort as it is.
    pub const fn whole(document: &'d Document) -> Self {
        Self { document, merged: None }
    }

    /// The cohorts merged by what the bundled policies can tell apart: no extra field, and of an error only whether it is
    /// blank.
    pub fn for_bundled(document: &'d Document, values: SeenValues) -> Self {
        Self::merged(document, values, SeenCalls::default())
    }

    /// The same for the bundled rules that can halt a rollout, which state no place: they see the batches that went well
    /// from the first call on as one call.
    pub fn for_halts(document: &'d Document, values: SeenValues) -> Self {
        Self::merged(document, values, SeenCalls::of(&document.calls))
    }

    fn merged(document: &'d Document, values: SeenValues, calls: SeenCalls) -> Self {
        let mut positions = HashMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, cohort) in document.cohorts.iter().enumerate() {
            let position = *positions.entry(Key::new(cohort, &values, calls)).or_insert(members.len());
            match members.get_mut(position) {
                Some(members) => members.push(index),
                None => members.push(vec![index]),
            }
        }
        let is_merged = members.len() < document.cohorts.len() || calls.hidden > 0;
        Self { document, merged: is_merged.then_some(Merged { members, values, calls }) }
    }

    /// Whether something is not seen as it is.
    pub const fn is_merged(&self) -> bool {
        self.merged.is_some()
    }

    /// The calls that are seen, as indices.
    pub fn calls(&self) -> impl Iterator<Item = usize> + use<> {
        let calls = self.merged.as_ref().map_or_else(SeenCalls::default, |merged| merged.calls);
        (0..self.document.calls.len()).filter(move |index| !calls.hides(*index))
    }

    /// The document.
    pub const fn document(&self) -> &'d Document {
        self.document
    }

    /// How many cohorts are seen.
    pub fn len(&self) -> usize {
        self.merged.as_ref().map_or(self.document.cohorts.len(), |merged| merged.members.len())
    }

    /// The cohorts that are seen, each without its tenants, and the tenants in parts.
    pub fn cohorts(&self) -> impl Iterator<Item = (Cohort, Vec<&'d [Text]>)> {
        (0..self.len()).filter_map(|seen| {
            let members = self.members(seen);
            let cohorts = || members.iter().filter_map(|index| self.document.cohorts.get(*index));
            let first = cohorts().next()?.without_tenants();
            let seen = match &self.merged {
                Some(merged) => merged.seen_of(first),
                None => first,
            };
            Some((seen, cohorts().map(|cohort| &*cohort.tenants).collect()))
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
        cohort.call = cohort.call.map(|call| self.calls.seen(call));
        cohort.labels = cohort
            .labels
            .iter()
            .filter(|entry| self.values.labels.contains(&**entry.0))
            .map(|entry| (entry.0.clone(), entry.1.clone()))
            .collect();
        for row in &mut cohort.rows {
            row.extra = Map::default();
            if let Some(image) = row.running_image.given().and_then(|image| self.values.images.get(image)) {
                row.running_image = Field::Given(image.clone());
            }
            if is_blank(&row.error) == Field::Given(false) {
                row.error = Field::Given(SOME_ERROR.into());
            }
        }
        cohort
    }
}

/// Which calls are seen.
#[derive(Debug, Clone, Copy, Default)]
struct SeenCalls {
    /// The call that the hidden ones are seen as.
    first: u32,
    /// How many of those after it are hidden.
    hidden: u32,
}

impl SeenCalls {
    fn of(calls: &[Call]) -> Self {
        let plain = calls.iter().take_while(|call| is_plain(call)).count();
        let first = calls[..plain].iter().position(|call| call.purpose == Purpose::Batch).unwrap_or(plain);
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        // The plan call and that of the canary come before.
        Self { first: number(first), hidden: number(plain.saturating_sub(first + 1)) }
    }

    const fn hides(self, index: usize) -> bool {
        let after = index.saturating_sub(self.first as usize);
        0 < after && after <= self.hidden as usize
    }

    /// Where a call of the document is seen.
    fn seen(self, call: u32) -> u32 {
        if call <= self.first { call } else { call.saturating_sub(self.hidden).max(self.first) }
    }
}

/// Whether a call went well at once, and its answer says nothing else of it.
fn is_plain(call: &Call) -> bool {
    let Call { purpose: _, tenants: _, attempts, ok } = call;
    let [Attempt { at: _, status, duration_ms: _, error, malformed, failure, last }] = &attempts[..] else {
        return false;
    };
    let says_nothing = error.is_none() && malformed.is_none() && failure.is_none();
    *ok == Field::Given(true) && *status == Some(200) && *last && says_nothing
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
    fn new(cohort: &'d Cohort, values: &'d SeenValues, calls: SeenCalls) -> Self {
        // Naming every field makes a new one fail to compile until somebody has decided whether it is seen.
        let Cohort { planned, labels: of_cohort, call, tenants: _, rows, origins: _ } = cohort;
        let labels = of_cohort.iter().filter(|(name, _)| values.labels.contains(&***name)).collect();
        let call = call.map(|call| calls.seen(call));
        Self { planned: *planned, labels, call, rows: rows.iter().map(|row| RowKey::new(row, values)).collect() }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct RowKey<'d> {
    ssm_status: &'d Field<Text>,
    ssm_exit_code: Field<i64>,
    healthz_ok: Field<bool>,
    verified_on_target: Field<bool>,
    running_image: Field<&'d Text>,
    error_is_blank: Field<bool>,
}

impl<'d> RowKey<'d> {
    fn new(row: &'d Row, values: &'d SeenValues) -> Self {
        let Row { ssm_status, ssm_exit_code, healthz_ok, verified_on_target, running_image, error, extra: _ } = row;
        Self {
            ssm_status,
            ssm_exit_code: *ssm_exit_code,
            healthz_ok: *healthz_ok,
            verified_on_target: *verified_on_target,
            running_image: running_image.as_ref().map(|image| values.images.get(image).unwrap_or(image)),
            error_is_blank: is_blank(error),
        }
    }
}

/// Whether a text is blank, as the policies ask it.
fn is_blank(text: &Field<Text>) -> Field<bool> {
    text.as_ref().map(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::SeenCalls;

    #[test]
    fn hidden_calls_are_seen_as_the_one_before_them() {
        let calls = SeenCalls { first: 2, hidden: 3 };
        let seen: Vec<u32> = (0..8).map(|call| calls.seen(call)).collect();
        assert_eq!(seen, [0, 1, 2, 2, 2, 2, 3, 4]);
        let hidden: Vec<usize> = (0..8).filter(|index| calls.hides(*index)).collect();
        assert_eq!(hidden, [3, 4, 5]);
    }
}
