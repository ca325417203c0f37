//! The live rollout: the real binary against the drill's control plane, and against faults that it cannot make.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Case, Ran, rollproof, run};

const TOKEN: &str = "s3cret-t0ken";

/// What a control plane does with a request.
#[derive(Clone)]
enum Reply {
    /// An answer as it should be.
    Json(u16, Value),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// The connection is closed without a word.
    Close,
    /// Nothing, for so long.
    Stall(Duration),
    /// An answer, a byte at a time.
    Trickle(Duration),
    /// An answer that never ends.
    Huge,
}

/// A request as it came.
#[derive(Debug, Clone)]
struct Request {
    head: String,
    body: Value,
}

impl Request {
    /// The tenants that it names; none for a plan call.
    fn tenants(&self) -> Vec<String> {
        serde_json::from_value(self.body["only_slugs"].clone()).unwrap_or_default()
    }
}

/// A control plane of raw bytes on loopback. `reply` is asked for the reply to each request, by its index.
struct Plane {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Plane {
    fn new(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (reply, seen) = (Arc::clone(&reply), Arc::clone(&seen));
                thread::spawn(move || {
                    let stream = stream.expect("a connection");
                    if let Some(request) = read_request(&stream) {
                        let index = {
                            let mut seen = seen.lock().expect("it is not poisoned");
                            seen.push(request.clone());
                            seen.len() - 1
                        };
                        answer(&stream, reply(index, &request));
                    }
                });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("it is not poisoned").clone()
    }

    /// The tenants of each request, in order.
    fn calls(&self) -> Vec<Vec<String>> {
        self.requests().iter().map(Request::tenants).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn http(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn answer(mut stream: &TcpStream, reply: Reply) {
    // The client may have hung up.
    let _ = match reply {
        Reply::Json(status, body) => stream.write_all(&http(status, &body.to_string())),
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::Close => Ok(()),
        Reply::Stall(time) => {
            thread::sleep(time);
            Ok(())
        }
        Reply::Trickle(pause) => http(200, r#"{"ok": true, "results": []}"#).iter().try_for_each(|byte| {
            thread::sleep(pause);
            stream.write_all(&[*byte])
        }),
        Reply::Huge => {
            let start = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{\"ok\": true, \"x\": \"";
            let chunk = vec![b'x'; 1 << 20];
            stream.write_all(start).and_then(|()| (0..1024).try_for_each(|_| stream.write_all(&chunk)))
        }
    };
}

/// A plan for a control plane.
fn plan(url: &str) -> Value {
    json!({
        "enabled": true, "sha": "abcdef1", "target_tag": "staging-abcdef1", "cp_url": url, "rollout_http_timeout": 1,
        "body": {"target_tag": "staging-abcdef1", "canary_slug": "acme", "soak_seconds": 0, "batch_size": 2,
                 "max_stragglers": 0, "dry_run": false, "confirm": true},
    })
}

/// What a healthy control plane answers.
fn healthy(request: &Request, fleet: &[&str]) -> Reply {
    let tenants = request.tenants();
    let rows: Vec<Value> = if tenants.is_empty() {
        fleet.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect()
    } else {
        tenants.iter().map(|slug| json!({"slug": slug, "ssm_status": "Success", "verified_on_target": true})).collect()
    };
    Reply::Json(200, json!({"ok": true, "results": rows}))
}

const FLEET: [&str; 4] = ["acme", "bolt", "cobalt", "dune"];

/// A folder with a plan, and short delays.
fn case(url: &str) -> Case {
    let case = Case::new();
    case.file("plan.json", plan(url).to_string());
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [0.01, 0.01, 0.01]\nplan_timeout_seconds = 1\n");
    case
}

const ARGS: [&str; 7] = ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];

fn command(case: &Case, more: &[&str]) -> Command {
    let mut command = rollproof();
    command.args(ARGS).args(more).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN);
    command
}

fn drive(case: &Case, more: &[&str]) -> Ran {
    run(&mut command(case, more))
}

fn json_of(case: &Case, name: &str) -> Value {
    crate::support::read_json(&case.path(name))
}

fn denies(case: &Case) -> Vec<String> {
    let report = run(rollproof().args(["verify", "document.json", "--format", "json"]).current_dir(case.path("")));
    let report: Value = serde_json::from_str(&report.stdout).expect("a report");
    let findings =
        report["findings"].as_array().expect("a list").iter().filter(|finding| finding["severity"] == "deny");
    findings.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}

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

/// Faults of the second batch, and whether other attempts follow.
#[test]
fn a_fault_fails_the_call_and_loses_nothing() {
    let good = http(200, r#"{"ok": true, "results": [{"slug": "dune", "verified_on_target": true}]}"#);
    let faults: Vec<(&str, Reply, usize)> = vec![
        ("close", Reply::Close, 4),
        ("stall", Reply::Stall(Duration::from_secs(3)), 4),
        ("trickle", Reply::Trickle(Duration::from_millis(50)), 4),
        ("cut short", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\": true".to_vec()), 4),
        ("huge", Reply::Huge, 4),
        ("502", Reply::Json(502, json!({"ok": false})), 4),
        ("500", Reply::Json(500, json!({"ok": false, "results": [{"slug": "dune", "verified_on_target": true}]})), 1),
        ("404", Reply::Json(404, json!({"error": "gone"})), 1),
        ("html", Reply::Raw(http(200, "<html>sign in</html>")), 1),
        ("ok is a string", Reply::Json(200, json!({"ok": "true", "results": []})), 1),
        ("no object", Reply::Json(200, json!([1])), 1),
        (
            "a row is no object",
            Reply::Json(200, json!({"ok": true, "results": [{"slug": "dune", "verified_on_target": true}, 7]})),
            1,
        ),
        (
            "redirect",
            Reply::Raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()),
            1,
        ),
        ("garbage", Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), 4),
    ];
    for (name, fault, attempts) in faults {
        let plane = Plane::new(
            move |_, request| if request.tenants() == ["dune"] { fault.clone() } else { healthy(request, &FLEET) },
        );
        let case = case(&plane.url);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(plane.calls().iter().filter(|call| **call == ["dune"]).count(), attempts, "{name}");
        assert!(denies(&case).contains(&"calls.failed".to_owned()), "{name}: {:?}", denies(&case));
        let response = json_of(&case, "response.json");
        assert_eq!(response["ok"], false, "{name}");
        let error = response["error"].as_str().expect("text");
        assert!(error.starts_with("redeploy scoped call failed for dune: "), "{name}: {error}");
        let slugs: Vec<&str> =
            response["results"].as_array().expect("rows").iter().filter_map(|row| row["slug"].as_str()).collect();
        assert_eq!(slugs[..3], ["acme", "bolt", "cobalt"], "{name}");
        let document = json_of(&case, "document.json");
        assert_eq!(document["calls"][3]["attempts"].as_array().map(Vec::len), Some(attempts), "{name}");
        let again =
            run(rollproof().args(["verify", "document.json.journal", "--format", "json"]).current_dir(case.path("")));
        assert_eq!(again.code, 1, "{name}: the journal gives the same verdict");
    }
    // Two answers on one connection: the second belongs to nobody.
    let twice = [good.clone(), good].concat();
    let plane =
        Plane::new(
            move |_, request| {
                if request.tenants() == ["dune"] { Reply::Raw(twice.clone()) } else { healthy(request, &FLEET) }
            },
        );
    assert_eq!(drive(&case(&plane.url), &[]).code, 0);
}

#[test]
fn a_plan_call_that_cannot_be_used_changes_nothing() {
    for (name, reply, code) in [
        ("500", Reply::Json(500, json!({"ok": false, "error": "database"})), 1),
        ("not ok", Reply::Json(200, json!({"ok": false, "results": [{"slug": "acme"}]})), 1),
        ("no slug", Reply::Json(200, json!({"ok": true, "results": []})), 1),
        ("no JSON", Reply::Raw(http(200, "hello")), 1),
        ("live", Reply::Json(200, json!({"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]})), 1),
        ("never answered", Reply::Close, 6),
    ] {
        let plane = Plane::new(move |_, _| reply.clone());
        let case = case(&plane.url);
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(plane.calls().iter().all(Vec::is_empty), "{name}: {:?}", plane.calls());
        assert!(plane.requests().iter().all(|request| request.body["dry_run"] == true));
        let response = json_of(&case, "response.json");
        assert_eq!((&response["ok"], &response["results"]), (&json!(false), &json!([])), "{name}");
    }
}

#[test]
fn the_token_is_nowhere() {
    let escaped = TOKEN.replace('s', "\\u0073");
    for echo in [TOKEN.to_owned(), escaped] {
        let body = format!(
            r#"{{"ok": false, "error": "Bearer {echo}", "results": [{{"slug": "dune", "error": "{echo}", "{echo}": 1}}]}}"#
        );
        let plane = Plane::new(move |_, request| {
            if request.tenants() == ["dune"] { Reply::Raw(http(500, &body)) } else { healthy(request, &FLEET) }
        });
        let case = case(&plane.url);
        let ran =
            drive(&case, &["-vv", "--show-errors", "--report", "json=report.json", "--report", "markdown=report.md"]);
        assert_eq!(ran.code, 1);
        let mut texts = vec![("stdout".to_owned(), ran.stdout), ("stderr".to_owned(), ran.stderr)];
        for name in ["document.json", "document.json.journal", "response.json", "report.json", "report.md"] {
            texts.push((name.to_owned(), std::fs::read_to_string(case.path(name)).expect("it was written")));
        }
        for (name, text) in texts {
            assert!(!text.contains(TOKEN), "{name}: {text}");
        }
    }
}

#[test]
fn a_journal_is_never_overwritten() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    let again = drive(&case, &[]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there is a journal already"), "{}", again.stderr);
    let resumed = drive(&case, &["--resume"]);
    assert_eq!(resumed.code, 2);
    assert!(resumed.stderr.contains("has ended"), "{}", resumed.stderr);
    assert_eq!(plane.calls().len(), 4);
}

/// Waits until a call that names this tenant is in flight.
fn wait_for(plane: &Plane, tenant: &str) {
    for _ in 0..500 {
        if plane.calls().iter().any(|call| call.iter().any(|name| name == tenant)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{tenant} was never called");
}

fn spawn(case: &Case, more: &[&str]) -> Child {
    command(case, more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn a_signal_ends_a_rollout_in_good_order_and_it_can_be_resumed() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let plane = Plane::new(|index, request| {
            // The call in flight is answered within the grace.
            if request.tenants() == ["bolt", "cobalt"] && index < 3 {
                thread::sleep(Duration::from_millis(500));
            }
            healthy(request, &FLEET)
        });
        let case = case(&plane.url);
        let child = spawn(&case, &[]);
        wait_for(&plane, "bolt");
        signal(&child, name);
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(
            json_of(&case, "response.json")["results"].as_array().map(Vec::len),
            Some(3),
            "the answer in flight was kept"
        );
        assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "interrupted");
        assert!(denies(&case).contains(&"calls.interrupted".to_owned()));
        let resumed = drive(&case, &["--resume"]);
        assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
        assert_eq!(plane.calls().len(), 4, "nobody was called twice: {:?}", plane.calls());
    }
}

#[test]
fn a_signal_in_plan_call_soak_and_back_off_is_obeyed_at_once() {
    let slow = |plane: &Plane| {
        let mut slow = plan(&plane.url);
        slow["body"]["soak_seconds"] = json!(60);
        slow["rollout_http_timeout"] = json!(60);
        slow
    };
    // In the soak.
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let soaking = case(&plane.url);
    soaking.file("plan.json", slow(&plane).to_string());
    let child = spawn(&soaking, &[]);
    wait_for(&plane, "acme");
    thread::sleep(Duration::from_millis(500));
    signal(&child, "-INT");
    assert_eq!(Ran::from(child.wait_with_output().expect("it ends")).code, 130);
    assert_eq!(plane.calls().len(), 2);
    // In a back-off.
    let plane =
        Plane::new(|_, request| if request.tenants() == ["acme"] { Reply::Close } else { healthy(request, &FLEET) });
    let waiting = case(&plane.url);
    waiting.file("rollproof.toml", "[http]\nretry_delays_seconds = [60]\n");
    let child = spawn(&waiting, &[]);
    wait_for(&plane, "acme");
    thread::sleep(Duration::from_millis(500));
    signal(&child, "-TERM");
    assert_eq!(Ran::from(child.wait_with_output().expect("it ends")).code, 143);
    // In the plan call, which is given up after the grace; a second signal does not wait for that.
    let plane = Plane::new(|_, _| Reply::Stall(Duration::from_secs(30)));
    let planning = case(&plane.url);
    planning.file("rollproof.toml", "[http]\nplan_timeout_seconds = 30\n");
    let child = spawn(&planning, &[]);
    while plane.requests().is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    let start = std::time::Instant::now();
    signal(&child, "-INT");
    thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    assert_eq!(Ran::from(child.wait_with_output().expect("it ends")).code, 130);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_resumed_rollout_keeps_to_its_plan() {
    let plane = Plane::new(|_, request| {
        if request.tenants() == ["dune"] {
            thread::sleep(Duration::from_millis(800));
        }
        healthy(request, &FLEET)
    });
    let case = case(&plane.url);
    let mut child = spawn(&case, &[]);
    wait_for(&plane, "dune");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let cut = run(rollproof().args(["verify", "document.json.journal", "--format", "json"]).current_dir(case.path("")));
    let report: Value = serde_json::from_str(&cut.stdout).expect("a report");
    assert_eq!((cut.code, &report["stragglers"][0]["tenant"]), (1, &json!("dune")));
    assert!(report["stragglers"][0]["reason"].as_str().expect("text").starts_with("in_flight"), "{report}");
    let before = std::fs::read_to_string(case.path("plan.json")).expect("a plan");
    case.file("plan.json", before.replace("\"max_stragglers\":0", "\"max_stragglers\":3"));
    let other = drive(&case, &["--resume"]);
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(other.stderr.contains("is not the one that"), "{}", other.stderr);
    case.file("plan.json", before);
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let calls = plane.calls();
    assert_eq!(calls.iter().filter(|call| **call == ["dune"]).count(), 2, "the call in flight is made again");
    assert_eq!(calls.len(), 5, "no other is: {calls:?}");
}

#[test]
fn a_full_disk_is_said() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let ran = run(command(&case, &[]).args(["--journal", "gone/journal"]));
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_eq!(plane.calls().len(), 0, "what cannot be kept is not called");
    let ran = run(rollproof()
        .args(["run", "--plan", "plan.json", "--response", "/dev/full", "--document", "document.json"])
        .current_dir(case.path(""))
        .env("CP_ADMIN_API_TOKEN", TOKEN));
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot write /dev/full"), "{}", ran.stderr);
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

#[test]
fn every_scenario_of_the_drill_gives_its_expected_verdict() {
    let ran = run(rollproof().args(["drill", "all"]));
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stdout.lines().filter(|line| line.starts_with("ok ")).count() > 25, "{}", ran.stdout);
}

#[test]
fn the_drill_shows_what_the_old_gate_missed() {
    let case = Case::new();
    let ran = run(rollproof().args(["drill", "--keep", "kept"]).current_dir(case.path("")));
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("FAIL  staging-abcdef1: 1 of 12 tenants is not proven"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("would have said: SUCCESS, all 6 calls answered ok\n"), "{}", ran.stdout);
    for name in ["plan.json", "response.json", "document.json", "document.json.journal", "report.json"] {
        assert!(case.path("kept").join(name).is_file(), "{name}");
    }
    let unknown = run(rollproof().args(["drill", "skiped-tenant"]));
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"skipped-tenant\"?"), "{}", unknown.stderr);
}
