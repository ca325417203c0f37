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
    /// A cohort with these tenants. It is made in one piece: the engine has objects that do not change in little room.
    pub fn cohort(&self, cohort: &Cohort, tenants: Value) -> Value {
        let Cohort { planned, labels, call, tenants: _, rows, origins: _ } = cohort;
        let mut object = BTreeMap::new();
        object.insert(self.planned.clone(), Value::Bool(*planned));
        if !labels.is_empty() {
            object.insert(self.labels.clone(), map(labels, text));
        }
        if let Some(call) = call {
            object.insert(self.call.clone(), Value::from(*call));
        }
        object.insert(self.tenants.clone(), tenants);
        object.insert(self.rows.clone(), rows.iter().map(|row| self.row(row)).collect::<Vec<_>>().into());
        object.into()
    }

    fn row(&self, row: &Row) -> Value {
        let Row { ssm_status, ssm_exit_code, healthz_ok, verified_on_target, running_image, error, extra } = row;
        let fields = [
            (&self.ssm_status, ssm_status.as_ref().map(text)),
            (&self.ssm_exit_code, ssm_exit_code.map(Value::from)),
            (&self.healthz_ok, healthz_ok.map(Value::Bool)),
            (&self.verified_on_target, verified_on_target.map(Value::Bool)),
            (&self.running_image, running_image.as_ref().map(text)),
            (&self.error, error.as_ref().map(text)),
        ];
        let given = fields.into_iter().filter_map(|(key, field)| match field {
            Field::Absent => None,
            Field::Null => Some((key.clone(), Value::Null)),
            Field::Given(value) => Some((key.clone(), value)),
        });
        let extra = (!extra.is_empty()).then(|| (self.extra.clone(), map(extra, scalar)));
        given.chain(extra).collect::<BTreeMap<_, _>>().into()
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
