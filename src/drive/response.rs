//! The response file of a rollout, in the reference's own words (contract section 4.6).

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::document::{Document, Field, Purpose, Text};

/// The response file (contract section 4.6), keys sorted.
pub fn response(ok: bool, results: &[Box<RawValue>], stragglers: &[Text], error: Option<&str>) -> Value {
    let mut response = Map::new();
    if let Some(error) = error {
        response.insert("error".into(), error.into());
    }
    response.insert("ok".into(), ok.into());
    let rows = results.iter().map(|row| serde_json::from_str::<Value>(row.get()).unwrap_or(Value::Null));
    response.insert("results".into(), rows.collect());
    if !stragglers.is_empty() {
        response.insert("stragglers".into(), json!(stragglers));
    }
    Value::Object(response)
}

/// The reference's words for the last call that failed: its last attempt ended, and was no HTTP 200 with `ok` true.
pub fn failed_call(document: &Document) -> Option<String> {
    let ended =
        document.calls.iter().filter_map(|call| Some((call, call.attempts.last().filter(|attempt| attempt.last)?)));
    let (call, attempt) = ended.rev().find(|(call, attempt)| {
        attempt.status != Some(200) || call.ok != Field::Given(true) || attempt.malformed.is_some()
    })?;
    let status = attempt.status.map_or_else(|| "no answer".into(), |status| format!("HTTP {status}"));
    let ok = match call.ok {
        Field::Absent => "absent".to_owned(),
        Field::Null => "null".to_owned(),
        Field::Given(ok) => ok.to_string(),
    };
    let detail = attempt.error.as_ref().or(attempt.malformed.as_ref()).map_or("", |text| text);
    let tenants: Vec<&str> = call.tenants.iter().map(|tenant| &**tenant).collect();
    Some(match call.purpose {
        Purpose::Plan => format!("redeploy plan call failed: {status}, ok={ok}, detail={detail}"),
        Purpose::Canary | Purpose::Batch => {
            format!("redeploy scoped call failed for {}: {status}, ok={ok}, detail={detail}", tenants.join(","))
        }
    })
}
