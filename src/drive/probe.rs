//! Asks tenants for their build after a rollout (contract section 4.8), and keeps every answer in the journal. It compares no
//! commits: `targets` decides which tenants are asked again.

use crate::collect::record::Record;
use crate::drive::driver::Driver;
use crate::drive::prober::{ProbeTargets, Prober};
use crate::error::Error;

impl Driver<'_> {
    /// Asks the tenants that `targets` names for their build, after a rollout was driven. After a signal nobody is asked.
    ///
    /// # Errors
    /// Those of the journal and of `targets`.
    pub(crate) async fn probe(&mut self, prober: &Prober, targets: &mut ProbeTargets<'_>) -> Result<(), Error> {
        if self.stop.signal().is_some() {
            return Ok(());
        }
        if targets(&self.rollout.document_so_far())?.is_empty() {
            return Ok(());
        }
        self.read_head_again().await?;
        let tenants = targets(&self.rollout.document_so_far())?;
        let Self { rollout, journal, progress, stop, .. } = self;
        let mut keep = |record: &Record| {
            journal.append(rollout, record)?;
            targets(&rollout.document_so_far())
        };
        prober.probe(tenants, progress, stop, &mut keep).await
    }
}
