//! The digest of the evidence.

use serde::Serialize;

use crate::model::document::Document;
use crate::text::digest::sha256_of;

impl Document {
    /// The SHA-256 of the document as JSON, without its format and provenance: whence and when it was collected makes it
    /// no other evidence.
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
            phases,
            order,
            gates,
            probes,
            anomalies,
            provenance: _,
        } = self;
        sha256_of(|out| {
            let mut out = std::io::BufWriter::new(out);
            let evidence = (rollout, fleet, archive, calls, cohorts, phases, order, gates, probes, anomalies);
            evidence.serialize(&mut serde_json::Serializer::new(&mut out))
        })
    }
}
