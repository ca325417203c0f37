//! Answers that are none, and what becomes of them: exit code, verdict, what was called, what was written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, healthy, http, typed};
use super::{FLEET, case, denies, drive, json_of};
use crate::grammar::bundled_code_of_journal;
use crate::support::is_exhaustive;

/// Something that goes wrong with every attempt of a call.
struct Fault {
    name: &'static str,
    reply: Reply,
    /// How many attempts it is given.
    attempts: usize,
    /// The HTTP status that is recorded.
    status: Option<u16>,
    /// What the document says of the last attempt.
    says: &'static str,
}

fn fault(
    name: &'static str,
    reply: Reply,
    attempts: usize,
    status: impl Into<Option<u16>>,
    says: &'static str,
) -> Fault {
    Fault { name, reply, attempts, status: status.into(), says }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn faults() -> Vec<Fault> {
    let raw = |bytes: &str| Reply::Raw(bytes.as_bytes().to_vec());
    let redirect = "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    vec![
        fault("closed", Reply::Close, 4, None, "connection closed"),
        fault("reset", Reply::Reset, 4, None, "reset"),
        fault("stalls", Reply::Stall(Duration::from_secs(3)), 4, None, "no whole answer within 1 s"),
        fault("trickles", Reply::Trickle(Duration::from_millis(50)), 4, None, "no whole answer within 1 s"),
        fault(
            "is cut short",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\": true"),
            4,
            200,
            "end of file before message length reached",
        ),
        fault("is 1 GiB", Reply::Huge, 1, 200, "larger than 67108864 bytes"),
        fault("is no HTTP", raw("SSH-2.0-OpenSSH\r\n"), 4, None, "invalid HTTP version"),
        fault("502", Reply::Json(502, json!({"ok": false, "message": "bad gateway"})), 4, 502, "bad gateway"),
        fault("503 with HTML", Reply::Raw(typed(503, "text/html", "<html>later</html>")), 4, 503, "<html>later</html>"),
        fault("504 that claims ok", Reply::Json(504, json!({"ok": true, "results": []})), 4, 504, ""),
        fault("500", Reply::Json(500, json!({"ok": false, "error": "boom"})), 1, 500, "boom"),
        fault("404", Reply::Json(404, json!({"error": "gone"})), 1, 404, "gone"),
        fault("401", Reply::Json(401, json!({"error": "who are you?"})), 1, 401, "who are you?"),
        fault("201", Reply::Json(201, json!({"ok": true, "results": []})), 1, 201, ""),
        fault("redirects elsewhere", raw(redirect), 1, 307, ""),
        fault(
            "HTML with 200",
            Reply::Raw(typed(200, "text/html", "<html>sign in</html>")),
            1,
            200,
            "<html>sign in</html>",
        ),
        fault("nothing with 200", Reply::Raw(http(200, "")), 1, 200, "EOF"),
        fault("ok is a string", Reply::Json(200, json!({"ok": "true", "results": []})), 1, 200, "expected a boolean"),
        fault("ok is false", Reply::Json(200, json!({"ok": false, "results": []})), 1, 200, ""),
        fault("ok is absent", Reply::Json(200, json!({"results": []})), 1, 200, ""),
        fault("no object", Reply::Json(200, json!([1])), 1, 200, "invalid"),
        fault(
            "results are no array",
            Reply::Json(200, json!({"ok": true, "results": {"a": 1}})),
            1,
            200,
            "expected a sequence",
        ),
        fault("a row is no object", Reply::Json(200, json!({"ok": true, "results": [7]})), 1, 200, "7"),
        fault(
            "two JSON values",
            Reply::Raw(http(200, "{\"ok\": true, \"results\": []}{\"ok\": true}")),
            1,
            200,
            "trailing characters",
        ),
        fault("ok twice", Reply::Raw(http(200, "{\"ok\": false, \"results\": [], \"ok\": true}")), 1, 200, "twice"),
        fault(
            "no UTF-8",
            Reply::Raw([&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"[..], b"\xff\xfe{"].concat()),
            1,
            200,
            "the answer is UTF-16",
        ),
        // The status decides first, whatever becomes of the body: each of these calls may have redeployed somebody.
        fault("500 that breaks off", raw("HTTP/1.1 500 X\r\nContent-Length: 99\r\n\r\n{\"ok\""), 1, 500, "end of file"),
        fault("400 that breaks off", raw("HTTP/1.1 400 X\r\nContent-Length: 99\r\n\r\n{\"ok\""), 1, 400, "end of file"),
        fault("429 that breaks off", raw("HTTP/1.1 429 X\r\nContent-Length: 99\r\n\r\n"), 1, 429, "end of file"),
        fault("501 that breaks off", raw("HTTP/1.1 501 X\r\nContent-Length: 99\r\n\r\n"), 1, 501, "end of file"),
        fault("202 that breaks off", raw("HTTP/1.1 202 X\r\nContent-Length: 99\r\n\r\n"), 1, 202, "end of file"),
        fault(
            "500 that stalls",
            Reply::Open(b"HTTP/1.1 500 X\r\nContent-Length: 99\r\n\r\n{\"ok\"".to_vec(), Duration::from_secs(3)),
            1,
            500,
            "no whole answer within 1 s",
        ),
        fault(
            "500 with a bad chunk",
            raw("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            1,
            500,
            "chunk",
        ),
        fault("503 that breaks off", raw("HTTP/1.1 503 X\r\nContent-Length: 99\r\n\r\n{\"ok\""), 4, 503, "end of file"),
        fault(
            "200 that stalls",
            Reply::Open(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{\"ok\"".to_vec(), Duration::from_secs(3)),
            4,
            200,
            "no whole answer within 1 s",
        ),
        // What says two things at once says nothing.
        fault("results twice", Reply::Raw(http(200, r#"{"ok": true, "results": [], "results": []}"#)), 1, 200, "twice"),
        fault(
            "ok twice, once escaped",
            Reply::Raw(http(200, r#"{"ok": false, "results": [], "\u006fk": true}"#)),
            1,
            200,
            "twice",
        ),
        fault(
            "a slug twice",
            Reply::Raw(http(200, r#"{"ok": true, "results": [{"slug": "acme", "slug": "dune"}]}"#)),
            1,
            200,
            "twice",
        ),
        fault(
            "an unknown key twice",
            Reply::Raw(http(200, r#"{"ok": true, "results": [], "x": 1, "x": 2}"#)),
            1,
            200,
            "twice",
        ),
        fault(
            "a byte order mark",
            Reply::Raw(http(200, "\u{feff}{\"ok\": true, \"results\": []}")),
            1,
            200,
            "byte order mark",
        ),
        fault(
            "NUL",
            Reply::Raw(http(200, "{\"ok\": true, \"results\": [], \"a\": \"\0\"}")),
            1,
            200,
            "control character",
        ),
        fault(
            "NUL at its end",
            Reply::Raw(http(200, "{\"ok\": true, \"results\": []}\0")),
            1,
            200,
            "trailing characters",
        ),
        fault("UTF-16 without a mark", Reply::Raw(http(200, "{\0\"\0o\0k\0")), 1, 200, "UTF-16"),
    ]
}

/// The name of no machine is asked for once: it will lead nowhere the next time either. So is a machine whose certificate is
/// refused; see the tests of probing, which have one.
#[test]
fn a_name_that_leads_nowhere_is_looked_up_once() {
    let case = case("https://cp.invalid");
    let ran = drive(&case, &["-v"]);
    let document = json_of(&case, "document.json");
    let attempts = document["calls"][0]["attempts"].as_array().expect("attempts");
    assert_eq!((ran.code, attempts.len()), (6, 1), "{document:#}");
    assert!(
        attempts[0]["error"].as_str().is_some_and(|error| error.contains("cp.invalid cannot be resolved")),
        "{document:#}"
    );
}

/// Two tenants whose names differ in bytes that are no text are not one tenant, nor any.
#[test]
fn an_answer_that_is_no_utf_8_names_nobody_live_or_replayed() {
    for befallen in [&[][..], &["dune"]] {
        let plane = Plane::new(move |_, request| {
            if request.tenants() != befallen {
                return healthy(request, &FLEET);
            }
            let mut body =
                br#"{"ok": true, "results": [{"slug": "acme", "ssm_status": "DryRun"}, {"slug": "x-"#.to_vec();
            body.extend_from_slice(b"\xe9\", \"ssm_status\": \"DryRun\"}, {\"slug\": \"x-\xe8\\n\"}]}");
            Reply::Raw(
                [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat(),
            )
        });
        let case = case(&plane.url);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let document = json_of(&case, "document.json");
        let last = document["calls"].as_array().and_then(|calls| calls.last()).expect("a call");
        let malformed = last["attempts"][0]["malformed"].as_str().expect("it is malformed");
        assert!(malformed.contains("no UTF-8: found the byte 0xe9 at offset 79"), "{malformed}");
        let journal = crate::support::read(&case.path("document.json.journal"));
        let mut bodies = journal.lines().filter_map(|line| {
            let record: Value = serde_json::from_str(line).expect("a record");
            record["body"].as_str().map(str::to_owned)
        });
        let kept = bodies.next_back().expect("a body");
        assert!(kept.contains(r#""x-\xe9", "#) && kept.contains(r#""x-\xe8\\n""#), "{kept}");
        let replayed = case.run(["verify", "document.json.journal", "--document", "replayed.json"]);
        assert_eq!(replayed.code, ran.code);
        let replayed = json_of(&case, "replayed.json");
        for key in ["calls", "cohorts", "fleet", "anomalies", "rollout"] {
            assert_eq!(replayed[key], document[key], "{key}");
        }
    }
}

/// How many rollouts are driven at a time: most of them wait.
const WORKERS: usize = 8;

/// The call that the fault befalls.
const PLACES: [(&str, &[&str]); 3] = [("plan", &[]), ("canary", &["acme"]), ("batch", &["dune"])];

fn check(fault: &Fault, purpose: &str, befallen: &'static [&'static str]) {
    let name = format!("{} in the {purpose} call", fault.name);
    let reply = fault.reply.clone();
    let plane = Plane::new(
        move |_, request| if request.tenants() == befallen { reply.clone() } else { healthy(request, &FLEET) },
    );
    let case = case(&plane.url);
    let ran = drive(&case, &["--format", "json"]);
    // Who never answered at all gives no verdict; every other failure is one.
    let code = if befallen.is_empty() && fault.status.is_none() { 6 } else { 1 };
    assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);

    let before: &[&[&str]] = match purpose {
        "plan" => &[],
        "canary" => &[&[]],
        _ => &[&[], &["acme"], &["bolt", "cobalt"]],
    };
    let expected: Vec<&[&str]> = before.iter().copied().chain(std::iter::repeat_n(befallen, fault.attempts)).collect();
    assert_eq!(plane.calls(), expected, "{name}");
    let bodies: Vec<Value> = plane.requests().into_iter().map(|request| request.body).collect();
    let last = &bodies[before.len()..];
    assert!(last.iter().all(|body| *body == last[0]), "{name}: every attempt sends the same: {last:?}");

    let denied: &[&str] = match purpose {
        "plan" => &["calls.failed", "calls.halted"],
        "canary" => {
            &["calls.failed", "calls.halted", "canary.unproven", "coverage.incomplete", "coverage.unproven_fleet"]
        }
        _ => &["calls.failed", "coverage.incomplete"],
    };
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("a list").iter();
    let deny = findings.filter(|finding| finding["severity"] == "deny").filter_map(|finding| finding["code"].as_str());
    let found: Vec<&str> = deny.filter(|code| *code != "evidence.empty_fleet").collect();
    assert_eq!(found, denied, "{name}");

    let rows: &[&str] = if purpose == "batch" { &["acme", "bolt", "cobalt"] } else { &[] };
    let response = json_of(&case, "response.json");
    let slugs: Vec<&str> =
        response["results"].as_array().expect("rows").iter().filter_map(|row| row["slug"].as_str()).collect();
    assert_eq!((&response["ok"], &*slugs), (&json!(false), rows), "{name}");
    let error = response["error"].as_str().expect("text");
    let begins = match purpose {
        "plan" => "redeploy plan call failed: ".to_owned(),
        _ => format!("redeploy scoped call failed for {}: ", befallen.join(",")),
    };
    assert!(error.starts_with(&begins), "{name}: {error}");

    let document = json_of(&case, "document.json");
    let attempts = document["calls"][before.len()]["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), fault.attempts, "{name}");
    let attempt = &attempts[fault.attempts - 1];
    assert_eq!(attempt["status"].as_u64(), fault.status.map(u64::from), "{name}: {attempt}");
    let text = |key: &str| attempt[key].as_str().unwrap_or_default().to_owned();
    let says = text("error") + &text("malformed");
    assert!(says.contains(fault.says), "{name}: {says}");

    let again = bundled_code_of_journal(&case.path("document.json.journal"));
    assert_eq!(again, 1, "{name}: the journal gives the same verdict");
}

/// Each fault in every call, or in a sample in one of them, the next fault in the next.
#[test]
fn a_fault_fails_its_call_and_loses_nothing() {
    let (faults, next) = (faults(), AtomicUsize::new(0));
    let check_some = || {
        for i in std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|i| *i < faults.len()) {
            let fault = &faults[i];
            // A gigabyte takes its time, and once is enough.
            let is_huge = matches!(fault.reply, Reply::Huge);
            let one = if is_huge { 2 } else { i % PLACES.len() };
            let places = if is_exhaustive() && !is_huge { &PLACES[..] } else { &PLACES[one..=one] };
            for (purpose, befallen) in places {
                check(fault, purpose, befallen);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(check_some);
        }
    });
}

#[test]
fn a_plan_call_that_names_nobody_or_was_live_changes_nothing() {
    let row = json!({"slug": "acme", "verified_on_target": true});
    for (name, answer, denied) in [
        ("no slug", json!({"ok": true, "results": []}), "evidence.empty_fleet"),
        ("null", json!({"ok": true, "results": null}), "evidence.empty_fleet"),
        ("blank slugs", json!({"ok": true, "results": [{"slug": "  "}, {}]}), "evidence.empty_fleet"),
        ("live", json!({"ok": true, "results": [row]}), "evidence.live_row_in_dry_run"),
    ] {
        let plane = Plane::new(move |_, _| Reply::Json(200, answer.clone()));
        let case = case(&plane.url);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(denies(&case).iter().any(|code| code == denied), "{name}: {:?}", denies(&case));
        assert_eq!(plane.calls(), [Vec::<String>::new()], "{name}");
        assert_eq!(plane.requests()[0].body["dry_run"], true);
        let response = json_of(&case, "response.json");
        assert_eq!((&response["ok"], &response["results"]), (&json!(false), &json!([])), "{name}");
    }
}

/// Rows of an attempt that failed are evidence, and stand before those of the next.
#[test]
fn rows_of_failed_attempts_are_kept() {
    let plane = Plane::new(|index, request| {
        let rows = json!([{"slug": "dune", "ssm_status": "Failed", "verified_on_target": false}]);
        match (index, &*request.tenants()) {
            (3, [_]) => Reply::Json(503, json!({"ok": false, "results": rows})),
            _ => healthy(request, &FLEET),
        }
    });
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), 5);
    let response = json_of(&case, "response.json");
    let last: Vec<&Value> =
        response["results"].as_array().expect("rows")[3..].iter().map(|row| &row["verified_on_target"]).collect();
    assert_eq!(last, [&json!(false), &json!(true)]);
    // So are those of an attempt that ran out of time, or broke off, behind them.
    let plane = Plane::new(|index, request| {
        let body = r#"{"ok": true, "results": [{"slug": "dune", "verified_on_target": false}]}"#;
        let short = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1).into_bytes();
        match index {
            3 => Reply::Raw(short),
            4 => Reply::Open(short, Duration::from_secs(2)),
            _ => healthy(request, &FLEET),
        }
    });
    let case = super::case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let response = json_of(&case, "response.json");
    let last: Vec<&Value> =
        response["results"].as_array().expect("rows")[3..].iter().map(|row| &row["verified_on_target"]).collect();
    assert_eq!(last, [&json!(false), &json!(false), &json!(true)]);
    // A row is well-formed or not by itself.
    let plane = Plane::new(|_, request: &Request| {
        let mixed = json!({"ok": true, "results": [{"slug": "dune", "verified_on_target": true}, {"slug": "dune", "healthz_ok": "yes"}]});
        if request.tenants() == ["dune"] { Reply::Json(200, mixed) } else { healthy(request, &FLEET) }
    });
    let case = super::case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1);
    let response = json_of(&case, "response.json");
    assert_eq!(
        response["results"].as_array().expect("rows")[3..],
        [json!({"slug": "dune", "verified_on_target": true})]
    );
    let journal = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
    assert!(journal.contains(r#"\"healthz_ok\":\"yes\""#), "it stands as it came");
}

/// A second answer on a connection belongs to nobody, least of all to the next call.
#[test]
fn two_answers_on_a_connection_are_one() {
    let answer = |slugs: &[&str]| {
        let rows: Vec<Value> = slugs.iter().map(|slug| json!({"slug": slug, "verified_on_target": true})).collect();
        let body = json!({"ok": true, "results": rows}).to_string();
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let twice = (answer(&["acme"]) + &answer(&["bolt", "cobalt"])).into_bytes();
    let plane = Plane::new(move |_, request| {
        if request.tenants() == ["acme"] {
            Reply::Open(twice.clone(), Duration::from_secs(2))
        } else {
            healthy(request, &FLEET)
        }
    });
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls(), [&[][..], &["acme"], &["bolt", "cobalt"], &["dune"]], "every call was made");
    assert_eq!(json_of(&case, "response.json")["results"].as_array().map(Vec::len), Some(4));
}

/// The same row twice proves as much as once; both are kept.
#[test]
fn a_row_that_comes_twice_counts_once() {
    let plane = Plane::new(|_, request| {
        let row = json!({"slug": "dune", "verified_on_target": true});
        if request.tenants() == ["dune"] {
            Reply::Json(200, json!({"ok": true, "results": [row, row]}))
        } else {
            healthy(request, &FLEET)
        }
    });
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("proven 4 (4 verified)"), "{}", ran.stdout);
    assert_eq!(json_of(&case, "response.json")["results"].as_array().map(Vec::len), Some(5));
}
