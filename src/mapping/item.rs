//! Runs the filters of a mapping on one item: they give a row, a tenant of a fleet, or a skip.

use serde_json::Value as Json;

use crate::jq::filter::Filter;
use crate::jq::set_running;
use crate::jq::value::Value;
use crate::mapping::load::{FleetMapping, Items, RowField, RowMapping};
use crate::model::document::Row;
use crate::model::document::mapping::MappingProof;
use crate::model::document::text::{Field, Map, Scalar, Text};
use crate::text::escape::clipped;

/// How much of a value is shown in an error, in characters.
const MAX_SHOWN: usize = 60;

/// A row and its tenant.
pub(crate) struct MappedRow {
    pub(crate) slug: String,
    pub(crate) row: Row,
}

/// A tenant of a fleet.
pub(crate) struct MappedTenant {
    pub(crate) slug: String,
    pub(crate) labels: Map<Text>,
}

/// Why the value of a filter cannot be used.
pub(crate) struct FilterError {
    /// The filter's key.
    pub(crate) filter: String,
    pub(crate) problem: String,
}

/// What a filter runs on: an item, and the values of the variables.
pub(crate) struct FilterInput<'a> {
    pub(crate) item: &'a Value,
    /// In the order in which the filters were compiled with them.
    pub(crate) variables: &'a [Value],
}

impl FilterInput<'_> {
    fn evaluate(&self, filter: &Filter, key: &str) -> Result<Json, FilterError> {
        set_running(key);
        let value = filter
            .single_value(self.item, self.variables)
            .and_then(|value| value.json().map_err(|what| format!("found {what}")));
        value.map_err(|problem| FilterError { filter: key.to_owned(), problem })
    }

    /// Whether the item is skipped.
    pub(crate) fn is_skipped(&self, items: &Items) -> Result<bool, FilterError> {
        let Some((skip, _)) = &items.skip else { return Ok(false) };
        match self.evaluate(skip, "skip")? {
            Json::Bool(is_skipped) => Ok(is_skipped),
            other => Err(wrong_type("skip", &other, "true or false")),
        }
    }

    fn slug(&self, filter: &Filter) -> Result<String, FilterError> {
        match self.evaluate(filter, "slug")? {
            Json::String(slug) if !slug.trim().is_empty() => Ok(slug.trim().to_owned()),
            other => Err(wrong_type("slug", &other, "a string that is not blank")),
        }
    }

    /// The row that the mapping makes of the item.
    pub(crate) fn row(&self, mapping: &RowMapping) -> Result<MappedRow, FilterError> {
        let slug = self.slug(&mapping.slug)?;
        let mut row = Row::default();
        let mut extra = Vec::new();
        for (field, filter) in &mapping.fields {
            let value = self.evaluate(filter, field.key())?;
            match field {
                RowField::Verified => row.verified_on_target = boolean(field, &value)?,
                RowField::Healthz => row.healthz_ok = absent_if_null(boolean(field, &value)?),
                RowField::Image => row.running_image = text(field, value)?,
                RowField::Error => row.error = text(field, value)?,
                RowField::Status => row.ssm_status = text(field, value)?,
                RowField::ExitCode => row.ssm_exit_code = integer(field, &value)?,
                RowField::Extra(name) => extra.extend(scalar(field, value)?.map(|scalar| (name.clone(), scalar))),
            }
        }
        row.extra = extra.into_iter().collect();
        debug_assert!(mapping.proof == MappingProof::Status || !row.verified_on_target.is_absent());
        Ok(MappedRow { slug, row })
    }

    /// The tenant that the mapping makes of the item.
    pub(crate) fn tenant(&self, mapping: &FleetMapping) -> Result<MappedTenant, FilterError> {
        let slug = self.slug(&mapping.slug)?;
        let labels = match mapping.labels.as_ref().map(|filter| self.evaluate(filter, "labels")).transpose()? {
            None | Some(Json::Null) => Map::default(),
            Some(Json::Object(labels)) => labels
                .into_iter()
                .filter(|(_, label)| !label.is_null())
                .map(|(name, label)| match label {
                    Json::String(label) => Ok((Text::from(name), Text::from(label))),
                    other => Err(wrong_type(&format!("labels, {name:?}"), &other, "a string or null")),
                })
                .collect::<Result<_, _>>()?,
            Some(other) => return Err(wrong_type("labels", &other, "an object or null")),
        };
        Ok(MappedTenant { slug, labels })
    }
}

fn wrong_type(filter: &str, found: &Json, allowed: &str) -> FilterError {
    let shown = found.to_string();
    let problem = format!("found {}, but only {allowed} is allowed", clipped(&shown, MAX_SHOWN));
    FilterError { filter: filter.to_owned(), problem }
}

/// The field, absent where it is `null`.
fn absent_if_null<T>(field: Field<T>) -> Field<T> {
    if let Field::Null = field { Field::Absent } else { field }
}

fn boolean(field: &RowField, given: &Json) -> Result<Field<bool>, FilterError> {
    match given {
        Json::Null => Ok(Field::Null),
        Json::Bool(value) => Ok(Field::Given(*value)),
        other => Err(wrong_type(field.key(), other, "true, false or null")),
    }
}

fn text(field: &RowField, given: Json) -> Result<Field<Text>, FilterError> {
    match given {
        Json::Null => Ok(Field::Absent),
        Json::String(text) => Ok(Field::Given(Text::from(text))),
        other => Err(wrong_type(field.key(), &other, "a string or null")),
    }
}

fn integer(field: &RowField, given: &Json) -> Result<Field<i64>, FilterError> {
    match given {
        Json::Null => Ok(Field::Absent),
        other => {
            let integer = other.as_i64().map(Field::Given);
            integer.ok_or_else(|| wrong_type(field.key(), other, "an integer of 64 bits or null"))
        }
    }
}

fn scalar(field: &RowField, given: Json) -> Result<Option<Scalar>, FilterError> {
    match given {
        Json::Null => Ok(None),
        Json::Bool(value) => Ok(Some(Scalar::Boolean(value))),
        Json::Number(number) => Ok(Some(Scalar::Number(number))),
        Json::String(text) => Ok(Some(Scalar::String(Text::from(text)))),
        other => Err(wrong_type(field.key(), &other, "a string, a number, a boolean or null")),
    }
}
