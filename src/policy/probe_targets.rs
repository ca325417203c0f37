//! Which tenants to ask for their build: what `rollproof.build` says of it.

use crate::error::Error;
use crate::model::document::Document;
use crate::model::document::text::Text;
use crate::policy::ask::PROBE_TARGETS;
use crate::policy::prepared::Prepared;
use crate::rego::engine::input::Inputs;

/// The package that says it.
const BUILD: &str = "rollproof.build";

/// Its rules: sets of indices into the document's cohorts, and into its probes.
const RULES: [&str; 2] = ["first_probe_cohorts", "probes_to_repeat"];

/// The rule of the generated query.
pub(crate) fn query() -> String {
    let ask = RULES.map(|rule| format!("\t{rule:?}: [value | value := data.{BUILD}.{rule}],\n")).concat();
    format!("probe_targets := {{\n{ask}}}\n")
}

impl Prepared {
    /// The tenants that are asked next; nobody where everybody has answered with the rollout's commit, or where builds
    /// say nothing of the rollout.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn next_probe_targets(&self, document: &Document) -> Result<Vec<Text>, Error> {
        let answers = self.ask(PROBE_TARGETS, self.projection(document)?, &mut Inputs::default())?;
        let [first, repeated] = RULES.map(|rule| {
            let indices = answers.bundled.get(rule).only().and_then(|value| value.elements::<usize>());
            indices.map_err(|error| Error::bug(format!("{BUILD}.{rule}: {error}")))
        });
        let mut first: Vec<usize> =
            first?.into_iter().flat_map(|seen| answers.projection.members(seen).into_owned()).collect();
        first.sort_unstable();
        let cohorts = first.into_iter().filter_map(|i| document.cohorts.get(i)).map(|cohort| &cohort.tenants);
        let probes = document.probes.iter().flatten().map(|probe| &probe.tenants).collect::<Vec<_>>();
        let probes = repeated?.into_iter().filter_map(|i| probes.get(i).copied()).collect::<Vec<_>>();
        Ok(cohorts.chain(probes).flatten().cloned().collect())
    }
}
