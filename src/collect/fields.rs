//! Evidence fields: fields of rows and of plans that the contract does not know, and that the operator names as evidence.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::collect::row::{KNOWN, ResponseRow};
use crate::collect::scan::Refused;
use crate::error::Error;
use crate::model::document::text::{Scalar, Text};
use crate::schema::published::Name;

/// The names of extra fields that are evidence. Each holds a string, a number, a boolean or `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceFields {
    rows: BTreeSet<Text>,
    plan: BTreeSet<Text>,
}

impl EvidenceFields {
    /// Extra fields of rows.
    ///
    /// # Errors
    /// [`Error::Usage`] where a name is blank, or of a field that is always read.
    pub fn new(names: &[String]) -> Result<Self, Error> {
        if let Some(known) = names.iter().find(|name| KNOWN.contains(&name.as_str())) {
            let problem = format!("--evidence-field {known}: every row's {known} is read as it is");
            return Err(Error::usage(
                problem,
                "leave it out; only a field that is otherwise unknown needs to be named",
            ));
        }
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(Error::usage(
                "--evidence-field: the name is blank",
                "name a field of the control plane's rows",
            ));
        }
        Ok(Self { rows: names.iter().map(|name| Text::from(&**name)).collect(), plan: BTreeSet::new() })
    }

    /// These fields, and extra fields of the plan.
    ///
    /// # Errors
    /// [`Error::Usage`] where a name is blank, or of a field that is always read.
    pub fn with_plan(self, names: &[String]) -> Result<Self, Error> {
        if let Some(known) = names.iter().find(|name| is_known_in_plan(name)) {
            let problem = format!("--plan-field {known}: every plan's {known} is read as it is");
            return Err(Error::usage(
                problem,
                "leave it out; only a field that is otherwise unknown needs to be named",
            ));
        }
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(Error::usage("--plan-field: the name is blank", "name a field of the plan or of its body"));
        }
        Ok(Self { plan: names.iter().map(|name| Text::from(&**name)).collect(), ..self })
    }

    /// These fields, and a field of the plan that a mapping's filters read.
    #[must_use]
    pub fn and_plan_field(mut self, name: &str) -> Self {
        self.plan.insert(Text::from(name));
        self
    }

    /// These fields, and fields of rows that a mapping reads.
    #[must_use]
    pub fn and_row_fields(mut self, names: impl IntoIterator<Item = Text>) -> Self {
        self.rows.extend(names);
        self
    }

    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.plan.is_empty()
    }

    /// The names of fields of rows, sorted.
    pub fn names(&self) -> impl Iterator<Item = &Text> {
        self.rows.iter()
    }

    /// The names of fields of the plan, sorted.
    pub fn plan_names(&self) -> impl Iterator<Item = &Text> {
        self.plan.iter()
    }

    /// Moves the named fields of a row from its unknown fields to its evidence.
    ///
    /// # Errors
    /// [`Refused`] where one holds an array, an object, or what is no text or number that can be kept.
    pub fn move_to_evidence(&self, row: &mut ResponseRow<'_>) -> Result<(), Refused> {
        if self.rows.is_empty() || row.unknown.is_empty() {
            return Ok(());
        }
        let mut extra = Vec::new();
        for name in &self.rows {
            let Some(value) = row.unknown.remove(&**name) else { continue };
            let scalar: Scalar = serde_json::from_str(value.get()).map_err(|_| Refused)?;
            extra.push((name.clone(), scalar));
        }
        row.row.extra = extra.into_iter().collect();
        Ok(())
    }

    /// Adds the type of these fields to the schema of a response.
    pub fn add_to_schema(&self, schema: &mut Value) {
        for name in &self.rows {
            schema["$defs"]["ResponseRow"]["properties"][&**name] = json!({"type": Scalar::TYPES});
        }
    }
}

/// Whether a key of a plan or of its body is always read.
fn is_known_in_plan(key: &str) -> bool {
    let schema = Name::Plan.schema();
    [&schema["properties"], &schema["$defs"]["KnownBody"]["properties"]].iter().any(|known| known.get(key).is_some())
}
