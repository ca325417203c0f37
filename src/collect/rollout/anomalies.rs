//! What is unexpected in the control plane's answers.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::collect::response::MAX_LISTED;
use crate::collect::row::PresentFields;
use crate::model::document::text::Text;
use crate::model::document::{Anomaly, AnomalyKind};
use crate::text::json::escape_pointer;

/// What the document's anomalies name as their input, where it is an answer of the control plane.
const ANSWERS: &str = "control plane";

/// The anomalies of answers: the first [`MAX_LISTED`] of a kind, in the order in which they came, and how many more there
/// are. A control plane may answer for every tenant with every call, so that there may be many.
#[derive(Debug, Default)]
pub(crate) struct RolloutAnomalies {
    pub(crate) listed: Vec<Anomaly>,
    /// How many of a kind are listed, and where the last of them is.
    kinds: BTreeMap<AnomalyKind, (usize, usize)>,
    /// Every field that is not known, with the known one that it misspells, and where it is listed.
    fields: HashMap<(Text, Option<&'static str>), Option<usize>, RandomState>,
    /// The known field that a field misspells in a row with these known fields.
    misspelt: HashMap<(Text, PresentFields), Option<&'static str>, RandomState>,
}

impl RolloutAnomalies {
    pub(crate) fn add(&mut self, kind: AnomalyKind, at: impl FnOnce() -> String, tenant: Option<Text>) {
        self.list(kind, at, |anomaly| anomaly.tenant = tenant);
    }

    /// The known field that a field of a row with those others misspells.
    pub(crate) fn misspelt_field(&mut self, field: &Text, present: PresentFields) -> Option<&'static str> {
        *self.misspelt.entry((field.clone(), present)).or_insert_with(|| present.misspelt(field))
    }

    /// Adds a field that is not known, and the known one that it misspells, where it does.
    pub(crate) fn add_unknown_field(
        &mut self,
        place: impl FnOnce() -> String,
        field: Text,
        known: Option<&'static str>,
    ) {
        match self.fields.get(&(field.clone(), known)) {
            Some(Some(listed)) => self.listed[*listed].count += 1,
            Some(None) => {}
            None => {
                let kind = if known.is_some() { AnomalyKind::MisspeltField } else { AnomalyKind::UnknownField };
                let at = || format!("{}/{}", place(), escape_pointer(&field));
                let listed = self.list(kind, at, |anomaly| {
                    anomaly.field = Some(field.clone());
                    anomaly.known = known.map(Text::from);
                });
                self.fields.insert((field, known), listed);
            }
        }
    }

    /// Adds an item of an answer that a mapping skips.
    pub(crate) fn add_skipped_item(&mut self, at: String, reason: &Text) {
        self.list(AnomalyKind::SkippedItem, || at, |anomaly| anomaly.reason = Some(reason.clone()));
    }

    /// Lists an anomaly, or counts it. Gives where it is listed.
    fn list(
        &mut self,
        kind: AnomalyKind,
        at: impl FnOnce() -> String,
        name: impl FnOnce(&mut Anomaly),
    ) -> Option<usize> {
        let (count, last) = self.kinds.entry(kind).or_default();
        if *count == MAX_LISTED {
            self.listed[*last].more += 1;
            return None;
        }
        (*count, *last) = (*count + 1, self.listed.len());
        let (input, at) = (Text::from(ANSWERS), Text::from(at()));
        let mut anomaly =
            Anomaly { kind, input, at, field: None, known: None, tenant: None, reason: None, count: 1, more: 0 };
        name(&mut anomaly);
        self.listed.push(anomaly);
        Some(*last)
    }
}

/// What is wrong with an answer, with the beginning of what came.
pub(crate) fn malformed(error: &str, raw: &str) -> Text {
    let start: String = raw.chars().take(200).collect();
    Text::from(format!("{error}: {start}"))
}
