//! What is called, in which order, with which headers and bodies; and when nothing is.

use std::path::Path;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, healthy};
use super::{FLEET, TOKEN, case, command, drive, json_of};
use crate::support::run;

#[test]
fn a_rollout_makes_the_calls_of_the_contract_in_order() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("PASS  staging-abcdef1: all 4 tenants are proven"), "{}", ran.stdout);
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(plane.calls(), [named(&[]), named(&["acme"]), named(&["bolt", "cobalt"]), named(&["dune"])]);
    let requests = plane.requests();
    assert_eq!(requests[0].body["dry_run"], true);
    assert_eq!(requests[0].body["canary_slug"], "acme");
    for request in &requests[1..] {
        let expected = json!({
            "target_tag": "staging-abcdef1", "soak_seconds": 0, "max_stragglers": 0, "dry_run": false, "confirm": true,
            "only_slugs": request.tenants(), "batch_size": request.tenants().len(),
        });
        assert_eq!(request.body, expected);
    }
    for request in &requests {
        let head = request.head.to_ascii_lowercase();
        assert!(head.starts_with("post /cp/admin/tenants/redeploy-fleet http/1.1\r\n"), "{head}");
        for line in
            [&*format!("authorization: bearer {TOKEN}"), "accept: application/json", "content-type: application/json"]
        {
            assert!(head.contains(&format!("{line}\r\n")), "{line} is not in {head}");
        }
        assert!(head.contains("user-agent: rollproof/"));
    }
    let response = json_of(&case, "response.json");
    assert_eq!((&response["ok"], response["results"].as_array().map(Vec::len)), (&json!(true), Some(4)));
    let journal = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
    let records: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(records.first().expect("a start")["record"], "start");
    assert_eq!(records.last().expect("an end")["record"], "completed");
}

/// The bodies that docs/control-plane.md shows are those of a rollout by the plan that it shows.
#[test]
fn the_documented_bodies_are_sent() {
    let examples = crate::readme::examples(Path::new("docs/control-plane.md"));
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let plan = examples.iter().find(|example| example.directive("schema") == Some("plan")).expect("a plan");
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let mut plan = json(&plan.text);
    plan["cp_url"] = plane.url.clone().into();
    case.file("plan.json", plan.to_string());
    let ran = drive(&case, &["--time-scale", "0"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let requests = plane.requests();
    let mut many = 0;
    for example in examples {
        if let Some(index) = example.directive("request") {
            assert_eq!(requests[index.parse::<usize>().expect("an index")].body, json(&example.text));
            many += 1;
        }
    }
    assert_eq!(many, 2);
}

#[test]
fn without_a_token_nothing_is_called() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let ran = run(command(&case, &[]).env_remove("CP_ADMIN_API_TOKEN"));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("CP_ADMIN_API_TOKEN is not set"), "{}", ran.stderr);
    assert_eq!(plane.calls().len(), 0);
    assert!(!case.path("document.json.journal").exists());
    case.file("token", format!("{TOKEN}\n"));
    assert_eq!(run(command(&case, &["--token-file", "token"]).env_remove("CP_ADMIN_API_TOKEN")).code, 0);
}

#[test]
fn a_token_is_never_sent_in_the_clear_nor_elsewhere() {
    for url in [
        "http://cp.example",
        "ftp://cp.example",
        "http://127.0.0.1.example",
        "https://user:pass@cp.example",
        "nonsense",
    ] {
        let case = case(url);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 2, "{url}: {}", ran.stderr);
        assert!(ran.stderr.contains("cp_url"), "{url}: {}", ran.stderr);
    }
    let elsewhere = Plane::new(|_, request| healthy(request, &FLEET));
    let target = elsewhere.url.clone();
    let redirect = move |_: usize, _: &Request| {
        Reply::Raw(format!("HTTP/1.1 307 X\r\nLocation: {target}/\r\nContent-Length: 0\r\n\r\n").into_bytes())
    };
    let plane = Plane::new(redirect);
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1);
    assert_eq!((plane.calls().len(), elsewhere.calls().len()), (1, 0));
}

#[test]
fn https_without_any_certificates_is_refused_and_http_needs_none() {
    let without = |url: &str| {
        let case = case(url);
        case.file("none.pem", "");
        let mut command = command(&case, &[]);
        run(command.env("SSL_CERT_FILE", case.path("none.pem")).env("SSL_CERT_DIR", case.path("")))
    };
    let ran = without("https://cp.example");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("No CA certificates") && ran.stderr.contains("SSL_CERT_FILE"), "{}", ran.stderr);
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    assert_eq!(without(&plane.url).code, 0);
}

#[test]
fn configuration_with_an_unknown_key_is_refused() {
    let case = case("http://127.0.0.1:1");
    for (text, expected) in [
        ("[http]\nretry_delay_seconds = [1]\n", "did you mean \"retry_delays_seconds\"?"),
        ("[htp]\n", "did you mean \"http\"?"),
        ("[http]\nplan_timeout_seconds = -1\n", "at least 0 seconds"),
        ("[params]\nmax_straglers = 1\n", "did you mean \"max_stragglers\"?"),
        ("[params]\nmax_stragglers = \"many\"\n", "a whole number of at least 0"),
        ("http\n", "rollproof.toml"),
    ] {
        case.file("rollproof.toml", text);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{text}: {}", ran.stderr);
    }
    case.file("rollproof.toml", "");
    assert_eq!(drive(&case, &["--config", "gone.toml"]).code, 2);
    assert_eq!(drive(&case, &["--time-scale", "-1"]).code, 2);
}
