//! The digest of the evidence.

use serde::Serialize;

use crate::model::document::{Cohort, Document};
use crate::text::digest::sha256_of;

impl Document {
    /// The SHA-256 of what policies are asked about, as JSON: the document without its format and provenance, and without
    /// what engines do not get. Where a row stood, and whence and when it was collected, makes it no other evidence.
    ///
    /// # Errors
    /// None that evidence can cause.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        let Self {
            format: _,
            rollout,
            fleet,
            archive,
            calls,
            cohorts,
            phases: _,
            order: _,
            mapping,
            items: _,
            gates,
            probes,
            anomalies,
            provenance: _,
        } = self;
        sha256_of(|out| {
            let mut out = std::io::BufWriter::new(out);
            let cohorts = cohorts.iter().map(|Cohort { planned, labels, call, tenants, rows, origins: _ }| {
                (planned, labels, call, tenants, rows)
            });
            let cohorts: Vec<_> = cohorts.collect();
            let evidence = (rollout, fleet, archive, calls, cohorts, gates, probes, anomalies);
            match mapping {
                None => evidence.serialize(&mut serde_json::Serializer::new(&mut out)),
                Some(mapping) => (evidence, mapping).serialize(&mut serde_json::Serializer::new(&mut out)),
            }
        })
    }
}
