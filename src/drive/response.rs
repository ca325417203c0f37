//! The response file of a rollout, in the reference's own words (contract section 4.6).

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::document::text::{Field, Text};
use crate::model::document::{Document, Purpose};

/// The response file (contract section 4.6), keys sorted.
#[derive(Serialize)]
pub struct Response<'a> {
    /// Why it is not ok.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// Whether the rollout is a success.
    pub ok: bool,
    /// The well-formed rows, as they came.
    pub results: &'a [Box<RawValue>],
    /// The tenants that are not proven.
    #[serde(skip_serializing_if = "<[Text]>::is_empty")]
    pub stragglers: &'a [Text],
}

/// The last call that failed, in the reference's words: its last attempt ended, and was no HTTP 200 with `ok` true.
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
    let reason = attempt.failure.as_ref().map(|failure| &failure.reason);
    let detail = attempt.error.as_ref().or(reason).or(attempt.malformed.as_ref()).map_or("", |text| text);
    let tenants: Vec<&str> = call.tenants.iter().map(|tenant| &**tenant).collect();
    Some(match call.purpose {
        Purpose::Plan => format!("redeploy plan call failed: {status}, ok={ok}, detail={detail}"),
        Purpose::Canary | Purpose::Batch => {
            format!("redeploy scoped call failed for {}: {status}, ok={ok}, detail={detail}", tenants.join(","))
        }
    })
}
