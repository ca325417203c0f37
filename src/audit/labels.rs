//! The labels of tenants: those of the newest rollout of each whose evidence has labels. Nothing of them is kept while
//! archives are evaluated; the few archives that are the newest of some tenant are read once more.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::audit::archive::Archive;
use crate::audit::verdict::{ArchiveEvaluator, Cell, EvaluatedRollout};
use crate::diagnostic::fault::Fault;
use crate::error::Error;
use crate::model::audit::Tenant;
use crate::model::document::Document;
use crate::model::document::text::{Map, Text};

/// Gives tenants their labels. `evaluated` is in the order of time, and `names` are the tenants by number.
///
/// # Errors
/// Those of `verify`, where an archive is not what it was when it was judged.
pub fn add(
    tenants: &mut [Tenant],
    evaluated: &[EvaluatedRollout],
    names: &[Text],
    evaluator: &ArchiveEvaluator<'_>,
) -> Result<(), Error> {
    if !evaluated.iter().any(|rollout| rollout.has_labels) {
        return Ok(());
    }
    let archives: HashMap<&str, &Archive> =
        evaluator.found.archives.iter().map(|archive| (&*archive.name, archive)).collect();
    let newest = newest(tenants, evaluated, names);
    let newest: Vec<(&EvaluatedRollout, Vec<usize>)> =
        newest.into_iter().map(|(rollout, places)| (&evaluated[rollout], places)).collect();
    let read = newest.par_iter().map(|(rollout, places)| {
        let document = read_again(evaluator, &archives, rollout)?;
        let places = places.iter().map(|place| (&tenants[*place].tenant, *place));
        Ok(labels(&document, &places.collect()))
    });
    let read: Vec<Vec<(usize, Map<Text>)>> = read.collect::<Result<_, Error>>()?;
    let mut known = HashSet::new();
    for (place, labels) in read.into_iter().flatten() {
        tenants[place].labels =
            labels.iter().map(|(name, value)| (intern(name, &mut known), intern(value, &mut known))).collect();
    }
    Ok(())
}

/// The places of tenants, by the newest rollout with labels in whose fleet they are.
fn newest(tenants: &[Tenant], evaluated: &[EvaluatedRollout], names: &[Text]) -> BTreeMap<usize, Vec<usize>> {
    let mut rollouts: HashMap<_, Vec<usize>> = HashMap::new();
    for (i, rollout) in
        evaluated.iter().enumerate().rev().filter(|(_, rollout)| rollout.has_labels && rollout.at.is_some())
    {
        rollouts.entry((&rollout.published.group, &rollout.published.control_plane)).or_default().push(i);
    }
    let numbers: HashMap<&Text, usize> = names.iter().enumerate().map(|(number, name)| (name, number)).collect();
    let mut newest: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, tenant) in tenants.iter().enumerate() {
        let Some(number) = numbers.get(&tenant.tenant) else { continue };
        let is_there = |i: &&usize| evaluated[**i].cells.get(*number).is_some_and(|cell| *cell != Cell::OUTSIDE);
        let rollouts = rollouts.get(&(&tenant.group, &tenant.control_plane));
        if let Some(i) = rollouts.into_iter().flatten().find(is_there) {
            newest.entry(*i).or_default().push(place);
        }
    }
    newest
}

/// Reads the evidence of a rollout again.
fn read_again(
    evaluator: &ArchiveEvaluator<'_>,
    archives: &HashMap<&str, &Archive>,
    rollout: &EvaluatedRollout,
) -> Result<Document, Error> {
    let name = &rollout.published.archive;
    let changed = || Error::Evidence {
        input: name.to_string(),
        faults: vec![Fault::whole(
            "it is not what it was when it was judged: audit it when nobody writes to it".to_owned(),
        )],
    };
    let archive = archives.get(&**name).ok_or_else(changed)?;
    let collected = evaluator.collect(archive, rollout.at.unwrap_or_default())?;
    let is_same = collected.inputs.first().is_some_and(|input| input.sha256 == rollout.published.sha256);
    if is_same { Ok(collected.document) } else { Err(changed()) }
}

/// The labels of some tenants, each with its place.
fn labels(document: &Document, places: &HashMap<&Text, usize>) -> Vec<(usize, Map<Text>)> {
    let cohorts = document.cohorts.iter().filter(|cohort| cohort.planned && !cohort.labels.is_empty());
    let tenants = cohorts.flat_map(|cohort| cohort.tenants.iter().map(|tenant| (tenant, &cohort.labels)));
    tenants.filter_map(|(tenant, labels)| Some((*places.get(tenant)?, labels.clone()))).collect()
}

/// The known text that equals this one, so that equal texts share their memory.
fn intern(text: &Text, known: &mut HashSet<Text>) -> Text {
    if let Some(known) = known.get(text) {
        return known.clone();
    }
    known.insert(text.clone());
    text.clone()
}
