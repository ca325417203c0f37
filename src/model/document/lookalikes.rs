//! Names in the evidence that look like that of a tenant of the fleet and are other names: `South`, or `south` with a
//! zero-width space. What follows from one is for policies to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::document::text::Text;
use crate::model::document::{Document, Lookalike};
use crate::text::misspelt::{form_differences, lookalike_key};

/// The names of a document, and those that are `named` elsewhere, which look like that of a tenant of the fleet; sorted.
/// Takes linear time.
pub fn lookalikes<'a>(document: &'a Document, named: impl IntoIterator<Item = &'a Text>) -> Vec<Lookalike> {
    let cohorts = |planned| document.cohorts.iter().filter(move |cohort| cohort.planned == planned);
    let fleet = || cohorts(true).flat_map(|cohort| &cohort.tenants);
    let lists = document.fleet.inventory.iter().chain(&document.fleet.dropped).chain(&document.rollout.canary);
    let others: Vec<&Text> = cohorts(false).flat_map(|cohort| &cohort.tenants).chain(lists).chain(named).collect();
    // Of two names that look alike one at least is not plain, and hardly ever is one.
    let is_unusual = |name: &&Text| !is_plain(name);
    let forms: BTreeSet<String> =
        fleet().chain(others.iter().copied()).filter(is_unusual).map(|name| lookalike_key(name)).collect();
    if forms.is_empty() {
        return Vec::new();
    }
    let mut tenants: BTreeMap<String, BTreeSet<(bool, &Text)>> = BTreeMap::new();
    for tenant in fleet() {
        let form = lookalike_key(tenant);
        if forms.contains(&form) {
            // A plain name comes first: it is the one that was meant.
            tenants.entry(form).or_default().insert((!is_plain(tenant), tenant));
        }
    }
    let mut found = BTreeMap::new();
    for name in fleet().chain(others) {
        let known = tenants.get(&lookalike_key(name)).and_then(|tenants| tenants.first());
        if let Some((_, tenant)) = known.filter(|(_, tenant)| *tenant != name) {
            found.insert(name, *tenant);
        }
    }
    let lookalike = |(name, tenant): (&Text, &Text)| Lookalike {
        name: name.clone(),
        tenant: tenant.clone(),
        differs_in: form_differences(name, tenant),
    };
    found.into_iter().map(lookalike).collect()
}

/// Whether a name is its own form.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
}
