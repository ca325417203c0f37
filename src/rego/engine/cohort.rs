//! Cohorts as values of the engine. There may be one for each tenant, so texts are shared with the document and keys among
//! all of them.

use std::collections::BTreeMap;

use regorus::Value;

use crate::model::document::text::{Field, Map, Scalar, Text};
use crate::model::document::{Cohort, Row};

/// The keys of a cohort and of a row.
#[derive(Debug)]
pub struct Keys {
    planned: Value,
    labels: Value,
    call: Value,
    tenants: Value,
    rows: Value,
    ssm_status: Value,
    ssm_exit_code: Value,
    healthz_ok: Value,
    verified_on_target: Value,
    running_image: Value,
    error: Value,
    extra: Value,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            planned: "planned".into(),
            labels: "labels".into(),
            call: "call".into(),
            tenants: "tenants".into(),
            rows: "rows".into(),
            ssm_status: "ssm_status".into(),
            ssm_exit_code: "ssm_exit_code".into(),
            healthz_ok: "healthz_ok".into(),
            verified_on_target: "verified_on_target".into(),
            running_image: "running_image".into(),
            error: "error".into(),
            extra: "extra".into(),
        }
    }
}

impl Keys {
    /// A cohort with these tenants. It is made in one piece: an object that is changed afterwards takes more memory.
    pub fn cohort(&self, cohort: &Cohort, tenants: Value) -> Value {
        let Cohort { planned, labels, call, tenants: _, rows, origins: _ } = cohort;
        let rows: Vec<Value> = rows.iter().map(|row| self.row(row)).collect();
        object([
            (&self.call, call.map(Value::from)),
            (&self.labels, (!labels.is_empty()).then(|| map(labels, text))),
            (&self.planned, Some(Value::Bool(*planned))),
            (&self.rows, Some(rows.into())),
            (&self.tenants, Some(tenants)),
        ])
    }

    fn row(&self, row: &Row) -> Value {
        let Row { ssm_status, ssm_exit_code, healthz_ok, verified_on_target, running_image, error, extra } = row;
        object([
            (&self.error, field(error.as_ref(), text)),
            (&self.extra, (!extra.is_empty()).then(|| map(extra, scalar))),
            (&self.healthz_ok, field(*healthz_ok, Value::Bool)),
            (&self.running_image, field(running_image.as_ref(), text)),
            (&self.ssm_exit_code, field(*ssm_exit_code, Value::from)),
            (&self.ssm_status, field(ssm_status.as_ref(), text)),
            (&self.verified_on_target, field(*verified_on_target, Value::Bool)),
        ])
    }
}

/// An object of those entries that have a value. They are given by key, so that there is nothing to sort.
fn object<const N: usize>(entries: [(&Value, Option<Value>); N]) -> Value {
    let given = entries.into_iter().filter_map(|(key, value)| Some((key.clone(), value?)));
    given.collect::<BTreeMap<_, _>>().into()
}

fn field<T>(field: Field<T>, value: impl FnOnce(T) -> Value) -> Option<Value> {
    match field {
        Field::Absent => None,
        Field::Null => Some(Value::Null),
        Field::Given(given) => Some(value(given)),
    }
}

/// A text, shared.
pub fn text(text: &Text) -> Value {
    Value::String(text.shared())
}

fn scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(*value),
        Scalar::Number(number) => serde_json::Value::from(number.clone()).into(),
        Scalar::String(value) => text(value),
    }
}

fn map<T>(map: &Map<T>, value: impl Fn(&T) -> Value) -> Value {
    map.iter().map(|(name, of)| (text(name), value(of))).collect::<BTreeMap<_, _>>().into()
}
