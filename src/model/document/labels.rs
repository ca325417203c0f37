//! Labels that a document is given after it was collected: its tenants are grouped again, as they would have been with
//! these labels from the beginning.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::model::document::origins::Origins;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Cohort, Document, Row, Run};

/// A label that the document has with another value.
#[derive(Debug)]
pub struct Conflict {
    /// The tenant.
    pub tenant: Text,
    /// The label's name.
    pub name: Text,
    /// Its value in the document.
    pub held: Text,
    /// The value that was given.
    pub given: Text,
}

/// Adds labels to those that tenants have. Names that no cohort has are left out.
///
/// # Errors
/// [`Conflict`] where a tenant has one of the labels with another value; the document is then as it was.
pub fn add(document: &mut Document, labels: &HashMap<&str, &Map<Text>>) -> Result<(), Conflict> {
    let mut regrouped = Regrouped::new(&document.cohorts, labels);
    for place in fleet_order(document) {
        let new = regrouped.put(place)?;
        match regrouped.order.last_mut() {
            Some(Run(cohort, many)) if *cohort == new => *many += 1,
            _ => regrouped.order.push(Run(new, 1)),
        }
    }
    for place in unplanned(&document.cohorts) {
        regrouped.put(place)?;
    }
    let Regrouped { cohorts, order, .. } = regrouped;
    if !document.order.is_empty() {
        document.order = order;
    }
    document.cohorts = cohorts;
    Ok(())
}

/// A cohort, and the place of a tenant in it.
type Place = (usize, usize);

/// The tenants of the fleet in its order; cohort by cohort where that is not known.
fn fleet_order(document: &Document) -> Vec<Place> {
    if document.order.is_empty() {
        return places(&document.cohorts, true);
    }
    let mut next = vec![0; document.cohorts.len()];
    let mut order = Vec::new();
    for Run(cohort, many) in &document.order {
        let cohort = *cohort as usize;
        let end = next[cohort] + *many as usize;
        order.extend((next[cohort]..end).map(|tenant| (cohort, tenant)));
        next[cohort] = end;
    }
    order
}

/// The tenants that no fleet enumerates, by name.
fn unplanned(cohorts: &[Cohort]) -> Vec<Place> {
    let mut unplanned = places(cohorts, false);
    unplanned.sort_by_key(|(cohort, tenant)| &cohorts[*cohort].tenants[*tenant]);
    unplanned
}

fn places(cohorts: &[Cohort], planned: bool) -> Vec<Place> {
    let wanted = cohorts.iter().enumerate().filter(|(_, cohort)| cohort.planned == planned);
    wanted.flat_map(|(i, cohort)| (0..cohort.tenants.len()).map(move |tenant| (i, tenant))).collect()
}

/// The evidence of each cohort as a number: cohorts that differ in labels alone have the same.
fn classes(cohorts: &[Cohort]) -> Vec<usize> {
    let mut classes: HashMap<(bool, Option<u32>, &[Row]), usize, FixedState> = HashMap::default();
    cohorts
        .iter()
        .map(|cohort| {
            let next = classes.len();
            *classes.entry((cohort.planned, cohort.call, &cohort.rows)).or_insert(next)
        })
        .collect()
}

/// The new cohorts.
struct Regrouped<'a> {
    old: &'a [Cohort],
    /// Parallel to `old`.
    classes: Vec<usize>,
    labels: &'a HashMap<&'a str, &'a Map<Text>>,
    cohorts: Vec<Cohort>,
    order: Vec<Run>,
    /// The new cohort of each class and labels.
    known: HashMap<(usize, Map<Text>), u32, FixedState>,
}

impl<'a> Regrouped<'a> {
    fn new(old: &'a [Cohort], labels: &'a HashMap<&'a str, &'a Map<Text>>) -> Self {
        Self { old, classes: classes(old), labels, cohorts: Vec::new(), order: Vec::new(), known: HashMap::default() }
    }

    /// Puts a tenant into its new cohort, whose index it gives.
    fn put(&mut self, (cohort, tenant): Place) -> Result<u32, Conflict> {
        let old = &self.old[cohort];
        let name = &old.tenants[tenant];
        let labels = match self.labels.get(&**name) {
            Some(given) => both(name, &old.labels, given)?,
            None => old.labels.clone(),
        };
        let cohorts = &mut self.cohorts;
        let new = *self.known.entry((self.classes[cohort], labels)).or_insert_with_key(|(_, labels)| {
            cohorts.push(Cohort {
                labels: labels.clone(),
                tenants: Vec::new(),
                origins: Origins::new(old.origins.width()),
                ..old.without_tenants()
            });
            u32::try_from(cohorts.len() - 1).unwrap_or(u32::MAX)
        });
        let cohort = &mut self.cohorts[new as usize];
        cohort.tenants.push(name.clone());
        cohort.origins.push((0..old.origins.width()).filter_map(|row| old.origins.get(tenant, row)));
        Ok(new)
    }
}

/// The labels that a tenant has, and those that it is given.
fn both(tenant: &Text, held: &Map<Text>, given: &Map<Text>) -> Result<Map<Text>, Conflict> {
    let other =
        given.iter().find_map(|(name, value)| Some((name, value, held.get(name).filter(|held| *held != value)?)));
    if let Some((name, given, held)) = other {
        let [tenant, name, held, given] = [tenant, name, held, given].map(Clone::clone);
        return Err(Conflict { tenant, name, held, given });
    }
    Ok(held.iter().chain(given.iter()).map(|(name, value)| (name.clone(), value.clone())).collect())
}
