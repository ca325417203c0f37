//! The gates before and while a rollout is driven (contract section 5): the real binary against a Gitea of raw bytes.

use std::collections::HashMap;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::drive::plane::{Plane, Reply, Request, http};
use crate::support::{Case, Ran, rollproof, run};

pub const TOKEN: &str = "g1tea-t0ken";
pub const SHA: &str = "abcdef1234567890abcdef1234567890abcdef12";
pub const OTHER: &str = "1234567890abcdef1234567890abcdef12345678";

const REPOSITORY: &str = "/api/v1/repos/shop/platform";
const OWNER: &str = "/api/v1/orgs/shop";
const VARIABLE: &str = "/api/v1/repos/shop/platform/actions/variables/PROD_AUTO_DEPLOY_DISABLED";

/// The path and query that a request asks for.
pub fn path(request: &Request) -> String {
    request.head.split(' ').nth(1).expect("a path").to_owned()
}

/// A Gitea whose owner is an organization without variables. `reply` is asked with the path below the repository, and how
/// often that was asked before.
pub fn gitea(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Plane {
    let asked = Mutex::new(HashMap::<String, usize>::new());
    Plane::new(move |_, request| {
        let path = path(request);
        if let Some(below) = path.strip_prefix(OWNER) {
            return if below.is_empty() { ok(&json!({"name": "shop"})) } else { Reply::Json(404, json!({})) };
        }
        let below = path.strip_prefix(REPOSITORY).expect("only this repository and its owner are asked for");
        let mut asked = asked.lock().expect("it is not poisoned");
        let often = asked.entry(below.to_owned()).or_default();
        *often += 1;
        let before = *often - 1;
        drop(asked);
        reply(below, before)
    })
}

/// A folder with short delays.
fn folder() -> Case {
    let case = Case::new();
    case.file(
        "rollproof.toml",
        "[gitea]\nretry_delays_seconds = [0.01, 0.01]\ntimeout_seconds = 0.5\n[http]\nretry_delays_seconds = [0.01]\n",
    );
    case
}

/// What a job on this Gitea has in its environment.
pub fn job<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command
        .env("GITEA_HOST", url)
        .env("GITEA_TOKEN", TOKEN)
        .env("GITHUB_REPOSITORY", "shop/platform")
        .env("GITHUB_SHA", SHA)
        .env("CI_STATUS_POLL_INTERVAL_SECONDS", "0.02")
        .env("CI_STATUS_TIMEOUT_SECONDS", "0.1")
}

fn ask(gate: &str, url: &str, variables: &[(&str, &str)]) -> Ran {
    let case = folder();
    let mut command = rollproof();
    command.args(["preflight", gate]).current_dir(case.path(""));
    run(job(&mut command, url).envs(variables.iter().copied()))
}

pub fn ok(value: &Value) -> Reply {
    Reply::Json(200, value.clone())
}

const NOTHING: Reply = Reply::Close;

// The kill switch.

/// Asks the switch of a Gitea that answers so for the variable and for the repository.
fn switch(variable: Reply, repository: Reply, job_value: Option<&str>) -> (Ran, usize) {
    let plane = gitea(move |path, _| if path.is_empty() { repository.clone() } else { variable.clone() });
    let value: Vec<(&str, &str)> = job_value.iter().map(|value| ("PROD_AUTO_DEPLOY_DISABLED", *value)).collect();
    let ran = ask("enabled", &plane.url, &value);
    (ran, plane.requests().len())
}

#[test]
fn the_kill_switch_is_read_as_the_contract_says() {
    let repository = || ok(&json!({"full_name": "shop/platform"}));
    let gone = || Reply::Json(404, json!({"message": "not found"}));
    let html = || Reply::Raw(http(200, "<html>sign in</html>"));
    let cut = || Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\": \"false\"}".to_vec());
    let moved = || Reply::Raw(b"HTTP/1.1 301 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec());
    let text = |body: &str| Reply::Raw(http(200, body));
    let none = "";
    let unreadable = "gates.switch_unreadable";
    // What the variable and the repository are answered with; the exit code, the finding, and how many requests it took.
    for (name, variable, on_repository, code, said, requests) in [
        ("404 where the repository is readable", gone(), repository(), 0, none, 4),
        ("404 where the repository is not", gone(), gone(), 1, unreadable, 2),
        ("404 where the token may not read the repository", gone(), Reply::Json(403, json!({})), 1, unreadable, 2),
        ("404 where the repository is a redirect", gone(), moved(), 1, unreadable, 2),
        ("404 where the repository fails", gone(), Reply::Json(500, json!({})), 1, unreadable, 2),
        ("404 where the repository never answers", gone(), NOTHING, 1, unreadable, 4),
        ("armed in `data`", ok(&json!({"data": "true"})), NOTHING, 1, "gates.disabled", 1),
        ("armed in `value`", ok(&json!({"value": " DISABLED\n"})), NOTHING, 1, "gates.disabled", 1),
        ("not armed in `data`", ok(&json!({"name": "x", "data": "false"})), NOTHING, 0, none, 1),
        ("not armed in `value`", ok(&json!({"value": ""})), NOTHING, 0, none, 1),
        ("both, and one is armed", ok(&json!({"data": "", "value": "on"})), NOTHING, 1, "gates.disabled", 1),
        ("no such object", ok(&json!({"name": "x"})), NOTHING, 1, unreadable, 1),
        ("a boolean", ok(&json!({"data": false})), NOTHING, 1, unreadable, 1),
        ("an array", ok(&json!([])), NOTHING, 1, unreadable, 1),
        ("a string", ok(&json!("false")), NOTHING, 1, unreadable, 1),
        ("off, then armed", text(r#"{"data": "false", "data": "true"}"#), NOTHING, 1, unreadable, 1),
        ("armed, then off", text(r#"{"data": "true", "data": "false"}"#), NOTHING, 1, unreadable, 1),
        ("off twice", text(r#"{"data": "false", "data": "false"}"#), NOTHING, 1, unreadable, 1),
        ("twice, escaped", text(r#"{"data": "true", "d\u0061ta": "false"}"#), NOTHING, 1, unreadable, 1),
        ("another key twice", text(r#"{"name": "a", "data": "false", "name": "b"}"#), NOTHING, 1, unreadable, 1),
        ("two that differ", ok(&json!({"data": "false", "value": "0"})), NOTHING, 1, unreadable, 1),
        ("two of which one is blank", ok(&json!({"data": "false", "value": ""})), NOTHING, 1, unreadable, 1),
        ("two that agree", ok(&json!({"data": "false", "value": " false"})), NOTHING, 0, none, 1),
        ("two of which one is a boolean", ok(&json!({"data": "false", "value": true})), NOTHING, 1, unreadable, 1),
        ("a byte order mark", text("\u{feff}{\"data\": \"false\"}"), NOTHING, 1, unreadable, 1),
        ("a token in the value", ok(&json!({"data": TOKEN})), NOTHING, 1, unreadable, 1),
        ("a token in a key", ok(&json!({"data": "false", TOKEN: 1})), NOTHING, 1, unreadable, 1),
        ("a word that is none", ok(&json!({"data": "yes please"})), NOTHING, 1, unreadable, 1),
        ("a letter too many", ok(&json!({"data": "yess"})), NOTHING, 1, unreadable, 1),
        ("a word with quotes", ok(&json!({"value": "\"true\""})), NOTHING, 1, unreadable, 1),
        ("both, and one is a word that is none", ok(&json!({"data": "", "value": "y"})), NOTHING, 1, unreadable, 1),
        ("both, and both are the same such word", ok(&json!({"data": "y", "value": "y"})), NOTHING, 1, unreadable, 1),
        ("a token elsewhere", ok(&json!({"data": "false", "description": TOKEN})), NOTHING, 0, none, 1),
        ("404 where the repository is a page", gone(), html(), 1, unreadable, 2),
        ("404 where the repository says two things", gone(), text(r#"{"id": 1, "id": 2}"#), 1, unreadable, 2),
        ("404 where the repository is an array", gone(), ok(&json!([])), 1, unreadable, 2),
        ("junk", html(), NOTHING, 1, unreadable, 1),
        ("an empty answer", Reply::Raw(http(200, "")), NOTHING, 1, unreadable, 1),
        ("204", Reply::Raw(http(204, "")), NOTHING, 1, unreadable, 1),
        ("an answer that breaks off", cut(), NOTHING, 1, unreadable, 3),
        ("a redirect", moved(), NOTHING, 1, unreadable, 1),
        ("401", Reply::Json(401, json!({})), NOTHING, 1, unreadable, 1),
        ("429", Reply::Json(429, json!({})), NOTHING, 1, unreadable, 1),
        ("500", Reply::Json(500, json!({})), NOTHING, 1, unreadable, 1),
        ("502, three times", Reply::Json(502, json!({})), NOTHING, 1, unreadable, 3),
        ("no network", NOTHING, NOTHING, 6, unreadable, 3),
        ("no answer in time", Reply::Stall(Duration::from_secs(2)), NOTHING, 6, unreadable, 3),
    ] {
        // The job's own "off" says nothing here: it is of the time when the job began.
        let (ran, asked) = switch(variable, on_repository, Some("false"));
        assert_eq!((ran.code, asked), (code, requests), "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(said), "{name}: {said} is not in {}", ran.stdout);
        if said == unreadable {
            assert!(ran.stdout.contains("PROD_AUTO_DEPLOY_DISABLED cannot be read"), "{name}: {}", ran.stdout);
        }
    }
}

/// In real life a switch that failed closed on a 403 blocked every rollout (contract section 6).
#[test]
fn a_403_falls_back_to_the_jobs_own_value_and_says_so_loudly() {
    let forbidden = || Reply::Json(403, json!({"message": "token does not have the scope"}));
    for value in [None, Some(""), Some("false"), Some(" Off ")] {
        let (ran, asked) = switch(forbidden(), NOTHING, value);
        assert_eq!((ran.code, asked), (0, 1), "{value:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("warn") && ran.stdout.contains("degraded"), "{value:?}: {}", ran.stdout);
        assert!(!ran.stdout.contains("gates.disabled"), "{value:?}: {}", ran.stdout);
    }
}

#[test]
fn the_jobs_own_armed_value_holds_and_nobody_is_asked() {
    for word in ["true", " True ", "disable", "1"] {
        let (ran, asked) = switch(ok(&json!({"data": "false"})), NOTHING, Some(word));
        assert_eq!((ran.code, asked), (1, 0), "{word:?}: {}{}", ran.stdout, ran.stderr);
        let said = format!("the kill switch of the job itself is armed: PROD_AUTO_DEPLOY_DISABLED={}", word.trim());
        assert!(one_line(&ran).contains(&said), "{word:?}: {}", ran.stdout);
        assert!(!ran.stdout.contains("degraded"), "{word:?}: {}", ran.stdout);
    }
    let ran = ask("enabled", "", &[("PROD_AUTO_DEPLOY_DISABLED", "on")]);
    assert_eq!(ran.code, 1, "it needs no Gitea: {}", ran.stderr);
}

#[test]
fn an_unknown_word_is_said() {
    let (ran, _) = switch(ok(&json!({"data": " yes please\n"})), NOTHING, None);
    let said = "the kill switch PROD_AUTO_DEPLOY_DISABLED cannot be read: it holds \"yes please\", which is no word for on \
                or off (for on: 1, true, yes, on, disabled, disable; for off: 0, false, no, off, or nothing)";
    assert!(one_line(&ran).contains(said), "{}", ran.stdout);
    assert!(one_line(&ran).contains("Set the variable to a word for on or for off"), "{}", ran.stdout);
    let (ran, asked) = switch(NOTHING, NOTHING, Some("stop"));
    assert_eq!((ran.code, asked), (2, 0), "{}", ran.stdout);
    for part in ["PROD_AUTO_DEPLOY_DISABLED: got \"stop\"", "disabled, disable", "0, false, no, off, or nothing"] {
        assert!(ran.stderr.contains(part), "{part} is not in {}", ran.stderr);
    }
}

/// What is written, in one line: texts are wrapped.
fn one_line(ran: &Ran) -> String {
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The whole table is tested where the switch is read, in `src/gates/kill_switch.rs`; this is what follows from it.
#[test]
fn an_owner_is_asked_where_the_repository_has_no_switch() {
    let says = |word: &str| ok(&json!({"data": word}));
    let status = |status| Reply::Json(status, json!({}));
    let (armed, held, degraded) = ("gates.disabled", "gates.switch_unreadable", "gates.switch_degraded");
    // What is answered for the repository's variable and the organization's, and for the organization.
    for (name, repository, variable, organization, code, said) in [
        ("nobody says on", status(404), status(404), status(200), 0, ""),
        ("the organization says on", status(404), says("on"), status(200), 1, armed),
        ("the organization says off", status(404), says("off"), status(200), 0, ""),
        ("the repository outweighs it", says("off"), says("on"), status(200), 0, ""),
        ("the organization says a word", status(404), says("maybe"), status(200), 1, held),
        ("the organization may not be asked", status(404), status(403), status(200), 0, degraded),
        ("the organization's token is refused", status(404), status(401), status(200), 1, held),
        ("the organization fails", status(404), status(404), status(500), 1, held),
        ("a user that is somebody else", status(404), status(404), status(404), 0, ""),
    ] {
        let plane = Plane::new(move |_, request| match &*path(request) {
            VARIABLE => repository.clone(),
            REPOSITORY => ok(&json!({})),
            OWNER => organization.clone(),
            "/api/v1/user" => ok(&json!({"login": "gate"})),
            _ => variable.clone(),
        });
        let ran = ask("enabled", &plane.url, &[("PROD_AUTO_DEPLOY_DISABLED", "off")]);
        assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
        for finding in [armed, held, degraded] {
            assert_eq!(ran.stdout.contains(finding), finding == said, "{name}: {}", ran.stdout);
        }
    }
}

#[test]
fn the_owner_who_armed_it_is_named() {
    let serve = |_: usize, request: &Request| match &*path(request) {
        VARIABLE => Reply::Json(404, json!({})),
        REPOSITORY => ok(&json!({})),
        _ => ok(&json!({"data": "yes"})),
    };
    let ran = ask("enabled", &Plane::new(serve).url, &[]);
    let said = "the kill switch of the owner shop is armed: PROD_AUTO_DEPLOY_DISABLED=yes";
    assert!(one_line(&ran).contains(said), "{}", ran.stdout);
}

#[test]
fn an_answer_without_end_is_bounded() {
    let start = Instant::now();
    let (ran, _) = switch(Reply::Huge, NOTHING, None);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(start.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_passing_fault_is_asked_again() {
    let plane = gitea(|path, before| match (path, before) {
        ("", 0) => Reply::Json(504, json!({})),
        ("", _) => ok(&json!({})),
        (_, 0) => Reply::Json(503, json!({})),
        (_, 1) => Reply::Close,
        _ => Reply::Json(404, json!({})),
    });
    let ran = ask("enabled", &plane.url, &[]);
    assert_eq!((ran.code, plane.requests().len()), (0, 7), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("PASS  every gate that was asked is open\n"), "{}", ran.stdout);
}

#[test]
fn without_a_token_nobody_is_asked() {
    let plane = gitea(|_, _| ok(&json!({"data": "false"})));
    for token in ["", "  "] {
        let ran = ask("enabled", &plane.url, &[("GITEA_TOKEN", token)]);
        assert_eq!(ran.code, 1, "the kill switch holds: {}", ran.stdout);
        assert!(ran.stdout.contains("GITEA_TOKEN is not set"), "{}", ran.stdout);
        assert_eq!(ask("ci", &plane.url, &[("GITEA_TOKEN", token), CONTEXTS]).code, 1, "CI is not known to be green");
        let latest = ask("latest", &plane.url, &[("GITEA_TOKEN", token)]);
        assert_eq!((latest.code, &*latest.stdout), (10, ""), "not superseded");
    }
    assert_eq!(plane.requests().len(), 0);
}

#[test]
fn every_request_carries_the_token_and_a_descriptive_user_agent() {
    let plane = gitea(|_, _| Reply::Json(500, json!({})));
    for gate in ["enabled", "ci", "latest"] {
        ask(gate, &plane.url, &[CONTEXTS]);
    }
    let requests = plane.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let head = request.head.to_ascii_lowercase();
        assert!(head.starts_with("get "), "{head}");
        for line in [&*format!("authorization: token {TOKEN}"), "accept: application/json"] {
            assert!(head.contains(&format!("{line}\r\n")), "{line} is not in {head}");
        }
        assert!(head.contains("user-agent: rollproof/"), "{head}");
    }
    assert_eq!(path(&plane.requests()[0]), VARIABLE);
}

#[test]
fn a_gitea_is_a_host_name_or_a_url_and_never_in_the_clear() {
    let plane = gitea(|_, _| ok(&json!({"data": ""})));
    assert_eq!(ask("enabled", &format!(" {}/ ", plane.url), &[]).code, 0, "a URL on loopback");
    assert_eq!(plane.requests().len(), 1);
    // A host name is asked by https, which nobody speaks here.
    assert_eq!(ask("enabled", plane.url.trim_start_matches("http://"), &[]).code, 6);
    for host in
        ["http://git.example", "ftp://127.0.0.1", "https://a:b@git.example", "https://", "https://git.example?x"]
    {
        let ran = ask("enabled", host, &[]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{host}: {}", ran.stderr);
        assert!(ran.stderr.contains("GITEA_HOST"), "{host}: {}", ran.stderr);
    }
    for (name, value) in [
        ("GITEA_HOST", ""),
        ("GITHUB_REPOSITORY", ""),
        ("GITHUB_REPOSITORY", "platform"),
        ("GITHUB_REPOSITORY", "shop/platform/x"),
        ("GITHUB_REPOSITORY", "shop/.."),
        ("GITHUB_REPOSITORY", "/platform"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_SHA", ""),
        ("GITHUB_REF_NAME", ".."),
        ("GITEA_TOKEN", "g1tea-t0ken\ng1tea-t0ken"),
        ("GITEA_TOKEN", "g1tea"),
    ] {
        let ran = ask("latest", &plane.url, &[(name, value)]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{name}={value}: {}", ran.stderr);
        assert!(ran.stderr.contains(name), "{name}={value}: {}", ran.stderr);
    }
    assert_eq!(plane.requests().len(), 1, "nobody was asked");
}

#[test]
fn every_variable_that_is_wrong_is_told_at_once() {
    let plane = gitea(|_, _| ok(&json!([])));
    let wrong = [
        ("PROD_AUTO_DEPLOY_DISABELD", "true"),
        ("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", ","),
        ("CI_STATUS_TIMEOUT_SECONDS", "-1"),
        ("CI_STATUS_POLL_INTERVAL_SECONDS", "soon"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_REPOSITORY", "platform"),
    ];
    let ran = ask("ci", &plane.url, &wrong);
    assert_eq!((ran.code, plane.requests().len()), (2, 0), "{}", ran.stderr);
    for (name, _) in wrong {
        assert!(ran.stderr.contains(name), "{name}: {}", ran.stderr);
    }
    for gate in ["enabled", "ci", "latest"] {
        let ran = ask(gate, &plane.url, &[CONTEXTS, ("PROD_AUTODEPLOY_DISABLD", "true")]);
        assert_eq!((ran.code, plane.requests().len()), (2, 0), "{gate}: {}", ran.stderr);
        assert!(ran.stderr.contains("did you mean PROD_AUTO_DEPLOY_DISABLED?"), "{gate}: {}", ran.stderr);
    }
}

// CI.

const CONTEXTS: (&str, &str) = ("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", "ci / test (push), lint\n");

/// A Gitea whose commit has these statuses, at most `clamp` on a page; one list a poll, the last one for good.
fn statuses(polls: Vec<Vec<Value>>, clamp: usize) -> Plane {
    gitea(move |path, before| {
        let query = path.strip_prefix(&format!("/commits/{SHA}/statuses?")).expect("only statuses are asked for");
        let (page, limit) = query.split_once('&').expect("two parameters");
        assert_eq!(limit, "limit=100");
        let page: usize = page.strip_prefix("page=").and_then(|page| page.parse().ok()).expect("a page");
        let poll = &polls[before.min(polls.len() - 1)];
        Reply::Json(200, poll.iter().skip((page - 1) * clamp).take(clamp).cloned().collect())
    })
}

pub fn status(id: u64, context: &str, state: &str) -> Value {
    json!({"id": id, "context": context, "status": state})
}

#[test]
fn only_success_of_the_newest_status_passes() {
    let other = |id| status(id, "nightly", "failure");
    let test = |id, state| status(id, "ci / test (push)", state);
    let lint = |id, state| status(id, "lint", state);
    let (failed, missing) = ("gates.ci_failed", "gates.ci_missing");
    for (name, statuses_, said) in [
        ("green", vec![test(1, "success"), lint(2, "success")], ""),
        ("green in any case", vec![test(1, "Success"), lint(2, " SUCCESS ")], ""),
        (
            "the state is in `state`",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "state": "success"})],
            "",
        ),
        ("newest first", vec![lint(9, "success"), test(8, "success"), lint(7, "failure"), other(6)], ""),
        ("newest last", vec![other(1), lint(2, "failure"), test(3, "success"), lint(4, "success")], ""),
        ("an older success", vec![lint(9, "failure"), test(8, "success"), lint(7, "success")], failed),
        (
            "an older success, in the other order",
            vec![lint(7, "success"), test(8, "success"), lint(9, "failure")],
            failed,
        ),
        ("past page one", vec![test(9, "success"), other(8), other(7), other(6), other(5), lint(4, "success")], ""),
        ("missing", vec![test(1, "success")], missing),
        ("nothing at all", vec![], missing),
        ("another context's name", vec![test(1, "success"), status(2, "lint / more", "success")], missing),
        ("pending", vec![test(1, "success"), lint(2, "pending")], missing),
        ("a warning", vec![test(1, "success"), lint(2, "warning")], failed),
        ("an unknown state", vec![test(1, "success"), lint(2, "waiting")], failed),
        ("no state", vec![test(1, "success"), json!({"id": 2, "context": "lint"})], missing),
        ("newest is pending", vec![test(1, "success"), lint(2, "success"), lint(3, "pending")], missing),
        ("the same number, the worse first", vec![test(1, "success"), lint(2, "failure"), lint(2, "success")], failed),
        ("the same number, the worse last", vec![test(1, "success"), lint(2, "success"), lint(2, "failure")], failed),
        ("the same number, one pending", vec![test(1, "success"), lint(2, "pending"), lint(2, "success")], missing),
        (
            "`status` success, `state` failure",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "status": "success", "state": "failure"})],
            failed,
        ),
        (
            "`status` failure, `state` success",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "status": "failure", "state": "success"})],
            failed,
        ),
        (
            "`status` success, `state` pending",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "status": "success", "state": "pending"})],
            missing,
        ),
        (
            "`status` success, `state` a number",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "status": "success", "state": 1})],
            missing,
        ),
        (
            "`status` null, `state` success",
            vec![test(1, "success"), json!({"id": 2, "context": "lint", "status": null, "state": "Success"})],
            "",
        ),
        ("a token in a state", vec![test(1, "success"), lint(2, TOKEN)], missing),
        ("no id", vec![test(1, "success"), json!({"context": "lint", "status": "success"})], missing),
        ("no object", vec![test(1, "success"), lint(2, "success"), json!(7)], missing),
    ] {
        for clamp in [1, 2, 50] {
            let plane = statuses(vec![statuses_.clone()], clamp);
            let ran = ask("ci", &plane.url, &[CONTEXTS]);
            assert_eq!(ran.code, i32::from(!said.is_empty()), "{name}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains(said), "{name}: {said} is not in {}", ran.stdout);
            let last = path(plane.requests().last().expect("a request"));
            let pages = statuses_.len().div_ceil(clamp) + 1;
            if said.is_empty() {
                assert!(last.contains(&format!("page={pages}&")), "{name}: read until the empty page: {last}");
            }
        }
    }
}

#[test]
fn a_state_that_ends_ends_at_once() {
    for state in ["failure", "error", "cancelled", "canceled", "skipped", "FAILURE", "warning", "a new word", "missing"]
    {
        let plane = statuses(vec![vec![status(1, "lint", state), status(2, "ci / test (push)", "pending")]], 50);
        let ran = ask("ci", &plane.url, &[CONTEXTS, ("CI_STATUS_TIMEOUT_SECONDS", "60")]);
        assert_eq!((ran.code, plane.requests().len()), (1, 2), "{state}: one poll: {}", ran.stdout);
        let said = format!("1 required CI context is red: lint: {}", state.to_lowercase());
        assert!(ran.stdout.contains(&said), "{state}: {}", ran.stdout);
    }
}

#[test]
fn a_missing_context_is_never_satisfied_and_named_with_the_last_state() {
    let plane = statuses(vec![vec![status(1, "ci / test (push)", "pending")]], 50);
    let ran = ask("ci", &plane.url, &[CONTEXTS]);
    assert_eq!(ran.code, 1);
    let said = "2 required CI contexts are not known to be green: ci / test (push): pending, lint: missing";
    // The text is wrapped.
    assert!(ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{}", ran.stdout);
    assert!(plane.requests().len() > 4, "it was polled again and again");
}

#[test]
fn the_contexts_that_the_commit_has_are_named_nearest_first() {
    let names = ["e2e", "CI / Build (Push)", "ci / build (pull_request)", "ci / lint (push)", "lint"];
    let others: Vec<Value> = (1..).zip(names).map(|(id, name)| status(id, name, "success")).collect();
    let plane = statuses(vec![others], 2);
    let required = |list| [("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list)];
    let ran = ask("ci", &plane.url, &required("ci / build (push), lint"));
    let said = "1 required CI context is not known to be green: ci / build (push): missing; what is missing may be \
                misspelt: the commit has CI / Build (Push), ci / build (pull_request), ci / lint (push), e2e";
    assert!(one_line(&ran).contains(said), "{}", ran.stdout);
    assert!(!ran.stdout.contains("is no pattern"), "{}", ran.stdout);
    let lines = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(lines.contains("waiting for ci / build (push), 1 s at most; what is missing may be misspelt"), "{lines}");
    let ran = ask("ci", &plane.url, &required("ci / *"));
    assert!(one_line(&ran).contains("; `*` is no pattern, so each context is named in full"), "{}", ran.stdout);
    // Where nothing is missing, nobody is suspected.
    let plane = statuses(vec![vec![status(1, "lint", "pending"), status(2, "lints", "success")]], 50);
    let ran = ask("ci", &plane.url, &required("lint"));
    assert!(!one_line(&ran).contains("misspelt") && !ran.stderr.contains("misspelt"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_comma_inside_brackets_is_part_of_a_name() {
    for (list, names) in [
        ("ci / test (linux, 3.12) (push)", vec!["ci / test (linux, 3.12) (push)"]),
        ("a (b, c), d\ne, f [g, {h, i}], j", vec!["a (b, c)", "d", "e", "f [g, {h, i}]", "j"]),
        ("a :(, b", vec!["a :(", "b"]),
        ("a (b\nc), d", vec!["a (b", "c)", "d"]),
        ("a (b, [c), d)], e", vec!["a (b", "[c), d)]", "e"]),
        ("é(à, ô),ü", vec!["é(à, ô)", "ü"]),
    ] {
        let plane = statuses(vec![vec![]], 50);
        let ran = ask("ci", &plane.url, &[("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list)]);
        let missing: Vec<&str> = ran.stderr.lines().filter_map(|line| line.strip_suffix(": missing")).collect();
        let missing: Vec<&str> = missing.iter().map(|line| line.trim_start_matches("rollproof: ")).collect();
        assert_eq!(missing, names, "{list:?}: {}", ran.stderr);
    }
}

#[test]
fn each_contexts_state_is_shown_as_it_changes() {
    let (test, lint) = ("ci / test (push)", "lint");
    let plane = statuses(
        vec![
            vec![],
            vec![status(1, test, "pending")],
            vec![status(1, test, "pending")],
            vec![status(1, test, "pending"), status(2, lint, "success")],
            vec![status(3, test, "success"), status(2, lint, "success")],
        ],
        50,
    );
    let ran = ask("ci", &plane.url, &[CONTEXTS, ("CI_STATUS_TIMEOUT_SECONDS", "60")]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = ran.stderr.lines().map(|line| line.trim_start_matches("rollproof: ")).collect();
    assert_eq!(
        lines,
        [
            "ci / test (push): missing",
            "lint: missing",
            "waiting for ci / test (push), lint, 60 s at most",
            "ci / test (push): pending",
            "lint: success",
            "ci / test (push): success"
        ]
    );
    assert_eq!(ran.stdout.lines().next(), Some("PASS  every gate that was asked is open"));
}

#[test]
fn a_page_that_cannot_be_read_fails() {
    let green = json!([status(1, "ci / test (push)", "success"), status(2, "lint", "success")]);
    for (name, page, code) in [
        ("500", Reply::Json(500, json!([])), 1),
        ("401", Reply::Json(401, json!([])), 1),
        ("404", Reply::Json(404, json!([])), 1),
        ("no array", ok(&json!({"statuses": []})), 1),
        ("null", ok(&Value::Null), 1),
        ("junk", Reply::Raw(http(200, "<html>")), 1),
        ("no network", NOTHING, 6),
    ] {
        for at in ["page=1&", "page=2&"] {
            let (page, green) = (page.clone(), green.clone());
            let plane = gitea(move |path, _| if path.contains(at) { page.clone() } else { ok(&green) });
            let ran = ask("ci", &plane.url, &[CONTEXTS, ("CI_STATUS_TIMEOUT_SECONDS", "60")]);
            let code = if at == "page=2&" { 1 } else { code };
            assert_eq!(ran.code, code, "{name} at {at}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains("gates.ci_missing"), "{name} at {at}: {}", ran.stdout);
            assert!(ran.stdout.contains("cannot be read"), "{name} at {at}: {}", ran.stdout);
        }
    }
}

/// In real life `","` as the list of required contexts passed with nothing checked (contract section 6).
#[test]
fn a_list_of_contexts_that_names_nothing_is_refused_before_any_request() {
    let plane = gitea(|_, _| ok(&json!([])));
    for list in [",", " , \n ,", ""] {
        let ran = ask("ci", &plane.url, &[("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list)]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{list:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS"), "{list:?}: {}", ran.stderr);
    }
    for (name, value) in [("CI_STATUS_TIMEOUT_SECONDS", "-1"), ("CI_STATUS_POLL_INTERVAL_SECONDS", "soon")] {
        let ran = ask("ci", &plane.url, &[CONTEXTS, (name, value)]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(name) && ran.stderr.contains(value), "{}", ran.stderr);
    }
    assert_eq!(plane.requests().len(), 0);
    let case = folder();
    case.file("rollproof.toml", "[plan]\nrequired_contexts = [\"a, b\"]\n");
    let plane = statuses(vec![vec![status(1, "a, b", "success")]], 50);
    let mut command = rollproof();
    command.args(["preflight", "ci"]).current_dir(case.path(""));
    assert_eq!(run(job(&mut command, &plane.url)).code, 0, "the configured contexts are taken as they stand");
}

// Superseded.

#[test]
fn latest_exits_0_with_the_newer_head_and_10_otherwise() {
    let commit = |id: &str| ok(&json!({"name": "main", "commit": {"id": id}}));
    let short = &SHA[..7];
    for (name, reply, code, stdout) in [
        ("superseded", commit(OTHER), 0, OTHER),
        ("superseded, in capitals", commit(&OTHER.to_uppercase()), 0, OTHER),
        ("superseded, in `sha`", ok(&json!({"commit": {"sha": OTHER}})), 0, OTHER),
        ("superseded, a short head", commit(&OTHER[..8]), 0, &OTHER[..8]),
        ("latest", commit(SHA), 10, ""),
        ("latest, in any case", commit(&SHA.to_uppercase()), 10, ""),
        ("latest, a short head", commit(short), 10, ""),
        ("latest, in `sha`", ok(&json!({"commit": {"id": "", "sha": SHA}})), 10, ""),
        ("superseded, by `sha` alone", ok(&json!({"commit": {"id": SHA, "sha": OTHER}})), 0, OTHER),
        ("superseded, by `id` alone", ok(&json!({"commit": {"id": OTHER, "sha": SHA}})), 0, OTHER),
        ("latest, in both", ok(&json!({"commit": {"id": SHA, "sha": short}})), 10, ""),
        ("twice", Reply::Raw(http(200, &format!(r#"{{"commit": {{"id": "{OTHER}", "id": "{SHA}"}}}}"#))), 10, ""),
        (
            "two commits",
            Reply::Raw(http(200, &format!(r#"{{"commit": {{"id": "{OTHER}"}}, "commit": {{}}}}"#))),
            10,
            "",
        ),
        ("no commit", ok(&json!({"name": "main"})), 10, ""),
        ("an empty commit", commit(""), 10, ""),
        ("no commit's name", commit("HEAD"), 10, ""),
        ("a number", ok(&json!({"commit": {"id": 7}})), 10, ""),
        ("junk", Reply::Raw(http(200, "<html>")), 10, ""),
        ("404", Reply::Json(404, json!({})), 10, ""),
        ("401", Reply::Json(401, json!({})), 10, ""),
        ("500", Reply::Json(500, json!({})), 10, ""),
        ("no network", NOTHING, 10, ""),
    ] {
        let plane = gitea(move |path, _| {
            assert_eq!(path, "/branches/main");
            reply.clone()
        });
        let ran = ask("latest", &plane.url, &[]);
        let expected = if stdout.is_empty() { String::new() } else { format!("{stdout}\n") };
        assert_eq!((ran.code, ran.stdout), (code, expected), "{name}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("supersedes"), code == 0, "{name}: {}", ran.stderr);
    }
    // A short commit of this job's own matches too.
    let plane = gitea(move |_, _| commit(SHA));
    assert_eq!(ask("latest", &plane.url, &[("GITHUB_SHA", &short.to_uppercase())]).code, 10);
}

#[test]
fn the_branch_is_percent_encoded() {
    for (branch, encoded) in [
        ("release/1.2", "release%2F1.2"),
        ("a b#c?d", "a%20b%23c%3Fd"),
        ("ä%2F", "%C3%A4%252F"),
        ("x+y@z", "x%2By%40z"),
    ] {
        let plane = gitea(|_, _| ok(&json!({"commit": {"id": OTHER}})));
        let ran = ask("latest", &plane.url, &[("GITHUB_REF_NAME", branch)]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(path(&plane.requests()[0]), format!("{REPOSITORY}/branches/{encoded}"));
    }
}

/// In real life the summary went to the wrong stream and was captured empty (contract section 6).
#[test]
fn the_verdict_is_on_standard_output_and_in_every_report() {
    let case = folder();
    let plane = gitea(|_, _| ok(&json!({"data": "yes"})));
    let mut command = rollproof();
    command.args(["preflight", "enabled", "--format", "github", "--report", "json=report.json"]);
    let ran = run(job(command.current_dir(case.path("")), &plane.url));
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.starts_with("::error title=gates.disabled::the kill switch is armed: "), "{}", ran.stdout);
    let report = crate::support::read_json(&case.path("report.json"));
    assert_eq!(report["findings"][0]["code"], "gates.disabled");
    let packages: Vec<&Value> = report["policies"].as_array().expect("a list").iter().collect();
    assert_eq!(packages.len(), 1, "only the gates have a say: {packages:?}");
}
