//! A row of an archived response.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::collect::scan::{Plain, ScannedRow, SlugAndPhase};
use crate::model::document::Row;
use crate::model::document::text::Field;
use crate::text::json::Key;
use crate::text::misspelt::misspelt;

/// The fields of a row that are known without being named.
pub const KNOWN: [&str; 8] =
    ["slug", "phase", "ssm_status", "ssm_exit_code", "healthz_ok", "verified_on_target", "running_image", "error"];

/// Which fields of [`KNOWN`] a row has, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PresentFields(u8);

impl PresentFields {
    /// The known field that another field of the row misspells.
    pub fn misspelt(self, field: &str) -> Option<&'static str> {
        misspelt(field, KNOWN, |known| self.has(known))
    }

    /// Whether the row has a known field.
    pub fn has(self, known: &str) -> bool {
        KNOWN.iter().position(|name| *name == known).is_some_and(|bit| self.0 >> bit & 1 == 1)
    }
}

/// A row with its tenant (contract section 3).
#[derive(Debug, Default)]
pub struct ResponseRow<'a> {
    slug_and_phase: SlugAndPhase<'a>,
    /// Its evidence.
    pub row: Row,
    /// Fields that the schema does not know, unread.
    pub unknown: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl ResponseRow<'_> {
    /// The tenant, trimmed; none where it is blank or absent.
    pub fn slug(&self) -> Option<&str> {
        self.slug_and_phase.slug.as_deref().map(str::trim).filter(|slug| !slug.is_empty())
    }

    /// Which known fields it has; a slug or phase that is `null` counts as absent.
    pub fn present_fields(&self) -> PresentFields {
        let row = &self.row;
        let present = [
            self.slug_and_phase.slug.is_some(),
            self.slug_and_phase.phase.is_some(),
            !row.ssm_status.is_absent(),
            !row.ssm_exit_code.is_absent(),
            !row.healthz_ok.is_absent(),
            !row.verified_on_target.is_absent(),
            !row.running_image.is_absent(),
            !row.error.is_absent(),
        ];
        PresentFields((0..).zip(present).map(|(bit, present)| u8::from(present) << bit).sum())
    }

    /// The phase.
    pub fn phase(&self) -> Option<&str> {
        self.slug_and_phase.phase.as_deref()
    }
}

impl JsonSchema for ResponseRow<'_> {
    fn schema_name() -> Cow<'static, str> {
        "ResponseRow".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Row::json_schema(generator);
        schema.insert(
            "description".into(),
            "What the control plane says of one tenant. It may hold fields that are not described here.".into(),
        );
        schema.remove("additionalProperties");
        let mut properties = json_schema!({
            "slug": {"type": ["string", "null"], "description": "The tenant; blank or absent, the row belongs to nobody."},
            "phase": {"type": ["string", "null"], "description": "The part of the rollout, such as `canary` or `batch-1`."},
        });
        if let Some(evidence) = schema.get("properties").and_then(|properties| properties.as_object()) {
            // The document keeps fields that the operator names under `extra`; here they stand beside the others.
            for (name, property) in evidence.iter().filter(|(name, _)| *name != "extra") {
                properties.insert(name.clone(), property.clone());
            }
        }
        schema.insert("properties".into(), properties.to_value());
        schema
    }
}

impl<'a> ScannedRow<'a> for ResponseRow<'a> {
    fn take_slug_and_phase(&mut self) -> SlugAndPhase<'a> {
        std::mem::take(&mut self.slug_and_phase)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ResponseRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowVisitor;

        impl<'de> Visitor<'de> for RowVisitor {
            type Value = ResponseRow<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ResponseRow<'de>, A::Error> {
                let mut slug: Field<Plain<'de>> = Field::Absent;
                let mut phase: Field<Plain<'de>> = Field::Absent;
                let mut parsed = ResponseRow::default();
                while let Some(key) = access.next_key::<Key<'de>>()?.map(Key::name) {
                    let row = &mut parsed.row;
                    match &*key {
                        "slug" => read_once(&mut slug, &mut access)?,
                        "phase" => read_once(&mut phase, &mut access)?,
                        "ssm_status" => read_once(&mut row.ssm_status, &mut access)?,
                        "ssm_exit_code" => read_once(&mut row.ssm_exit_code, &mut access)?,
                        "healthz_ok" => read_once(&mut row.healthz_ok, &mut access)?,
                        "verified_on_target" => read_once(&mut row.verified_on_target, &mut access)?,
                        "running_image" => read_once(&mut row.running_image, &mut access)?,
                        "error" => read_once(&mut row.error, &mut access)?,
                        _ => {
                            if parsed.unknown.insert(key, access.next_value()?).is_some() {
                                return Err(A::Error::custom("the same key twice"));
                            }
                        }
                    }
                }
                let text = |field| match field {
                    Field::Given(Plain(text)) => Some(text),
                    Field::Absent | Field::Null => None,
                };
                parsed.slug_and_phase = SlugAndPhase { slug: text(slug), phase: text(phase) };
                Ok(parsed)
            }
        }

        deserializer.deserialize_map(RowVisitor)
    }
}

fn read_once<'de, T, A>(field: &mut Field<T>, access: &mut A) -> Result<(), A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if !field.is_absent() {
        return Err(A::Error::custom("the same key twice"));
    }
    *field = access.next_value()?;
    Ok(())
}
