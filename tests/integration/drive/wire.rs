//! A control plane of another wire: its path, its fields and its answers share no name with the contract's. What is proven
//! is proven with TOML alone, and the journal replays without it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, http, typed};
use super::{FLEET, TOKEN, case, denies, drive, json_of, plan, spawn};
use crate::support::{Case, rollproof, root, run};
use crate::workflow::Served;

/// The files of docs/control-plane.md.
fn example(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/wire").join(name)).expect("a file")
}

/// A folder with a plan, and nothing but TOML that knows the wire.
fn shop(url: &str) -> Case {
    let case = case(url);
    let config = std::fs::read_to_string(case.path("rollproof.toml")).expect("a file");
    case.file("rollproof.toml", config + &example("rollproof.toml"));
    case.file("answers.toml", example("answers.toml"));
    case
}

/// The same with another setting.
fn shop_with(url: &str, old: &str, new: &str) -> Case {
    let case = shop(url);
    let config = std::fs::read_to_string(case.path("rollproof.toml")).expect("a file");
    assert!(config.contains(old), "{old}");
    case.file("rollproof.toml", config.replace(old, new));
    case
}

/// The tenants that a request of this wire names.
fn shops(request: &Request) -> Vec<String> {
    serde_json::from_value(request.body["shops"].clone()).unwrap_or_default()
}

/// What a healthy control plane of this wire answers.
fn answer(request: &Request) -> Value {
    let named = shops(request);
    let all = || FLEET.map(str::to_owned).to_vec();
    let (tenants, shop) = if named.is_empty() {
        (all(), json!({"runs": "staging-old", "well": true}))
    } else {
        (named, json!({"runs": "staging-abcdef1", "well": true, "step": "swapped"}))
    };
    let shops: serde_json::Map<String, Value> = tenants.into_iter().map(|name| (name, shop.clone())).collect();
    json!({"state": "done", "reason": null, "shops": shops})
}

fn healthy(request: &Request) -> Reply {
    Reply::Json(200, answer(request))
}

/// The scopes of the calls.
fn calls(plane: &Plane) -> Vec<Vec<String>> {
    plane.requests().iter().map(shops).collect()
}

/// The report on a file, in a folder that holds nothing else.
fn replayed(journal: &Path, args: &[&str]) -> crate::support::Ran {
    let elsewhere = Case::new();
    std::fs::copy(journal, elsewhere.path("run.journal")).expect("it is copied");
    run(rollproof().args(args).current_dir(elsewhere.path("")))
}

#[test]
fn a_wire_that_shares_no_name_with_the_contract_drives_and_verifies_a_rollout() {
    let plane = Plane::new(|_, request| healthy(request));
    let case = shop(&plane.url);
    let ran = drive(&case, &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane), [vec![], vec!["acme"], vec!["bolt", "cobalt"], vec!["dune"]]);
    for request in plane.requests() {
        assert!(request.head.starts_with("PUT /v7/releases HTTP/1.1"), "{}", request.head);
        let head = request.head.to_ascii_lowercase();
        assert!(head.contains(&format!("x-ship-key: {TOKEN}\r\n")), "{head}");
        assert!(!head.contains("authorization"), "{head}");
        assert!(head.contains("idempotency-key: ") && head.contains("x-request-id: "), "{head}");
        let keys: Vec<&String> = request.body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["release", "shops", "rehearsal"]);
        assert_eq!(request.body["rehearsal"], shops(&request).is_empty());
    }
    let document = json_of(&case, "document.json");
    assert_eq!(document["cohorts"][0]["rows"][0]["verified_on_target"], true, "{document}");

    // The journal replays alone, and keeps each answer as it came.
    let journal = case.path("document.json.journal");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    assert!(text.contains(r#"\"shops\":{\"acme\":{"#), "{text}");
    let start: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    let kept = &start["control_plane"];
    assert_eq!(kept["answer"], json!({"name": "answers.toml", "text": example("answers.toml")}));
    assert_eq!(kept["request"], "{release: .target_tag, shops: $tenants, rehearsal: .dry_run}");
    assert!(!text.contains(TOKEN), "{text}");
    let again = replayed(&journal, &["verify", "run.journal", "--format", "json"]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    let (report, again): (Value, Value) =
        (serde_json::from_str(&ran.stdout).expect("a report"), serde_json::from_str(&again.stdout).expect("a report"));
    assert_eq!((&report["summary"], &report["findings"]), (&again["summary"], &again["findings"]));
    let explained = replayed(&journal, &["explain", "run.journal", "acme"]);
    assert_eq!(explained.code, 0, "{}{}", explained.stdout, explained.stderr);
    let audited = replayed(&journal, &["audit", "."]);
    assert_eq!(audited.code, 0, "{}{}", audited.stdout, audited.stderr);

    // The archive is in the contract's words.
    case.file("fleet.json", json!(FLEET).to_string());
    let archived = case.run(["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"]);
    assert_eq!(archived.code, 0, "{}{}", archived.stdout, archived.stderr);
}

/// A rollout in which one scoped answer is changed.
fn changed(tenant: &'static str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> (Case, i32) {
    let plane = Plane::new(move |_, request| {
        let mut body = answer(request);
        if shops(request).iter().any(|name| name == tenant) {
            change(&mut body);
        }
        Reply::Json(200, body)
    });
    let case = shop(&plane.url);
    let ran = drive(&case, &[]);
    (case, ran.code)
}

#[test]
fn what_a_wire_does_not_prove_is_not_proven() {
    let (case, code) = changed("bolt", |body| body["shops"]["bolt"]["runs"] = json!("staging-old"));
    assert_eq!(code, 1);
    assert!(denies(&case).contains(&"coverage.incomplete".to_owned()), "{:?}", denies(&case));
    let (case, code) =
        changed("acme", |body| drop(body["shops"]["acme"].as_object_mut().map(|shop| shop.remove("runs"))));
    assert_eq!((code, denies(&case)[0].as_str()), (1, "calls.halted"), "{:?}", denies(&case));
    // A row for somebody else proves nothing.
    let (case, code) = changed("acme", |body| {
        let shop = body["shops"]["acme"].clone();
        body["shops"] = json!({"bolt": shop});
    });
    assert_eq!(code, 1);
    let document = json_of(&case, "document.json");
    assert_eq!(document["anomalies"][0]["kind"], "unrequested_row", "{document}");
    assert!(denies(&case).contains(&"canary.unproven".to_owned()), "{:?}", denies(&case));
}

/// The calls of a rollout whose canary is answered so, and why that call failed.
fn failed(ok: &str, reply: impl Fn() -> Reply + Send + Sync + 'static) -> String {
    let plane = Plane::new(move |_, request| if shops(request) == ["acme"] { reply() } else { healthy(request) });
    let case = shop_with(&plane.url, "ok = '.state == \"done\"'", ok);
    let ran = drive(&case, &["--show-errors"]);
    assert_eq!(ran.code, 1, "{ok}: {}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane), [vec![], vec!["acme"]], "{ok}: nobody is called after it: {}", ran.stdout);
    assert!(denies(&case).contains(&"calls.failed".to_owned()), "{ok}: {:?}", denies(&case));
    let again = case.run(["verify", "document.json.journal"]);
    assert_eq!(again.code, 1, "{ok}");
    json_of(&case, "document.json")["calls"][1].to_string()
}

#[test]
fn only_what_is_exactly_true_is_a_success() {
    let shop = json!({"acme": {"runs": "staging-abcdef1", "well": true, "step": "swapped"}});
    let usual = "ok = '.state == \"done\"'";
    let with = |state: &str| {
        let body = json!({"state": state, "reason": "no room", "shops": shop.clone()});
        move || Reply::Json(200, body.clone())
    };
    let call = failed(usual, with("stopped"));
    assert!(call.contains(r#""ok":false"#) && call.contains("no room"), "{call}");
    for (ok, says) in [
        (
            "ok = 'if $purpose == \"plan\" then true else \"yes\" end'",
            r#"found \"yes\", but only null or a boolean can be used"#,
        ),
        ("ok = 'if $purpose == \"plan\" then true else 1 end'", "found 1, but only null or a boolean can be used"),
        ("ok = '$purpose == \"plan\" or empty'", "it gives no value, but exactly one is needed"),
        ("ok = '$purpose == \"plan\" or (true, true)'", "it gives true and true, but exactly one value is needed"),
        ("ok = 'if $purpose == \"plan\" then true else .state.x end'", "[control_plane] ok: "),
    ] {
        let call = failed(ok, with("done"));
        assert!(call.contains(says) && call.contains("malformed"), "{ok}: {call}");
    }
    let call = failed("ok = 'if $purpose == \"plan\" then true else null end'", with("done"));
    assert!(call.contains(r#""ok":null"#), "{call}");
    let call = failed(usual, || Reply::Json(200, json!({"state": "stopped", "reason": "no room"})));
    assert!(call.contains("no room") && !call.contains("malformed"), "whoever refuses need not have rows: {call}");
    let call = failed(usual, || Reply::Json(200, json!({"state": "done"})));
    assert!(call.contains("malformed") && call.contains("/shops"), "{call}");
    let call = failed(usual, || Reply::Json(500, json!({"state": "done", "shops": {}})));
    assert!(call.contains(r#""status":500"#), "{call}");
}

#[test]
fn an_answer_that_cannot_be_read_proves_nothing() {
    let usual = "ok = '.state == \"done\"'";
    let raw = |body: &'static str| move || Reply::Raw(http(200, body));
    let good = r#""runs": "staging-abcdef1", "well": true, "step": "swapped""#;
    let twice: &'static str = Box::leak(
        format!(r#"{{"state": "stopped", "state": "done", "shops": {{"acme": {{{good}}}}}}}"#).into_boxed_str(),
    );
    let shop_twice: &'static str = Box::leak(
        format!(r#"{{"state": "done", "shops": {{"acme": {{"runs": "old"}}, "acme": {{{good}}}}}}}"#).into_boxed_str(),
    );
    for (body, says) in [
        (r#"{"state": "done", "shops": "#, "the answer is no JSON"),
        (r#"{"state": "done"} {"state": "done"}"#, "the answer is no JSON"),
        (r#"{state: "done", shops: {}}"#, "the answer is no JSON"),
        (r#"[{"state": "done"}]"#, "[control_plane] ok: "),
        (twice, r#"the key \"state\" twice"#),
        (shop_twice, r#"the key \"acme\" twice"#),
        ("done", "the answer is no JSON object"),
        ("", "the answer is empty"),
    ] {
        let call = failed(usual, raw(body));
        assert!(call.contains(says), "{body}: {call}");
    }
    let call = failed(usual, || Reply::Raw(typed(200, "text/html", "<html>done</html>")));
    assert!(call.contains("HTML"), "{call}");
    let call = failed(usual, || Reply::Json(200, json!({"state": "done", "shops": {(TOKEN): {"well": true}}})));
    assert!(call.contains("holds a token in a name or a value that is read"), "{call}");
    let call = failed(usual, || Reply::Json(200, json!({"state": "done", "shops": {"acme": {"runs": TOKEN}}})));
    assert!(call.contains("holds a token in a name or a value that is read"), "{call}");
}

#[test]
fn a_row_of_which_a_filter_says_two_things_makes_the_answer_malformed() {
    let says_two = |tenant: &'static str| {
        Plane::new(move |_, request| {
            let mut body = answer(request);
            if shops(request).iter().any(|name| name == tenant) {
                body["shops"][tenant]["runs"] = json!(["staging-abcdef1", "staging-old"]);
            }
            Reply::Json(200, body)
        })
    };
    let plane = says_two("cobalt");
    let case = shop(&plane.url);
    let mapping = example("answers.toml")
        .replace("\".runs == $target.tag\"", "\"(.runs | arrays | .[]) // .runs == $target.tag\"");
    case.file("answers.toml", mapping.replace("running_image = \".runs\"\n", ""));
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane), [vec![], vec!["acme"], vec!["bolt", "cobalt"]], "{}", ran.stdout);
    assert!(denies(&case).contains(&"calls.failed".to_owned()), "{:?}", denies(&case));
    let call = json_of(&case, "document.json")["calls"][2].to_string();
    assert!(call.contains("verified_on_target") && call.contains("/shops/cobalt"), "{call}");
}

#[test]
fn a_plan_call_that_cannot_be_read_as_a_whole_enumerates_nobody() {
    let plane = Plane::new(|_, request| {
        let mut body = answer(request);
        body["shops"]["dune"] = json!(7);
        Reply::Json(200, body)
    });
    let case = shop(&plane.url);
    let mapping =
        example("answers.toml").replace("slug = \"$path[-1]\"\n", "slug = \"(.runs | strings | empty), $path[-1]\"\n");
    case.file("answers.toml", mapping);
    let ran = drive(&case, &[]);
    assert_ne!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane), [Vec::<String>::new()], "nobody is rolled out to");
    assert_eq!(json_of(&case, "document.json")["fleet"]["source"], "none");
}

#[test]
fn a_killed_rollout_goes_on_from_its_journal_alone_and_with_no_other_settings() {
    let plane = Plane::new(|_, request| {
        if shops(request) == ["bolt", "cobalt"] {
            thread::sleep(Duration::from_millis(300));
        }
        healthy(request)
    });
    let case = shop(&plane.url);
    let mut child = spawn(&case, &[]);
    for _ in 0..2000 {
        if calls(&plane).len() == 3 {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    assert_eq!(replayed(&case.path("document.json.journal"), &["verify", "run.journal"]).code, 1);
    let before = std::fs::read(case.path("document.json.journal")).expect("a journal");

    let config = std::fs::read_to_string(case.path("rollproof.toml")).expect("a file");
    let (answers, mapped) = (example("answers.toml"), example("answers.toml").replace(".well", "true"));
    for (config, answers) in [
        (config.replace(".reason", ".because"), &*answers),
        (config.replace("/v7/", "/v8/"), &*answers),
        (config.replace("error = \".reason\"", ""), &*answers),
        (config.clone(), &*mapped),
    ] {
        case.file("rollproof.toml", config);
        case.file("answers.toml", answers);
        let ran = drive(&case, &["--resume"]);
        assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("[control_plane] or its mapping is not the one that"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read(case.path("document.json.journal")).expect("a journal"), before, "nothing is written");
    assert_eq!(calls(&plane).len(), 3, "nobody is called");

    // Where nothing is said, the journal says it.
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [0.01, 0.01, 0.01]\n");
    std::fs::remove_file(case.path("answers.toml")).expect("it is there");
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane)[3..], [vec!["bolt", "cobalt"], vec!["dune"]]);
    let heads: Vec<String> = plane.requests().into_iter().map(|request| request.head.to_ascii_lowercase()).collect();
    assert!(heads.iter().all(|head| head.contains(&format!("x-ship-key: {TOKEN}\r\n"))), "{heads:?}");
    assert_eq!(replayed(&case.path("document.json.journal"), &["verify", "run.journal"]).code, 0);
}

#[test]
fn a_rollout_of_the_contracts_wire_does_not_go_on_with_another() {
    let plane = Plane::new(|_, request| super::plane::healthy(request, &FLEET));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    case.file("rollproof.toml", "[control_plane]\nok = \".ok\"\n");
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("[control_plane]"), "{}", ran.stderr);
}

#[test]
fn what_is_wrong_with_a_wire_is_said_before_any_call() {
    let plane = Plane::new(|_, request| healthy(request));
    let request = "request = '{release: .target_tag, shops: $tenants, rehearsal: .dry_run}'";
    for (old, new, says) in [
        ("token_header", "token_haeder", &["line 7", "did you mean \"token_header\"?"][..]),
        ("method = \"PUT\"", "method = \"GET\"", &["line 6", "GET"]),
        ("path = \"/v7/releases\"", "path = \"v7\"", &["[control_plane] path", "does not begin with /"]),
        ("\"X-Ship-Key\"", "\"Content-Type\"", &["a header that the client sets itself"]),
        ("\"X-Ship-Key\"", "\"X Ship\"", &["is no name of an HTTP header"]),
        ("method = \"PUT\"", "token_scheme = \"a\\nb\"", &["token_scheme", "cannot stand in an HTTP header"]),
        (".dry_run}'", ".dry_run'", &["rollproof.toml: line 8, column", "[control_plane] request"]),
        ("$tenants", "$tenant", &["line 8, column 42", "did you mean \"$tenants\"?"]),
        ("'.state == \"done\"'", "'.state = '", &["rollproof.toml: line 10, column", "[control_plane] ok"]),
        ("'.state == \"done\"'", "'\"yes\"'", &["line 10", "the filter gives a string, but only null or a boolean"]),
        ("\".reason\"", "\"reasons\"", &["line 11, column 10", "[control_plane] error"]),
        ("\".reason\"", "\"env.CP_ADMIN_API_TOKEN\"", &["line 11, column 10", "`env`, which is not allowed"]),
        (request, "request = 'empty'", &["line 8", "request"]),
        (request, "request = '., .'", &["request", "exactly one value is needed"]),
        (request, "request = '.gone'", &["request", "found null, but only an array or an object can be used"]),
        (
            request,
            "request = '{release: .target_tag, shops: $tenants}'",
            &["the plan call and a live call have the same body"],
        ),
        (request, "request = '{release: .target_tag, rehearsal: .dry_run}'", &["different tenants have the same body"]),
        (
            request,
            "request = '{release: .target_tag, rehearsal: .dry_run, shop: $tenants[0]}'",
            &["different tenants have the same body"],
        ),
        ("answers.toml", "gone.toml", &["gone.toml"]),
    ] {
        for check in [&[][..], &["--check"]] {
            let case = shop_with(&plane.url, old, new);
            let ran = drive(&case, check);
            assert_eq!(
                ran.code,
                if new == "gone.toml" { ran.code.max(2) } else { 2 },
                "{new}: {}{}",
                ran.stdout,
                ran.stderr
            );
            for part in says {
                assert!(ran.stderr.contains(part), "{new}: {part:?} is not in {}", ran.stderr);
            }
            assert!(!case.path("document.json.journal").exists(), "{new}");
            assert_eq!(plane.requests().len(), 0, "{new}: nobody is called");
        }
    }
    let case = shop_with(&plane.url, "\".reason\"", "\".reason |\"");
    let config = std::fs::read_to_string(case.path("rollproof.toml")).expect("a file");
    case.file("rollproof.toml", config.replace("$tenants", "$tenant"));
    let ran = drive(&case, &["--check"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("line 8, column 42") && ran.stderr.contains("line 11, column"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_is_one_on_another_wire_too() {
    let plane = Plane::new(|_, request| healthy(request));
    let dry = |case: &Case| {
        let mut plan = plan(&plane.url);
        plan["body"]["dry_run"] = true.into();
        case.file("plan.json", plan.to_string());
    };
    let case = shop_with(&plane.url, "rehearsal: .dry_run", "rehearsal: ($purpose == \"plan\")");
    dry(&case);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("a dry run and a live call have the same body"), "{}", ran.stderr);
    assert_eq!(calls(&plane), Vec::<Vec<String>>::new());
    let case = shop(&plane.url);
    dry(&case);
    drive(&case, &[]);
    assert!(plane.requests().iter().all(|request| request.body["rehearsal"] == true), "{:?}", plane.requests());
}

#[test]
fn a_request_filter_that_fails_for_a_tenant_fails_before_anything_is_changed() {
    let plane = Plane::new(|_, request| healthy(request));
    let case = shop_with(
        &plane.url,
        "shops: $tenants",
        "shops: ($tenants | map(if . == \"dune\" then error(\"no dune\") else . end))",
    );
    let ran = drive(&case, &[]);
    assert_ne!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("no dune"), "{}", ran.stderr);
    assert_eq!(calls(&plane), [Vec::<String>::new()]);
    assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "halted");
    let case = shop_with(
        &plane.url,
        "shops: $tenants",
        "shops: ($tenants | map(if . == \"dune\" then error(\"no dune\") else . end))",
    );
    let ran = drive(&case, &["--check"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("no dune"), "{}", ran.stderr);
}

#[test]
fn a_token_has_its_header_and_its_scheme() {
    for (header, scheme, line) in [
        ("", "", format!("authorization: bearer {TOKEN}")),
        ("", "token_scheme = \"Token\"", format!("authorization: token {TOKEN}")),
        ("", "token_scheme = \"\"", format!("authorization: {TOKEN}")),
        ("token_header = \"x-key\"", "token_scheme = \"Key v1\"", format!("x-key: key v1 {TOKEN}")),
    ] {
        let plane = Plane::new(|_, request| healthy(request));
        let case = shop_with(&plane.url, "token_header = \"X-Ship-Key\"", &format!("{header}\n{scheme}"));
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        for request in plane.requests() {
            let head = request.head.to_ascii_lowercase();
            assert_eq!(head.matches(TOKEN).count(), 1, "{head}");
            assert!(head.contains(&format!("{line}\r\n")), "{line}: {head}");
        }
    }
}

/// The wire may differ in its path alone.
#[test]
fn what_is_not_set_is_as_in_the_contract() {
    for (settings, path) in [
        ("path = \"/api?wait=true\"\n", "POST /api?wait=true HTTP"),
        ("ok = \".ok\"\n", "POST /cp/admin/tenants/redeploy-fleet HTTP"),
        ("error = \".error\"\n", "POST /cp/admin/tenants/redeploy-fleet HTTP"),
        ("request = '. + {by: $purpose}'\n", "POST /cp/admin/tenants/redeploy-fleet HTTP"),
    ] {
        let plane = Plane::new(|_, request| super::plane::healthy(request, &FLEET));
        let case = case(&plane.url);
        case.file("rollproof.toml", format!("[control_plane]\n{settings}"));
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 0, "{settings}: {}{}", ran.stdout, ran.stderr);
        assert!(plane.requests().iter().all(|request| request.head.starts_with(path)), "{settings}");
        assert_eq!(plane.calls(), [vec![], vec!["acme"], vec!["bolt", "cobalt"], vec!["dune"]]);
        let failing = Plane::new(|_, request| {
            let Reply::Json(_, mut body) = super::plane::healthy(request, &FLEET) else { return Reply::Close };
            if !request.tenants().is_empty() {
                body["ok"] = false.into();
                body["message"] = "no room".into();
            }
            Reply::Json(200, body)
        });
        case.file("plan.json", plan(&failing.url).to_string());
        std::fs::remove_file(case.path("document.json.journal")).expect("it is there");
        let ran = drive(&case, &["--show-errors"]);
        assert_eq!(ran.code, 1, "{settings}: {}{}", ran.stdout, ran.stderr);
        let call = json_of(&case, "document.json")["calls"][1].to_string();
        let is_said = settings.contains("error =") || call.contains("no room");
        assert!(call.contains(r#""ok":false"#) && is_said, "{settings}: {call}");
    }
}

#[test]
fn a_drill_serves_another_wire() {
    let served = Served::new(&root().join("docs/wire/scenario.toml"));
    let case = shop(&served.url);
    let ran = run(super::command(&case, &["--show-errors"]).env("CP_ADMIN_API_TOKEN", &served.token));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let report = case.run(["verify", "document.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).expect("a report");
    assert_eq!(report["stragglers"][0]["tenant"], "dune", "{report}");
    assert_eq!(report["stragglers"].as_array().expect("a list").len(), 1, "{report}");
    for (old, new, says) in [
        ("/v7/releases", "/v8/releases", "HTTP 404"),
        ("X-Ship-Key", "X-Other", "HTTP 401"),
        ("method = \"PUT\"", "method = \"POST\"", "HTTP 405"),
        ("release: .target_tag", "version: .target_tag", "HTTP 400"),
    ] {
        let case = shop_with(&served.url, old, new);
        let ran = run(super::command(&case, &["--show-errors"]).env("CP_ADMIN_API_TOKEN", &served.token));
        assert_eq!(ran.code, 1, "{new}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(says), "{new}: {}", ran.stdout);
    }
    let case = Case::new();
    for (old, new, says) in [
        ("from_entries)", "from_entries", "[wire] answer: line"),
        ("path = \"/v7", "path = \"v7", "[wire] path"),
        ("token_header", "token_haeder", "token_haeder"),
    ] {
        let text = example("scenario.toml");
        assert!(text.contains(old), "{old}");
        case.file("scenario.toml", text.replace(old, new));
        let ran = case.run(["drill", "serve", "scenario.toml"]);
        assert!(ran.code == 2 && ran.stderr.contains(says), "{new}: {}", ran.stderr);
    }
}

/// The same with another mapping.
fn mapped(url: &str, old: &str, new: &str) -> Case {
    let case = shop(url);
    assert!(example("answers.toml").contains(old), "{old}");
    case.file("answers.toml", example("answers.toml").replace(old, new));
    case
}

#[test]
fn what_is_wrong_with_a_mapping_of_answers_is_said_before_any_call() {
    let plane = Plane::new(|_, request| healthy(request));
    for (old, new, says) in [
        ("running_image", "runing_image", &["answers.toml", "line 9", "did you mean \"running_image\"?"][..]),
        ("\".well\"", "\".well |\"", &["answers.toml: line 10, column"]),
        ("\".well\"", "\"'yes'\"", &["answers.toml: line 10, column"]),
        ("\".shops[]\"\n\n[row]", "\".shops[]?\"\n\n[row]", &["answers.toml: line 4"]),
        ("input = \"json\"", "input = \"csv\"", &["answers.toml: an answer is JSON"]),
        ("$target.tag", "$target.sha | not | not", &[]),
        ("verified_on_target = \".runs == $target.tag\"\n", "", &["answers.toml", "verified_on_target"]),
    ] {
        for check in [&[][..], &["--check"]] {
            let case = mapped(&plane.url, old, new);
            if says.is_empty() {
                let mut plan = plan(&plane.url);
                plan.as_object_mut().expect("an object").remove("sha");
                case.file("plan.json", plan.to_string());
            }
            let ran = drive(&case, check);
            assert_eq!(ran.code, 2, "{new}: {}{}", ran.stdout, ran.stderr);
            for part in if says.is_empty() {
                &["answers.toml compares with $target.sha, and the plan has no sha"]
            } else {
                says
            } {
                assert!(ran.stderr.contains(part), "{new}: {part:?} is not in {}", ran.stderr);
            }
            assert_eq!(plane.requests().len(), 0, "{new}: nobody is called");
        }
    }
    let case = mapped(&plane.url, "input", "input");
    let ran = drive(&case, &["--report", "json=answers.toml"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(std::fs::read_to_string(case.path("answers.toml")).expect("a file"), example("answers.toml"));
    let ran = drive(&case, &["--check"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("wire      PUT /v7/releases, answers read by answers.toml"), "{}", ran.stdout);
}

#[test]
fn a_mapping_of_answers_has_the_whole_of_a_mapping() {
    let plane = Plane::new(|_, request| {
        let mut body = answer(request);
        for (name, shop) in body["shops"].as_object_mut().expect("an object") {
            shop["ring"] = if name == "acme" { json!("gold") } else { json!(null) };
        }
        body["shops"]["edge"] = json!({"gateway": true});
        Reply::Json(200, body)
    });
    let skip = "items = \".shops[]\"\nskip = \".gateway == true\"\nskip_reason = \"a gateway\"\n";
    let labels = "labels = \"{ring}\"\n";
    let mapping = example("answers.toml").replace("items = \".shops[]\"\n", skip) + labels;
    let mapping = mapping.replace("\n[fleet]", "[row.extra]\nstep_name = \".step\"\n\n[fleet]");
    let case = shop(&plane.url);
    case.file("answers.toml", &mapping);
    let ran = drive(&case, &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(calls(&plane), [vec![], vec!["acme"], vec!["bolt", "cobalt"], vec!["dune"]]);
    let document = json_of(&case, "document.json");
    let gold = document["cohorts"].as_array().expect("a list").iter().find(|cohort| cohort["labels"]["ring"] == "gold");
    assert_eq!(gold.expect("a cohort")["tenants"], json!(["acme"]), "{document}");
    assert_eq!(document["cohorts"][0]["rows"][0]["extra"], json!({"step_name": "swapped"}), "{document}");
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("a list");
    let skipped = findings.iter().find(|finding| finding["code"] == "evidence.skipped_item").expect("it is named");
    assert!(skipped["message"].as_str().expect("text").contains("a gateway"), "{skipped}");
    assert!(skipped.to_string().contains("/calls/0/attempts/0/answer/shops/edge"), "{skipped}");
    let again = replayed(&case.path("document.json.journal"), &["verify", "run.journal", "--format", "json"]);
    let again: Value = serde_json::from_str(&again.stdout).expect("a report");
    assert_eq!((&report["summary"], &report["findings"]), (&again["summary"], &again["findings"]));
    // A resumed rollout has the same fields, with its settings or without.
    for name in ["rollproof.toml", "answers.toml"] {
        let ran = drive(&case, &["--resume"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        std::fs::remove_file(case.path(name)).expect("it is there");
    }
}

#[test]
fn a_status_alone_is_only_assumed_whatever_older_control_planes_may_leave_out() {
    let plane = Plane::new(|_, request| healthy(request));
    let old = "verified_on_target = \".runs == $target.tag\"\nrunning_image = \".runs\"\n";
    let case = mapped(&plane.url, old, "");
    let mapping = std::fs::read_to_string(case.path("answers.toml")).expect("a file");
    case.file(
        "answers.toml",
        mapping.replace("\n[row]", "proof = \"status\"\n[row]").replace("error = \".problem\"\n", ""),
    );
    let ran = drive(&case, &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let assumed =
        report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "coverage.assumed");
    assert_eq!(assumed.expect("it is said")["severity"], "warn", "{report}");
    let strict =
        replayed(&case.path("document.json.journal"), &["verify", "run.journal", "--param", "require_proof=true"]);
    assert_eq!(strict.code, 1, "{}{}", strict.stdout, strict.stderr);
}
