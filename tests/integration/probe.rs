//! Probing builds: the real binary against tenants on loopback that turn late, lie, hang, and try to be more than text.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Case, Ran, read_json, rollproof, run};

const SHA: &str = "abcdef1000000000000000000000000000000000";
const TOKEN: &str = "s3cret-t0ken";
const OLD: &str = "0123456000000000000000000000000000000000";

/// What a tenant does when it is asked for its build.
#[derive(Clone)]
enum Reply {
    /// An answer of HTTP 200 with this body.
    Body(String),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// The connection is closed without a word.
    Close,
    /// The target's commit, after so long.
    Late(Duration),
    /// 10 MB of JSON.
    Huge,
    /// The target's commit, a byte at a time.
    Trickle,
}

fn commit(sha: &str) -> Reply {
    Reply::Body(json!({"git_sha": sha, "built_at": "2026-01-01"}).to_string())
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

/// What was asked of the tenants.
#[derive(Default)]
struct Seen {
    /// How often each path was asked for.
    asked: BTreeMap<String, usize>,
    heads: Vec<String>,
    in_flight: usize,
    most_in_flight: usize,
    /// The tenants that calls named, in order.
    called: Vec<String>,
}

/// A control plane whose every tenant is verified but the `stragglers`, and its tenants' own `/buildinfo`.
struct World {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

impl World {
    fn new(fleet: &[&str], stragglers: &[&str], reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = Arc::new((owned(fleet), owned(stragglers), reply));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, seen) = (Arc::clone(&known), Arc::clone(&shared));
                thread::spawn(move || {
                    let (fleet, stragglers, reply) = &*known;
                    serve(&stream.expect("a connection"), fleet, stragglers, reply, &seen);
                });
            }
        });
        Self { url, seen }
    }

    fn asked(&self) -> BTreeMap<String, usize> {
        self.seen.lock().expect("it is not poisoned").asked.clone()
    }

    fn template(&self) -> String {
        format!("{}/t/{{slug}}/buildinfo", self.url)
    }
}

fn serve(
    mut stream: &TcpStream,
    fleet: &[String],
    stragglers: &[String],
    reply: &impl Fn(&str, usize) -> Reply,
    seen: &Mutex<Seen>,
) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    if path.starts_with("/cp/") {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let named: Vec<String> = serde_json::from_value(body["only_slugs"].clone()).unwrap_or_default();
        let dry = body["dry_run"] == true;
        let row = |slug: &String| {
            if dry {
                return json!({"slug": slug, "ssm_status": "DryRun"});
            }
            json!({"slug": slug, "ssm_status": "Success", "verified_on_target": !stragglers.contains(slug)})
        };
        let rows: Vec<Value> = if named.is_empty() { fleet } else { &named }.iter().map(row).collect();
        seen.lock().expect("it is not poisoned").called.extend(named);
        let _ = stream.write_all(&http("200 OK", &json!({"ok": true, "results": rows}).to_string()));
        return;
    }
    let slug = path.trim_start_matches("/t/").trim_end_matches("/buildinfo").to_owned();
    let time = {
        let mut seen = seen.lock().expect("it is not poisoned");
        seen.in_flight += 1;
        seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        seen.heads.push(head);
        let asked = seen.asked.entry(slug.clone()).or_default();
        *asked += 1;
        *asked
    };
    let answer = reply(&slug, time);
    // It is over for the client once it has the answer, so it is counted before.
    let done = || seen.lock().expect("it is not poisoned").in_flight -= 1;
    let target = json!({"git_sha": SHA}).to_string();
    // The client may have hung up.
    let _ = match answer {
        Reply::Late(time) => {
            thread::sleep(time);
            done();
            stream.write_all(&http("200 OK", &target))
        }
        Reply::Body(body) => {
            done();
            stream.write_all(&http("200 OK", &body))
        }
        Reply::Raw(bytes) => {
            done();
            stream.write_all(&bytes)
        }
        Reply::Close => {
            done();
            Ok(())
        }
        Reply::Trickle => {
            let sent = http("200 OK", &target).iter().try_for_each(|byte| {
                thread::sleep(Duration::from_millis(20));
                stream.write_all(&[*byte])
            });
            done();
            sent
        }
        Reply::Huge => {
            let body = json!({"git_sha": SHA, "x": "x".repeat(10_000_000)}).to_string();
            let sent = stream.write_all(&http("200 OK", &body));
            done();
            sent
        }
    };
}

/// A folder with a plan for a control plane.
fn case(url: &str) -> Case {
    let case = Case::new();
    let plan = json!({
        "enabled": true, "sha": SHA, "target_tag": "staging-abcdef1", "cp_url": url, "rollout_http_timeout": 5,
        "body": {"target_tag": "staging-abcdef1", "soak_seconds": 0, "batch_size": 50, "max_stragglers": 1,
                 "dry_run": false, "confirm": true},
    });
    case.file("plan.json", plan.to_string());
    case
}

/// `run --probe` against a world, with a pace for tests.
fn command(case: &Case, world: &World, more: &[&str]) -> Command {
    let mut command = rollproof();
    command.args(["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"]);
    command.args(["--probe", "--probe-url-template", &world.template()]).args(more);
    command.current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN);
    command
}

/// A pace at which whoever is not on the build is asked at least twice.
const PACE: [&str; 6] = ["--probe-interval", "0.1", "--probe-timeout", "0.2", "--probe-request-timeout", "0.5"];

fn drive(case: &Case, world: &World, more: &[&str]) -> Ran {
    run(command(case, world, &PACE).args(more))
}

fn json_of(case: &Case, name: &str) -> Value {
    read_json(&case.path(name))
}

fn verified(case: &Case, evidence: &str) -> (i32, Value) {
    let ran = case.run(["verify", evidence, "--format", "json"]);
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr)))
}

/// The codes of findings, with their messages and tenants.
/// The findings of a report but its notes: these rollouts have no inventory, which is one.
fn findings(report: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let tenants = |value: &Value| value.as_array().expect("a list").iter().map(text).collect();
    let findings = report["findings"].as_array().expect("a list").iter();
    let findings = findings.filter(|found| found["severity"] != "note");
    findings.map(|found| (text(&found["code"]), text(&found["message"]), tenants(&found["tenants"]))).collect()
}

#[test]
fn tenants_that_turn_late_pass_and_are_asked_no_further() {
    let world = World::new(&["acme", "bolt", "cobalt"], &[], |slug, time| match (slug, time) {
        ("bolt", 1) => commit(OLD),
        ("cobalt", 1) => Reply::Close,
        ("cobalt", 2) => commit("dev"),
        _ => commit(SHA),
    });
    let case = case(&world.url);
    // A pace may be any number of seconds; the clock cannot count as far.
    let ran = run(&mut command(&case, &world, &["--probe-interval", "0.05", "--probe-timeout", "1e19"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let expected = [("acme", 1), ("bolt", 2), ("cobalt", 3)].map(|(slug, times)| (slug.to_owned(), times));
    assert_eq!(world.asked(), BTreeMap::from(expected));
    for line in [
        "probing 3 tenants at http://",
        "probed: 1 of 3 tenants are on the build, not yet bolt, cobalt; next round in",
        "probed: 3 of 3 tenants",
    ] {
        assert!(ran.stderr.contains(line), "{line} is not in {}", ran.stderr);
    }
    let probes = json_of(&case, "document.json")["probes"].clone();
    let asked: Vec<(&Value, &Value, &Value)> = probes
        .as_array()
        .expect("a list")
        .iter()
        .map(|probe| (&probe["tenants"][0], &probe["asked"], &probe["git_sha"]))
        .collect();
    let sha = &json!(SHA);
    assert_eq!(
        asked,
        [(&json!("acme"), &json!(1), sha), (&json!("bolt"), &json!(2), sha), (&json!("cobalt"), &json!(3), sha)]
    );
    let head = world.seen.lock().expect("it is not poisoned").heads[0].to_ascii_lowercase();
    assert!(head.starts_with("get /t/") && !head.contains("authorization"), "{head}");
    assert_eq!(verified(&case, "document.json.journal").0, 0);
}

/// Contract section 6: every `/buildinfo` was blocked, and a soft warning turned it green.
#[test]
fn every_buildinfo_was_blocked_and_a_soft_warning_turned_it_green() {
    let blocked = Reply::Raw(http("403 Forbidden", "<html>blocked</html>"));
    let world = World::new(&["acme", "bolt"], &[], move |_, _| blocked.clone());
    let refused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let nowhere = format!("http://{refused}/{{slug}}/buildinfo");
    for (template, words) in [(world.template(), "HTTP 403"), (nowhere, "the connection to 127.0.0.1:")] {
        let case = case(&world.url);
        let mut command = rollproof();
        command.args(["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"]);
        command.args(["--probe", "--probe-url-template", &template]).args(PACE).args(["--format", "json"]);
        let ran = run(command.current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
        assert_eq!(ran.code, 1, "{words}: {}{}", ran.stdout, ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        let found = findings(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(report["findings"][0]["severity"], "deny");
        let (code, message, tenants) = &found[0];
        assert_eq!((&**code, &tenants[..]), ("build.unreachable", &["acme".to_owned(), "bolt".to_owned()][..]));
        assert!(message.starts_with(&format!("2 tenants are unreachable: {words}")), "{message}");
        let response = json_of(&case, "response.json");
        assert_eq!((&response["ok"], response["results"].as_array().map(Vec::len)), (&json!(false), Some(2)));
        assert!(response["error"].as_str().expect("text").starts_with("build.unreachable: "), "{response}");
    }
}

/// A code, and words of its message.
type Said = Option<(&'static str, &'static str)>;

/// Whatever a tenant answers, under its own name, and what is said of it.
fn answers(elsewhere: &str) -> Vec<(&'static str, Reply, Said)> {
    let (stale, unwired, unreachable) = ("build.stale", "build.unwired", "build.unreachable");
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let long = "a".repeat(5000);
    let hostile = "\n::error::pwned\u{1b}[2J<script>";
    vec![
        ("target", commit(SHA), None),
        ("short", commit("ABCDEF1"), None),
        ("stale", commit(OLD), Some((stale, OLD))),
        ("dirty", commit("abcdef1-dirty"), Some((stale, "no commit"))),
        ("hostile", commit(hostile), Some((stale, "no commit"))),
        ("dev", commit("dev"), Some((unwired, "the commit dev"))),
        ("empty", commit(""), Some((unwired, "an empty commit"))),
        ("zeros", commit(&"0".repeat(40)), Some((unwired, "a commit of zeros"))),
        ("absent", Reply::Body("{}".into()), Some((unwired, "no commit"))),
        ("null", Reply::Body(r#"{"git_sha": null}"#.into()), Some((unwired, "no commit"))),
        ("number", Reply::Body(r#"{"git_sha": 7}"#.into()), Some((unreachable, "no build can be read"))),
        (
            "twice",
            Reply::Body(format!(r#"{{"git_sha": "{OLD}", "git_sha": "{SHA}"}}"#)),
            Some((unreachable, "no build")),
        ),
        ("array", Reply::Body(format!(r#"["{SHA}"]"#)), Some((unreachable, "no build can be read"))),
        ("html", Reply::Body(format!("<html>{hostile}{SHA}</html>")), Some((unreachable, "no build can be read"))),
        ("long", commit(&long), Some((unreachable, "no build can be read"))),
        ("huge", Reply::Huge, Some((unreachable, "HTTP 200, and the answer is larger than 65536 bytes"))),
        ("stall", Reply::Late(Duration::from_secs(2)), Some((unreachable, "no whole answer within"))),
        ("trickle", Reply::Trickle, Some((unreachable, "no "))),
        ("close", Reply::Close, Some((unreachable, "was closed before an answer came"))),
        ("redirect", Reply::Raw(redirect), Some((unreachable, "HTTP 302"))),
        (
            "missing",
            Reply::Raw(http("404 Not Found", &format!(r#"{{"git_sha": "{SHA}"}}"#))),
            Some((unreachable, "HTTP 404")),
        ),
        (
            "accepted",
            Reply::Raw(http("202 Accepted", &format!(r#"{{"git_sha": "{SHA}"}}"#))),
            Some((unreachable, "HTTP 202")),
        ),
        ("garbage", Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), Some((unreachable, "that is no HTTP"))),
        (
            "cut-short",
            Reply::Raw(
                format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{{\"git_sha\": \"{SHA}\"}}").into_bytes(),
            ),
            Some((unreachable, "HTTP 200, and the answer breaks off after 55 bytes of 100")),
        ),
    ]
}

#[test]
fn every_kind_of_answer_is_told_apart() {
    let elsewhere = World::new(&[], &[], |_, _| commit(SHA));
    let answers = answers(&format!("{}/t/elsewhere/buildinfo", elsewhere.url));
    let fleet: Vec<&str> = answers.iter().map(|(slug, ..)| *slug).collect();
    let replies: BTreeMap<String, Reply> =
        answers.iter().map(|(slug, reply, _)| ((*slug).to_owned(), reply.clone())).collect();
    let world = World::new(&fleet, &[], move |slug, _| replies[slug].clone());
    let case = case(&world.url);
    let ran =
        drive(&case, &world, &["--report", "json=report.json", "--report", "markdown=report.md", "--show-errors"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let report = json_of(&case, "report.json");
    let found = findings(&report);
    for (slug, _, expected) in &answers {
        let said: Vec<_> = found.iter().filter(|(.., tenants)| tenants.iter().any(|tenant| tenant == slug)).collect();
        let times = world.asked()[*slug];
        match expected {
            None => assert_eq!((said.len(), times), (0, 1), "{slug}: {said:?}"),
            Some((code, words)) => {
                assert_eq!((said.len(), &*said[0].0), (1, *code), "{slug}: {said:?}");
                assert!(times >= 2, "{slug}: {times}");
                let said = &said[0].1;
                assert!(said.contains(words) && said.ends_with(&format!("asked {times} times")), "{slug}: {said}");
            }
        }
    }
    assert_eq!(elsewhere.asked(), BTreeMap::new(), "a redirect is not followed");
    // What a tenant says is evidence: it moves no cursor, starts no command, is no markup, and is in no message.
    let markdown = std::fs::read_to_string(case.path("report.md")).expect("it was written");
    for (name, text) in [("text", &ran.stdout), ("markdown", &markdown), ("progress", &ran.stderr)] {
        assert!(!text.contains('\u{1b}') && !text.contains("::error::"), "{name}: {text}");
    }
    assert!(!markdown.contains("<script"), "{markdown}");
    assert!(found.iter().all(|(_, message, _)| !message.contains("pwned")), "{found:?}");
    // The journal alone gives the same verdict.
    let (code, again) = verified(&case, "document.json.journal");
    assert_eq!((code, findings(&again)), (1, found));
    let document = std::fs::metadata(case.path("document.json")).expect("it was written").len();
    assert!(document < 100_000, "an answer is kept only as far as it says something: {document}");
}

#[test]
fn only_proven_tenants_of_the_fleet_are_asked() {
    let world = World::new(&["acme", "bolt", "cobalt"], &["bolt"], |_, _| commit(SHA));
    let quarantined = case(&world.url);
    let ran = drive(&quarantined, &world, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(world.asked().into_keys().collect::<Vec<_>>(), ["acme", "cobalt"]);

    // Behind a halt and in a dry run nobody is asked, and nothing is said of builds.
    for (name, change, code) in
        [("halted", json!({"canary_slug": "bolt"}), 1), ("dry run", json!({"dry_run": true}), 0)]
    {
        let world = World::new(&["acme", "bolt", "cobalt"], &["bolt"], |_, _| commit(OLD));
        let case = case(&world.url);
        let mut plan = json_of(&case, "plan.json");
        plan["body"].as_object_mut().expect("a body").extend(change.as_object().expect("an object").clone());
        case.file("plan.json", plan.to_string());
        let ran = drive(&case, &world, &["--report", "json=report.json"]);
        assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(world.asked(), BTreeMap::new(), "{name}");
        let found = findings(&json_of(&case, "report.json"));
        assert!(found.iter().all(|(code, ..)| !code.starts_with("build.")), "{name}: {found:?}");
    }

    // Nobody is proven, so there is nobody to ask: no pass, whatever is tolerated.
    let world = World::new(&["acme"], &["acme"], |_, _| commit(SHA));
    let nobody = case(&world.url);
    assert_eq!(drive(&nobody, &world, &["--report", "json=report.json"]).code, 1);
    let codes: BTreeSet<_> = findings(&json_of(&nobody, "report.json")).into_iter().map(|(code, ..)| code).collect();
    assert!(codes.contains("build.nothing_probed"), "{codes:?}");
}

#[test]
fn a_slug_that_cannot_stand_in_a_url_never_gets_there() {
    let long = "a".repeat(64);
    let bad =
        ["../admin", "UPPER", "a.b", "-a", "a-", "a b", "a%2e", "a@evil.example", "é", "a/b", "a?b", "a#b", &*long];
    let longest = "a".repeat(63);
    let good = ["a", "0", "a-b", "xn--caf-dma", &*longest];
    let fleet: Vec<&str> = good.iter().chain(&bad).copied().collect();
    let world = World::new(&fleet, &[], |_, _| commit(SHA));
    let case = case(&world.url);
    // There is nothing to wait for: whoever can be asked is on the build.
    let started = std::time::Instant::now();
    let pace = ["--probe-interval", "20", "--probe-timeout", "240", "--report", "json=report.json"];
    let ran = run(&mut command(&case, &world, &pace));
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let mut expected = good.to_vec();
    expected.sort_unstable();
    assert_eq!(world.asked().into_keys().collect::<Vec<_>>(), expected);
    let found = findings(&json_of(&case, "report.json"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, "13 tenants are unreachable: the slug cannot stand in a URL, so nobody asked");
    let mut named: Vec<&str> = found[0].2.iter().map(String::as_str).collect();
    let mut bad = bad.to_vec();
    named.sort_unstable();
    bad.sort_unstable();
    assert_eq!(named, bad);
}

#[test]
fn no_more_tenants_are_asked_at_a_time_than_is_allowed() {
    let fleet: Vec<String> = (0..40).map(|i| format!("t{i}")).collect();
    let fleet: Vec<&str> = fleet.iter().map(String::as_str).collect();
    for (more, most) in [(&[][..], 16), (&["--probe-concurrency", "3"][..], 3)] {
        let world = World::new(&fleet, &[], |_, _| Reply::Late(Duration::from_millis(40)));
        let case = case(&world.url);
        let ran = run(&mut command(&case, &world, more));
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(world.asked().len(), 40);
        let seen = world.seen.lock().expect("it is not poisoned").most_in_flight;
        assert!((2..=most).contains(&seen), "{seen} at a time, {most} allowed");
    }
}

#[test]
fn a_signal_ends_probing_and_what_was_seen_is_kept() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let world = World::new(&["acme", "bolt", "cobalt"], &[], |slug, _| match slug {
            "acme" => commit(SHA),
            "bolt" => commit(OLD),
            _ => Reply::Late(Duration::from_secs(30)),
        });
        let case = case(&world.url);
        let mut command = command(&case, &world, &["--probe-request-timeout", "30"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        while world.asked().len() < 3 {
            thread::sleep(Duration::from_millis(10));
        }
        // The quick answers are there, the slow one is in flight.
        thread::sleep(Duration::from_millis(300));
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let started = std::time::Instant::now();
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        assert!(started.elapsed() < Duration::from_secs(8));
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        for evidence in ["document.json", "document.json.journal"] {
            let (code, report) = verified(&case, evidence);
            let found = findings(&report);
            let said: Vec<_> =
                found.iter().map(|(code, message, tenants)| (&**code, &**message, &*tenants[0])).collect();
            let stale = format!("1 tenant is stale: /buildinfo says {OLD}, not {SHA}; asked 1 time");
            let cut = "1 tenant is unreachable: probing ended before any answer";
            assert_eq!(said, [("build.stale", &*stale, "bolt"), ("build.unreachable", cut, "cobalt")], "{evidence}");
            assert_eq!(code, 1);
        }
        let response = json_of(&case, "response.json");
        assert_eq!((&response["ok"], response["results"].as_array().map(Vec::len)), (&json!(false), Some(3)));
    }
}

#[test]
fn a_journal_that_ends_before_probing_did_is_no_pass() {
    let world = World::new(&["acme", "bolt"], &[], |_, _| commit(SHA));
    let case = case(&world.url);
    assert_eq!(drive(&case, &world, &[]).code, 0);
    let journal = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
    let until = |record: &str| {
        let mut kept = String::new();
        for line in journal.lines() {
            kept.push_str(line);
            kept.push('\n');
            if line.starts_with(&format!("{{\"record\":\"{record}\"")) {
                return kept;
            }
        }
        panic!("there is no {record} in {journal}");
    };
    for (record, expected) in
        [("completed", Some("build.nothing_probed")), ("probing", Some("build.unreachable")), ("probed", None)]
    {
        case.file("cut.journal", until(record));
        let (code, report) = verified(&case, "cut.journal");
        let codes: Vec<_> = findings(&report).into_iter().map(|(code, ..)| code).collect();
        assert_eq!(codes.first().map(String::as_str), expected, "{record}");
        assert_eq!(code, i32::from(expected.is_some()), "{record}");
    }
    // Killed before it was over, it can be probed again.
    case.file("cut.journal", until("completed"));
    let again = ["probe", "cut.journal", "--probe-url-template", &world.template()];
    assert_eq!(case.run(again.iter().chain(&["--in-place"])).code, 2, "a journal is not overwritten");
    assert_eq!(case.run(again.iter().chain(&["--document", "again.json"])).code, 0);
    assert_eq!(verified(&case, "again.json").0, 0);

    // A rollout that was killed in mid-call is resumed with its probing, or not at all.
    case.file("document.json.journal", until("start"));
    let args = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json", "--resume"];
    let without = run(rollproof().args(args).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(without.code, 2, "{}", without.stderr);
    assert!(without.stderr.contains("give --probe again"), "{}", without.stderr);
    let resumed = drive(&case, &world, &["--resume"]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
}

/// A commit stands where the configuration or an option says; what stands there and is no commit proves nothing.
#[test]
fn the_commit_is_read_where_it_is_said_to_stand() {
    let world = World::new(&["acme", "bolt", "cobalt"], &[], |slug, _| match slug {
        "acme" => Reply::Raw(
            format!("HTTP/1.1 200 OK\r\nX-Git-Sha: {SHA}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}")
                .into_bytes(),
        ),
        "bolt" => Reply::Body(json!({"data": {"sha": SHA}}).to_string()),
        _ => Reply::Body(json!({"data": {"sha": 7}}).to_string()),
    });
    let case = case(&world.url);
    let plan = std::fs::read_to_string(case.path("plan.json")).expect("a plan");
    case.file("plan.json", plan.replace("\"max_stragglers\":1", "\"max_stragglers\":0"));
    let args = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];
    let ran = run(rollproof().args(args).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let probe = |more: &[&str]| {
        let once = ["probe", "document.json", "--document", "probed.json", "--probe-timeout", "0"];
        let ran = case.run(once.iter().chain(&["--probe-url-template", &world.template()]).chain(more));
        let found = findings(&verified(&case, "probed.json").1);
        (
            ran,
            found
                .into_iter()
                .flat_map(|(code, _, tenants)| tenants.into_iter().map(move |tenant| (code.clone(), tenant))),
        )
    };
    let found = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(code, tenant)| ((*code).to_owned(), (*tenant).to_owned())).collect::<BTreeSet<_>>()
    };
    let (ran, by_pointer) = probe(&["--probe-commit-pointer", "/data/sha"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("probed: 1 of 3 tenants are on the build, not yet acme, cobalt"), "{}", ran.stderr);
    assert_eq!(
        by_pointer.collect::<BTreeSet<_>>(),
        found(&[("build.unwired", "acme"), ("build.unreachable", "cobalt")])
    );
    case.file("rollproof.toml", "[probe]\ncommit_header = \"x-git-sha\"\n");
    let (_, by_header) = probe(&[]);
    assert_eq!(by_header.collect::<BTreeSet<_>>(), found(&[("build.unwired", "bolt"), ("build.unwired", "cobalt")]));
    for wrong in [&["--probe-commit-pointer", "data/sha"][..], &["--probe-commit-header", "a b"]] {
        assert_eq!(probe(wrong).0.code, 2, "{wrong:?}");
    }
    case.file("rollproof.toml", "[probe]\ncommit_header = \"x-git-sha\"\ncommit_pointer = \"/sha\"\n");
    assert_eq!(probe(&[]).0.code, 2, "only one of them counts");
}

#[test]
fn a_document_is_probed_and_written_anew() {
    let world = World::new(&["acme", "bolt"], &[], |_, time| if time <= 2 { commit(OLD) } else { commit(SHA) });
    let case = case(&world.url);
    let args = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];
    let ran = run(rollproof().args(args).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(ran.code, 0, "without --probe builds are not asked for: {}", ran.stderr);
    assert_eq!((world.asked().len(), &json_of(&case, "document.json")["probes"]), (0, &Value::Null));

    let before = std::fs::read(case.path("document.json")).expect("it was written");
    let once = ["--probe-timeout", "0", "--probe-url-template", &world.template()];
    let elsewhere = case.run(["probe", "document.json", "--document", "probed.json"].iter().chain(&once));
    assert_eq!(elsewhere.code, 1, "{}{}", elsewhere.stdout, elsewhere.stderr);
    assert!(elsewhere.stdout.contains("2 tenants are stale"), "{}", elsewhere.stdout);
    assert_eq!(std::fs::read(case.path("document.json")).expect("it is there"), before);
    assert_eq!(verified(&case, "probed.json").0, 1);

    // Nothing is replaced that nobody asked to replace.
    let asked = world.asked();
    let nowhere = case.run(["probe", "document.json"].iter().chain(&once));
    assert_eq!((nowhere.code, world.asked()), (2, asked), "{}", nowhere.stderr);
    assert!(nowhere.stderr.contains("--document PATH, or --in-place"), "{}", nowhere.stderr);
    assert_eq!(std::fs::read(case.path("document.json")).expect("it is there"), before);
    assert_eq!(case.run(["probe", "document.json", "--in-place", "--document", "x.json"]).code, 2);

    // In place, and anew: what was seen before is not counted with what is seen now.
    assert_eq!(case.run(["probe", "probed.json", "--in-place"].iter().chain(&once)).code, 1);
    assert_eq!(json_of(&case, "probed.json")["probes"][0]["asked"], 1);
    let ran = case.run(["probe", "probed.json", "--in-place", "--quiet"].iter().chain(&once));
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{}", ran.stdout);
    assert_eq!(verified(&case, "probed.json").0, 0);

    let document = std::fs::read(case.path("document.json")).expect("it is there");
    let piped = ["probe", "-"];
    assert_eq!(case.run_with_input(piped.iter().chain(&once), &document).code, 2);
    assert_eq!(case.run_with_input(piped.iter().chain(&once).chain(&["--document", "piped.json"]), &document).code, 0);
    assert_eq!(case.run(["probe", "gone.json", "--in-place"].iter().chain(&once)).code, 4);
    let full = case.run(["probe", "document.json", "--document", "/dev/full"].iter().chain(&once));
    assert_eq!(full.code, 7, "{}", full.stderr);
}

#[test]
fn probing_is_configured_and_senseless_options_are_refused_before_anything_is_called() {
    let world = World::new(&["acme"], &[], |_, _| commit(OLD));
    let case = case(&world.url);
    let probe = |more: &[&str]| {
        let args = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];
        run(rollproof().args(args).args(more).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN))
    };
    let template = world.template();
    for (more, expected) in [
        (&["--probe"][..], "nothing says where"),
        (&["--probe-concurrency", "3"], "--probe is not"),
        (&["--probe", "--probe-domain", "tenants.example/x"], "is no domain"),
        (&["--probe", "--probe-url-template", "https://tenants.example/buildinfo"], "lacks {slug}"),
        (&["--probe", "--probe-url-template", "http://{slug}.tenants.example/buildinfo"], "plain http"),
        (&["--probe", "--probe-url-template", "ftp://{slug}.tenants.example/"], "https is expected"),
        (&["--probe", "--probe-url-template", "https://u:p@{slug}.tenants.example/"], "a user name or a password"),
        (&["--probe", "--probe-url-template", "nonsense {slug}"], "is no URL"),
        (&["--probe", "--probe-url-template", &template, "--probe-concurrency", "0"], "at least one tenant"),
        (&["--probe", "--probe-url-template", &template, "--probe-interval", "0"], "at least 0.01 seconds"),
        (&["--probe", "--probe-url-template", &template, "--probe-timeout=-1"], "at least 0 seconds"),
        (&["--probe", "--probe-url-template", &template, "--probe-request-timeout", "NaN"], "at least 0.01 seconds"),
    ] {
        let ran = probe(more);
        assert_eq!(ran.code, 2, "{more:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{more:?}: {}", ran.stderr);
    }
    let mut plan = json_of(&case, "plan.json");
    plan.as_object_mut().expect("a plan").remove("sha");
    case.file("nameless.json", plan.to_string());
    let nameless = ["--probe", "--probe-url-template", &template, "--plan", "nameless.json"];
    let args = ["run", "--response", "response.json", "--document", "document.json"];
    let ran = run(rollproof().args(args).args(nameless).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("names no commit"), "{}", ran.stderr);
    assert!(!case.path("document.json.journal").exists());
    assert_eq!(world.seen.lock().expect("it is not poisoned").called.len(), 0, "nothing was called");

    for (text, expected) in [
        ("[probe]\ninterval_second = 1\n", "did you mean \"interval_seconds\"?"),
        ("[probe]\ntimeout_seconds = -1\n", "at least 0 seconds"),
    ] {
        case.file("rollproof.toml", text);
        let ran = probe(&["--probe"]);
        assert_eq!(ran.code, 2, "{text}");
        assert!(ran.stderr.contains(expected), "{text}: {}", ran.stderr);
    }
    case.file(
        "rollproof.toml",
        format!(
            "[probe]\nurl_template = {template:?}\ninterval_seconds = 0.1\ntimeout_seconds = 0.35\nconcurrency = 2\n"
        ),
    );
    assert_eq!(probe(&["--probe"]).code, 1);
    assert!(world.asked()["acme"] >= 2);

    // What the documentation shows is read.
    let page = crate::support::read(&crate::support::root().join("docs/probing.md"));
    let (_, shown) = page.split_once("```toml\n").expect("an example");
    case.file("rollproof.toml", shown.split_once("```").expect("its end").0);
    assert_eq!(case.run(["verify", "document.json"]).code, 1);

    // A domain makes the contract's URL, and is asked over TLS; nobody answers there.
    case.file("rollproof.toml", "[probe]\ndomain = \"tenants.invalid\"\nrequest_timeout_seconds = 0.2\n");
    let ran = case.run(["probe", "document.json", "--in-place", "--probe-timeout", "0"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let probes = json_of(&case, "document.json")["probes"].clone();
    assert_eq!(probes[0]["url"], "https://{slug}.tenants.invalid/buildinfo");
    assert_eq!((probes.as_array().map(Vec::len), &probes[0]["status"]), (Some(1), &Value::Null), "{probes}");
}

/// A tenant behind TLS, with a certificate for 127.0.0.1 that nobody else signed. Gives its port and the certificate.
fn tenant_behind_tls() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("they are known")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they belong together");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            // A client that does not trust the certificate hangs up.
            let answered = tls.read(&mut [0; 4096]).and_then(|_| {
                tls.write_all(&http("200 OK", &json!({"git_sha": SHA}).to_string()))?;
                tls.conn.send_close_notify();
                tls.flush()
            });
            drop(answered);
        }
    });
    (port, made.cert.pem())
}

#[test]
fn a_certificate_that_is_not_trusted_is_no_answer() {
    let world = World::new(&["acme"], &[], |_, _| commit(SHA));
    let case = case(&world.url);
    assert_eq!(drive(&case, &world, &[]).code, 0);
    let (port, own) = tenant_behind_tls();
    let (_, other) = tenant_behind_tls();
    case.file("own.pem", own);
    case.file("other.pem", other);
    for (trusted, host, code) in
        [("own.pem", "127.0.0.1", 0), ("other.pem", "127.0.0.1", 1), ("own.pem", "localhost", 1)]
    {
        let template = format!("https://{host}:{port}/{{slug}}/buildinfo");
        let args = ["probe", "document.json", "--document", "probed.json", "--probe-timeout", "0"];
        let mut command = rollproof();
        command.args(args).args(["--probe-url-template", &template]).current_dir(case.path(""));
        let ran = run(command.env("SSL_CERT_FILE", case.path(trusted)).env_remove("SSL_CERT_DIR"));
        assert_eq!(ran.code, code, "{trusted} {host}: {}{}", ran.stdout, ran.stderr);
        let probe = json_of(&case, "probed.json")["probes"][0].clone();
        if code == 1 {
            let error = probe["error"].as_str().expect("text");
            assert!(error.contains("certificate"), "{trusted} {host}: {error}");
            assert!(ran.stdout.contains("build.unreachable"), "{}", ran.stdout);
        }
    }
}

/// What a tenant answers may hold a token of the job, which is no secret of the tenant's; and may say two things at once.
#[test]
fn an_answer_that_cannot_be_relied_on_names_no_build() {
    let echo = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let not_utf8 = [&b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"git_sha\": \"a"[..], b"\xff\"}"].concat();
    for (name, reply, says) in [
        ("twice", Reply::Body(format!(r#"{{"git_sha": "{OLD}", "git_sha": "{SHA}"}}"#)), "duplicate field `git_sha`"),
        (
            "twice, escaped",
            Reply::Body(format!(r#"{{"git_sha": "{OLD}", "git\u005fsha": "{SHA}"}}"#)),
            "duplicate field `git_sha`",
        ),
        ("another key twice", Reply::Body(format!(r#"{{"git_sha": "{SHA}", "a": 1, "a": 2}}"#)), "the same key twice"),
        ("no UTF-8", Reply::Raw(not_utf8), "no UTF-8: found the byte 0xff at offset 14"),
        ("a token in the commit", Reply::Body(format!(r#"{{"git_sha": "{TOKEN}"}}"#)), "holds a token"),
        ("a token in a key", Reply::Body(format!(r#"{{"git_sha": "{SHA}", "{TOKEN}": 1}}"#)), "holds a token"),
        ("no JSON", Reply::Body(format!("<pre>env: {echo}</pre>")), "<pre>env: ***</pre>"),
        (
            "breaks off",
            Reply::Raw(
                format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{{\"x\": \"{}", &TOKEN[..11]).into_bytes(),
            ),
            "end of file",
        ),
    ] {
        let world = World::new(&["acme"], &[], move |_, _| reply.clone());
        let case = case(&world.url);
        let ran = drive(&case, &world, &["-vv"]);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.stdout, ran.stderr);
        let document = read_json(&case.path("document.json"));
        let seen = &document["probes"][0];
        assert!(seen["error"].as_str().is_some_and(|error| error.contains(says)), "{name}: {document:#}");
        for file in ["document.json", "document.json.journal", "response.json"] {
            let text = crate::support::read(&case.path(file));
            assert!(!text.contains(&TOKEN[..8]) && !text.contains(&echo), "{name}: {text}");
        }
    }
}

/// Where a header holds the commit, nothing of the body counts: not that it is no JSON, nor what it says.
#[test]
fn an_answer_whose_header_names_the_commit_has_no_failure() {
    let long = "a".repeat(300);
    let answers = long.clone();
    let world = World::new(&["acme", "bolt"], &[], move |slug, _| {
        let sha = if slug == "acme" { SHA } else { &*answers };
        Reply::Raw(
            format!("HTTP/1.1 200 OK\r\nX-Sha: {sha}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").into_bytes(),
        )
    });
    let case = case(&world.url);
    let args = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];
    let ran = run(rollproof().args(args).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let probe = |more: &[&str]| {
        let once = ["probe", "document.json", "--document", "probed.json", "--probe-timeout", "0"];
        case.run(once.iter().chain(&["--probe-url-template", &world.template()]).chain(more));
        let probes = json_of(&case, "probed.json")["probes"].as_array().expect("probes").clone();
        probes
            .into_iter()
            .map(|one| (one["tenants"][0].as_str().expect("a name").to_owned(), one))
            .collect::<BTreeMap<_, _>>()
    };
    let by_header = probe(&["--probe-commit-header", "x-sha"]);
    assert_eq!(
        (&by_header["acme"]["failure"], &by_header["acme"]["git_sha"]),
        (&Value::Null, &json!(SHA)),
        "{by_header:?}"
    );
    let told = "the commit in the header x-sha is 300 characters long, but at most 200 are allowed";
    assert_eq!((&by_header["bolt"]["failure"], &by_header["bolt"]["error"]), (&Value::Null, &json!(told)));
    // Where the body is read, it has one.
    let by_body = probe(&[]);
    assert_eq!(by_body["acme"]["failure"]["kind"], "no_json", "{by_body:?}");
    let world = World::new(&["acme"], &[], move |_, _| {
        Reply::Body(json!({"git_sha": long, "data": {"sha": long}}).to_string())
    });
    for (more, told) in
        [(&[][..], "its git_sha is 300"), (&["--probe-commit-pointer", "/data/sha"], "the commit at /data/sha is 300")]
    {
        let once = ["probe", "document.json", "--document", "probed.json", "--probe-timeout", "0"];
        case.run(once.iter().chain(&["--probe-url-template", &world.template()]).chain(more));
        let found = json_of(&case, "probed.json")["probes"][0]["error"].clone();
        assert!(found.as_str().is_some_and(|found| found.contains(told)), "{more:?}: {found}");
    }
}
