//! Checks documents against their own schema before policies see them.

use std::ops::Deref;
use std::sync::LazyLock;

use jsonschema::Validator;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::error::Error;
use crate::model::audit::Audit;
use crate::model::document::{Cohort, Document};
use crate::schema::published::{Name, validator};

/// A document that is valid against its schema.
#[derive(Debug)]
pub struct Valid<'a>(&'a Document);

impl Deref for Valid<'_> {
    type Target = Document;

    fn deref(&self) -> &Document {
        self.0
    }
}

/// Compiled once, however many documents are checked.
static DOCUMENT: LazyLock<Validator> = LazyLock::new(|| validator(&Name::Document.schema(), None));

/// How many cohorts are checked at a time.
const CHUNK: usize = 4096;

/// Checks a document, some cohorts at a time, so that no second copy of the evidence is held. Names of tenants were
/// checked while collecting, and are left out.
///
/// # Errors
/// [`Error::Internal`] with the violation: a bug of ours, since everything was checked on its way in.
pub fn validate(document: &Document) -> Result<Valid<'_>, Error> {
    let bug = |problem: String| Error::bug(format!("the document is against its own schema: {problem}"));
    let json = |error: serde_json::Error| bug(error.to_string());
    let check = |part: &Value| {
        let checked = DOCUMENT.validate(part);
        checked.map_err(|error| bug(format!("{}: {error}", error.instance_path())))
    };
    let without_cohorts = Document { calls: document.calls.clone(), ..document.without_evidence() };
    let mut part = serde_json::to_value(without_cohorts).map_err(json)?;
    if document.cohorts.is_empty() {
        check(&part)?;
    }
    for cohorts in document.cohorts.chunks(CHUNK) {
        let bare: Vec<_> = cohorts.iter().map(Cohort::without_tenants).collect();
        part["cohorts"] = serde_json::to_value(bare).map_err(json)?;
        check(&part)?;
        part["calls"] = json!([]);
    }
    Ok(Valid(document))
}

/// How many rollouts or tenants of an audit are checked at a time: more would be a second copy of months.
const AUDIT_CHUNK: usize = 256;

/// Checks the document of an audit, on every processor.
///
/// # Errors
/// [`Error::Internal`] with the violation: a bug of ours, since everything was checked on its way in.
pub fn validate_audit(audit: &Audit) -> Result<(), Error> {
    let bug = |problem: String| Error::bug(format!("the audit is against its own schema: {problem}"));
    let validator = validator(&Name::Audit.schema(), None);
    let check = |part: &Audit| {
        let part = serde_json::to_value(part).map_err(|error| bug(error.to_string()))?;
        validator.validate(&part).map_err(|error| bug(format!("{}: {error}", error.instance_path())))
    };
    let frame = audit.without_lists();
    check(&frame)?;
    let bare = Audit { unreadable: Vec::new(), unpaired: Vec::new(), ..frame };
    let rollouts = audit.rollouts.par_chunks(AUDIT_CHUNK);
    rollouts.try_for_each(|rollouts| check(&Audit { rollouts: rollouts.to_vec(), ..bare.clone() }))?;
    let tenants = audit.tenants.par_chunks(AUDIT_CHUNK);
    tenants.try_for_each(|tenants| check(&Audit { tenants: tenants.to_vec(), ..bare.clone() }))
}
