//! The kill switch, live (contract section 5): a variable of the repository. 404 is the only "off", and is believed only
//! of a repository that the token can see; with a 403 the job's own value counts; all else is unreadable.

use serde_json::Value;

use crate::error::Error;
use crate::gates::gitea::Gitea;
use crate::io::clock::now;
use crate::io::config::plan::Settings;
use crate::io::environment::{is_truthy, var};
use crate::model::document::gates::{SwitchReading, SwitchSource, SwitchState};
use crate::model::document::text::Text;

/// How many characters of a value are kept.
const KEPT: usize = 64;

/// The kill switch of a repository.
#[derive(Debug)]
pub struct KillSwitch {
    variable: String,
    /// The job's own value.
    job: Option<String>,
}

impl KillSwitch {
    /// The one that the configuration names, with the value that the job's environment has.
    ///
    /// # Errors
    /// [`Error::Usage`] where its name or that value cannot be used.
    pub fn from_environment(plan: &Settings) -> Result<Self, Error> {
        let variable = plan.variable("DISABLED")?;
        Ok(Self { job: var(&variable)?, variable })
    }

    /// Reads it, before the call with this index.
    pub async fn read(&self, gitea: &Gitea, before: u32) -> SwitchReading {
        let answer = gitea.get(&format!("/actions/variables/{}", self.variable)).await;
        let mut reading = SwitchReading {
            at: now(),
            before,
            variable: Text::from(&*self.variable),
            state: SwitchState::Unreadable,
            source: SwitchSource::Live,
            value: None,
            asked: answer.asked.clone(),
        };
        if answer.is(404) {
            let repository = gitea.get("").await;
            reading.asked.requests += repository.asked.requests;
            reading.asked.answers += repository.asked.answers;
            if repository.json().is_some_and(|repository| repository.is_object()) {
                reading.state = SwitchState::Off;
            } else {
                let repository = repository.unreadable("no repository");
                let why = repository.problem.as_deref().unwrap_or_default();
                reading.asked.status = repository.status;
                reading.asked.problem = Some(Text::from(format!(
                    "HTTP 404 says nothing, because the token cannot read the repository either: {why}"
                )));
            }
        } else if answer.is(403) {
            reading.source = SwitchSource::Job;
            reading.see(&self.job.clone().unwrap_or_default());
            reading.asked = answer.unreadable("none");
        } else {
            match answer.json().as_ref().and_then(value) {
                Some(value) => reading.see(value),
                None => reading.asked = answer.unreadable("no variable"),
            }
        }
        reading
    }
}

impl SwitchReading {
    fn see(&mut self, value: &str) {
        self.state = if is_truthy(value) { SwitchState::Armed } else { SwitchState::Off };
        let kept: String = value.trim().chars().take(KEPT).collect();
        self.value = Some(kept).filter(|value| !value.is_empty()).map(Text::from);
    }
}

/// The value of a variable as a Gitea gives it: in `data`, or in `value`; none where the two do not agree.
fn value(variable: &Value) -> Option<&str> {
    match (&variable["data"], &variable["value"]) {
        (Value::String(data), Value::String(value)) if is_truthy(data) || is_truthy(value) => {
            Some(if is_truthy(value) { value } else { data })
        }
        (Value::String(data), Value::String(value)) => (data.trim() == value.trim()).then_some(data),
        (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => Some(text),
        _ => None,
    }
}
