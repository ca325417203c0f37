//! Evidence and fleets of other systems, read by a mapping.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::collect::fields::EvidenceFields;
use crate::collect::response::MAX_LISTED;
use crate::error::Error;
use crate::io::input::Input;
use crate::mapping::item::MappedRow;
use crate::mapping::load::{Mapping, Part};
use crate::mapping::read::{Outcome, Reading, check_target, target};
use crate::mapping::walk::Place;
use crate::model::document::cohort::Grouping;
use crate::model::document::mapping::ItemRun;
use crate::model::document::origins::Origin;
use crate::model::document::text::Text;
use crate::model::document::{Anomaly, AnomalyKind, Rollout};

/// The image of the plan, as a filter names it, and its key in the plan.
const IMAGE: (&str, &str) = ("$target.image", "image");

/// The mappings by which other systems' evidence is read.
#[derive(Debug, Clone, Default)]
pub struct Mappings {
    /// For the rows. Absent: the evidence is the control plane's own.
    pub rows: Option<Arc<Mapping>>,
    /// For the fleet. Absent: it has one of the forms of a fleet.
    pub fleet: Option<Arc<Mapping>>,
}

impl Mappings {
    /// Reads the mappings that the command line names.
    ///
    /// # Errors
    /// [`Error::Usage`] with file, line and column.
    pub fn load(rows: Option<&Path>, fleet: Option<&Path>) -> Result<Self, Error> {
        let load = |name: Option<&Path>| name.map(Mapping::load).transpose();
        Ok(Self { rows: load(rows)?, fleet: load(fleet)? })
    }

    /// The fields that are evidence: those of `fields`, and the image of the plan where a filter compares with it.
    pub(crate) fn fields(&self, fields: &EvidenceFields) -> EvidenceFields {
        let reads_image = |mapping: &Option<Arc<Mapping>>, part| {
            mapping
                .as_ref()
                .is_some_and(|mapping| mapping.filters(part).iter().any(|filter| filter.names_variable(IMAGE.0)))
        };
        let fields = fields.clone();
        let is_needed = reads_image(&self.rows, Part::Rows) || reads_image(&self.fleet, Part::Fleet);
        if is_needed { fields.and_plan_field(IMAGE.1) } else { fields }
    }

    /// Refuses a rollout of which the plan does not say what the filters need.
    ///
    /// # Errors
    /// [`Error::Usage`] with the variable that has no value.
    pub(crate) fn check_targets(&self, rollout: &Rollout, has_plan: bool) -> Result<(), Error> {
        for (mapping, part) in [(&self.rows, Part::Rows), (&self.fleet, Part::Fleet)] {
            mapping.iter().try_for_each(|mapping| check_target(mapping, part, rollout, has_plan))?;
        }
        Ok(())
    }
}

/// The name of the rollproof format that these bytes have, which no mapping reads; nothing where they have none.
pub(crate) fn own_format(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let Head { format } = serde_json::from_slice(bytes).ok()?;
    format.starts_with("rollproof.").then_some(format)
}

/// The items of one input that are skipped.
struct Skips {
    input: Text,
    reason: Text,
    listed: Vec<String>,
    more: u64,
}

impl Skips {
    fn new(mapping: &Mapping, part: Part, input: &Input) -> Self {
        let reason = mapping.skip_reason(part).cloned();
        Self { input: input.name.clone(), reason: reason.unwrap_or_else(|| "".into()), listed: Vec::new(), more: 0 }
    }

    fn add(&mut self, place: &Place) {
        if self.listed.len() < MAX_LISTED { self.listed.push(place.pointer()) } else { self.more += 1 }
    }

    fn anomalies(self) -> Vec<Anomaly> {
        let Self { input, reason, listed, more } = self;
        let last = listed.len().saturating_sub(1);
        let anomaly = |(i, at): (usize, String)| Anomaly {
            kind: AnomalyKind::SkippedItem,
            input: input.clone(),
            at: at.into(),
            field: None,
            known: None,
            tenant: None,
            reason: Some(reason.clone()),
            count: 1,
            more: if i == last { more } else { 0 },
        };
        listed.into_iter().enumerate().map(anomaly).collect()
    }
}

/// Reads rows into `grouping`. Gives where the items are, and what was skipped.
///
/// # Errors
/// Those of [`Reading::read`].
pub(crate) fn rows(
    mapping: &Arc<Mapping>,
    input: &Arc<Input>,
    rollout: &Rollout,
    grouping: &mut Grouping,
) -> Result<(Vec<ItemRun>, Vec<Anomaly>), Error> {
    let state = (std::mem::take(grouping), Skips::new(mapping, Part::Rows, input));
    let each = |(grouping, skips): &mut (Grouping, Skips), place: &Place, outcome| match outcome {
        Outcome::Row(MappedRow { slug, row }) => {
            let row = grouping.row(row);
            grouping.record_row(&slug, row, None, Origin { call: None, attempt: None, row: place.number });
        }
        Outcome::Tenant(_) | Outcome::Skipped => skips.add(place),
    };
    let ((read, skips), items) =
        Reading { mapping, part: Part::Rows, input, target: target(rollout) }.read(state, each)?;
    *grouping = read;
    Ok((items, skips.anomalies()))
}

/// Reads a fleet into `grouping`. Gives what was skipped.
///
/// # Errors
/// Those of [`Reading::read`].
pub(crate) fn fleet(
    mapping: &Arc<Mapping>,
    input: &Arc<Input>,
    rollout: &Rollout,
    grouping: &mut Grouping,
) -> Result<Vec<Anomaly>, Error> {
    let state = (std::mem::take(grouping), Skips::new(mapping, Part::Fleet, input));
    let each = |(grouping, skips): &mut (Grouping, Skips), place: &Place, outcome| match outcome {
        Outcome::Tenant(tenant) => {
            let labels = grouping.labels(tenant.labels);
            grouping.enumerate(&tenant.slug, labels);
        }
        Outcome::Row(_) | Outcome::Skipped => skips.add(place),
    };
    let ((read, skips), _) =
        Reading { mapping, part: Part::Fleet, input, target: target(rollout) }.read(state, each)?;
    *grouping = read;
    Ok(skips.anomalies())
}
