//! The drill's Gitea: the questions of contract section 5 on loopback, and what a scenario answers to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::drill::names::{SHA, TOKEN};

/// A Gitea on which every gate is open, but for what is said here. Of several answers to a question, one is given each
/// time, and the last one for good.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gitea {
    /// To the kill switch's variable; it is not set where there is none.
    pub switch: Vec<Answer>,
    /// The job's own value of the kill switch.
    pub job_value: String,
    /// To the repository.
    pub repository: Vec<Answer>,
    /// To the same variable of the repository's owner; it is not set where there is none.
    pub owner_switch: Vec<Answer>,
    /// To the owner as an organization; it is one where there is none.
    pub owner: Vec<Answer>,
    /// To the user that the token is of; it is not the owner where there is none.
    pub user: Vec<Answer>,
    /// To the same variable of that user; it is not set where there is none.
    pub user_switch: Vec<Answer>,
    /// To the branch; its head is the job's commit where there is none.
    pub head: Vec<Answer>,
    /// The CI contexts that have to be green.
    pub required_contexts: Vec<String>,
    /// To the first page of the commit's statuses; every required context is green where there is none.
    pub statuses: Vec<Answer>,
}

impl Default for Gitea {
    fn default() -> Self {
        Self {
            switch: Vec::new(),
            job_value: String::new(),
            repository: Vec::new(),
            owner_switch: Vec::new(),
            owner: Vec::new(),
            user: Vec::new(),
            user_switch: Vec::new(),
            head: Vec::new(),
            required_contexts: vec!["ci / test (push)".into()],
            statuses: Vec::new(),
        }
    }
}

/// An answer to a question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON.
    pub body: Value,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: 200, body: Value::Object(serde_json::Map::new()) }
    }
}

/// Answers to one question, and how often it was asked.
struct Answers {
    answers: Vec<Answer>,
    asked: AtomicUsize,
}

struct Served {
    switch: Answers,
    repository: Answers,
    owner_switch: Answers,
    owner: Answers,
    user: Answers,
    user_switch: Answers,
    head: Answers,
    statuses: Answers,
}

impl Answers {
    fn of(given: &[Answer], usual: impl FnOnce() -> Answer) -> Self {
        let answers = if given.is_empty() { vec![usual()] } else { given.to_vec() };
        Self { answers, asked: AtomicUsize::new(0) }
    }

    fn next(&self, headers: &HeaderMap) -> Response {
        let token = format!("token {TOKEN}");
        if headers.get(AUTHORIZATION).is_none_or(|given| given.as_bytes() != token.as_bytes()) {
            return answer(&Answer { status: 401, body: json!({"message": "token is required"}) });
        }
        let asked = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        answer(&self.answers[asked])
    }
}

fn answer(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], answer.body.to_string()).into_response()
}

/// The routes of a Gitea that answers as the scenario says.
pub fn router(gitea: &Gitea) -> Router {
    let ok = |body| Answer { body, ..Answer::default() };
    let green = || {
        let status = |(id, context)| json!({"id": id, "context": context, "status": "success"});
        ok((1..).zip(&gitea.required_contexts).map(status).collect())
    };
    let gone = || Answer { status: 404, body: json!({"message": "not found"}) };
    let served = Served {
        switch: Answers::of(&gitea.switch, gone),
        owner_switch: Answers::of(&gitea.owner_switch, gone),
        owner: Answers::of(&gitea.owner, || ok(json!({"name": "shop"}))),
        user: Answers::of(&gitea.user, || ok(json!({"login": "gate"}))),
        user_switch: Answers::of(&gitea.user_switch, gone),
        repository: Answers::of(&gitea.repository, || ok(json!({"full_name": "shop/platform"}))),
        head: Answers::of(&gitea.head, || ok(json!({"commit": {"id": SHA}}))),
        statuses: Answers::of(&gitea.statuses, green),
    };
    let repository = "/api/v1/repos/{owner}/{name}";
    let variable = "actions/variables/{variable}";
    Router::new()
        .route(repository, asked(|served| &served.repository))
        .route(&format!("{repository}/{variable}"), asked(|served| &served.switch))
        .route("/api/v1/orgs/{owner}", asked(|served| &served.owner))
        .route(&format!("/api/v1/orgs/{{owner}}/{variable}"), asked(|served| &served.owner_switch))
        .route("/api/v1/user", asked(|served| &served.user))
        .route(&format!("/api/v1/user/{variable}"), asked(|served| &served.user_switch))
        .route(&format!("{repository}/branches/{{branch}}"), asked(|served| &served.head))
        .route(&format!("{repository}/commits/{{sha}}/statuses"), get(statuses))
        .with_state(Arc::new(served))
}

/// The next answer to one question.
fn asked(question: fn(&Served) -> &Answers) -> MethodRouter<Arc<Served>> {
    get(move |State(served): State<Arc<Served>>, headers: HeaderMap| async move { question(&served).next(&headers) })
}

#[derive(Deserialize)]
struct Page {
    page: u32,
}

async fn statuses(State(served): State<Arc<Served>>, headers: HeaderMap, Query(at): Query<Page>) -> Response {
    match at.page {
        1 => served.statuses.next(&headers),
        _ => answer(&Answer { status: 200, body: json!([]) }),
    }
}
