//! Servers that misbehave: each has its own sentence and its own remedy, in every format, and in what is kept.

use std::io::{Read as _, Write as _};

use serde_json::Value;

use super::plane::{Plane, Reply, Request, healthy, http, typed};
use super::{ARGS, FLEET, TOKEN, case, drive, json_of, plan};
use crate::support::{Case, Ran, read, read_json, rollproof, run};
use crate::tls::{Authority, in_front_of, proxy_to, serve};

/// What goes wrong with every attempt, and what is said of it.
struct Misbehaves {
    reply: Reply,
    kind: &'static str,
    says: &'static str,
    remedy: &'static str,
    attempts: usize,
}

/// An answer of these headers and this body.
fn answer(head: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    Reply::Raw([head.as_bytes(), body].concat())
}

fn misbehaving() -> Vec<Misbehaves> {
    let case = |reply, kind, says, remedy| Misbehaves { reply, kind, says, remedy, attempts: 1 };
    let retried = |reply, kind, says, remedy| Misbehaves { attempts: 4, ..case(reply, kind, says, remedy) };
    let status = |head: &str| answer(head, b"");
    let here = "the URL of the control plane itself";
    let page = b"<!DOCTYPE html><html><body>Sign in</body></html>";
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00";
    let plain = |body: &str| Reply::Raw(http(200, body));
    vec![
        case(
            status("308 X\r\nLocation: https://u:p@other.example/x?y"),
            "redirect",
            "HTTP 308: redirects are not followed; it points to https://other.example/x?y: check cp_url",
            here,
        ),
        case(status("301 X\r\nLocation: /v2/"), "redirect", "/v2/: check cp_url", here),
        case(status("302 X"), "redirect", "it names no other URL", here),
        case(
            status("401 X"),
            "unauthorized",
            "HTTP 401: the token is refused, see CP_ADMIN_API_TOKEN",
            "Check the token",
        ),
        case(status("403 X"), "forbidden", "HTTP 403: the token may not do this, see CP_ADMIN_API_TOKEN", "right to"),
        case(status("404 X"), "not_found", "HTTP 404: no such path at http://127.0.0.1:", "Check the path"),
        case(
            status("429 X\r\nRetry-After: 120"),
            "too_many_requests",
            "HTTP 429: too many requests; the server asks to try again after 120 s (Retry-After)",
            "the time that the server names",
        ),
        case(
            status("429 X\r\nRetry-After: Fri, 27 Nov 2026 12:00:00 GMT"),
            "too_many_requests",
            "after Fri, 27 Nov 2026 12:00:00 GMT (Retry-After)",
            "the time that the server names",
        ),
        case(
            Reply::Raw(typed(200, "text/html", std::str::from_utf8(page).expect("text"))),
            "html",
            "HTTP 200, and the answer is HTML and not JSON: it begins with \"<!DOCTYPE html><html><body>Sign in</body\"...",
            "Check cp_url",
        ),
        case(plain("Service ready"), "no_json", "is no JSON object: it begins with \"Service ready\"", "Check cp_url"),
        case(plain(""), "empty", "HTTP 200, and the answer is empty", "Check cp_url"),
        case(
            answer("200 OK\r\nContent-Encoding: gzip", gzip),
            "compressed",
            "the answer is compressed (Content-Encoding: gzip), which was not asked for",
            "Turn off compression",
        ),
        case(answer("200 OK\r\nContent-Encoding: br", b"\x0b\x02\x80"), "compressed", "Encoding: br", "Turn off"),
        case(answer("200 OK", gzip), "compressed", "compressed (without a Content-Encoding)", "Turn off compression"),
        case(
            plain("\u{feff}{\"ok\": true, \"results\": []}"),
            "encoding",
            "HTTP 200, and the answer is UTF-8 with a byte order mark, but UTF-8 is expected",
            "without a byte-order mark",
        ),
        retried(
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\": true".to_vec()),
            "cut_off",
            "HTTP 200, and the answer breaks off after 11 bytes of 100: ",
            "it may have been carried out",
        ),
        case(plain(r#"{"results": []}"#), "no_ok", "HTTP 200, and the answer has no ok", "its version sends ok"),
        case(plain(r#"{"ok": false}"#), "", "HTTP 200, and ok is false", "Find this call"),
        case(plain(r#"{"ok": null}"#), "", "HTTP 200, and ok is null", "Find this call"),
        retried(Reply::Close, "closed", "was closed before an answer came: ", "it may have been carried out"),
        retried(
            Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()),
            "no_http",
            "answers with something that is no HTTP: ",
            "Check the port",
        ),
    ]
}

/// The finding about a failed call in a report, and the failure in the document.
fn said(case: &Case, ran: &Ran) -> (Value, Value) {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let mut findings = report["findings"].as_array().expect("a list").iter();
    let finding = findings.find(|finding| finding["code"] == "calls.failed").expect("a failed call").clone();
    let document = json_of(case, "document.json");
    let attempts = document["calls"][0]["attempts"].as_array().expect("attempts").clone();
    (finding, Value::from(attempts))
}

fn check(case: &Case, ran: &Ran, expected: &Misbehaves) {
    let Misbehaves { kind, says, remedy, attempts, .. } = expected;
    let (finding, made) = said(case, ran);
    let message = finding["message"].as_str().expect("text");
    assert!(message.contains(says), "{message}");
    let found = finding["remedy"].as_str().expect("text");
    assert!(found.contains(remedy), "{message}: {found}");
    assert_eq!(made.as_array().map(Vec::len), Some(*attempts), "{message}");
    assert_eq!(made[attempts - 1]["failure"]["kind"].as_str().unwrap_or_default(), *kind, "{message}");
    // The journal gives the same, a year later.
    let again = case.run(["verify", "document.json.journal", "--format", "json"]);
    assert_eq!(said(case, &again).0, finding);
}

#[test]
fn each_has_its_own_sentence_and_remedy() {
    for expected in misbehaving() {
        let reply = expected.reply.clone();
        let plane = Plane::new(move |_, _| reply.clone());
        let case = case(&plane.url);
        check(&case, &drive(&case, &["--format", "json"]), &expected);
        assert_eq!(plane.calls().len(), expected.attempts, "{}", expected.says);
    }
}

#[test]
fn the_reason_is_in_every_format_and_in_the_journal() {
    let plane = Plane::new(|_, _| answer("307 X\r\nLocation: https://other.example/", b"the body is kept apart"));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1);
    for format in ["text", "summary", "json", "jsonl", "markdown", "github", "junit", "sarif", "html"] {
        let ran = case.run(["verify", "document.json", "--format", format]);
        let shown = ran.stdout.replace(['\n', ' '], "");
        assert!(shown.contains("redirectsarenotfollowed"), "{format}: {}", ran.stdout);
        let is_complete = format.starts_with("json");
        assert!(is_complete || !shown.contains("keptapart"), "{format}: {}", ran.stdout);
    }
    let journal = read(&case.path("document.json.journal"));
    assert!(journal.contains(r#""location":"https://other.example/""#), "{journal}");
    let response = json_of(&case, "response.json");
    assert!(response["error"].as_str().is_some_and(|error| error.contains("other.example")), "{response}");
}

#[test]
fn a_refused_connection_is_tried_again_and_a_name_without_address_is_not() {
    for (url, kind, says, remedy, attempts) in [
        ("http://127.0.0.1:1", "refused", "the connection to 127.0.0.1:1 was refused: ", "Check that the control", 4),
        ("https://cp.invalid", "unknown_host", "the host name cp.invalid cannot be resolved: ", "the DNS", 1),
    ] {
        let authority = Authority::new();
        let case = case(url);
        let trusted = case.file("ca.pem", &authority.pem);
        let mut command = super::command(&case, &["--format", "json", "-v"]);
        let ran = run(command.env("SSL_CERT_FILE", trusted).env_remove("HTTPS_PROXY").env_remove("https_proxy"));
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        let posted = format!("POST {url}/cp/admin/tenants/redeploy-fleet");
        assert!(ran.stderr.contains(&posted) && ran.stderr.contains(says), "{}", ran.stderr);
        check(&case, &ran, &Misbehaves { reply: Reply::Close, kind, says, remedy, attempts });
    }
}

/// A rollout against a server behind TLS.
fn drive_tls(case: &Case, host: &str, port: u16, config: &str) -> Ran {
    case.file("plan.json", plan(&format!("https://{host}:{port}")).to_string());
    case.file("rollproof.toml", format!("[http]\nretry_delays_seconds = [0.01]\nplan_timeout_seconds = 5\n{config}"));
    let mut command = rollproof();
    command.args(ARGS).args(["--format", "json"]).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN);
    for variable in ["SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(variable);
    }
    // A file of another authority, so that the machine's own are not read.
    let other = case.file("other.pem", Authority::new().pem);
    run(command.env("SSL_CERT_FILE", other))
}

fn tls_plane() -> (Plane, std::net::SocketAddr) {
    let plane = Plane::new(|_, request: &Request| healthy(request, &FLEET));
    let address = plane.url.trim_start_matches("http://").parse().expect("an address");
    (plane, address)
}

#[test]
fn a_certificate_that_is_refused_is_seen_once_and_told() {
    let authority = Authority::new();
    let (plane, address) = tls_plane();
    for (name, before, ca_file, kind, says, remedy) in [
        ("127.0.0.1", 2020, true, "certificate_expired", "of 127.0.0.1 has expired (2020-01-01T00:00:00Z)", "Renew"),
        (
            "cp.example",
            2100,
            true,
            "certificate_name",
            "the certificate is for another name than 127.0.0.1: it is for cp.example",
            "Write a name in cp_url",
        ),
        ("127.0.0.1", 2100, false, "certificate_issuer", "an authority that is not trusted here", "ca_file of [http]"),
        // The certificate of an authority itself.
        ("", 2100, true, "certificate", "is that of an authority itself (CA:TRUE)", "openssl s_client"),
    ] {
        let identity = if name.is_empty() { authority.itself() } else { authority.signs(name, before) };
        let port = in_front_of(address, identity);
        let case = Case::new();
        case.file("ca.pem", &authority.pem);
        let config = if ca_file { "ca_file = \"ca.pem\"\n" } else { "" };
        let ran = drive_tls(&case, "127.0.0.1", port, config);
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        check(&case, &ran, &Misbehaves { reply: Reply::Close, kind, says, remedy, attempts: 1 });
    }
    assert_eq!(plane.calls().len(), 0);
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let authority = Authority::new();
    let (plane, address) = tls_plane();
    let port = in_front_of(address, authority.signs("127.0.0.1", 2100));
    let case = Case::new();
    std::fs::create_dir(case.path("certificates")).expect("a folder");
    case.file("certificates/ca.pem", &authority.pem);
    let ran = drive_tls(&case, "127.0.0.1", port, "ca_file = \"certificates/ca.pem\"\n");
    assert_eq!((ran.code, plane.calls().len()), (0, 4), "{}", ran.stderr);

    for (contents, says) in [
        (None, "No such file"),
        (Some(""), "found no certificate"),
        (Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "found no certificate"),
        (Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "ca_file"),
        (Some("-----BEGIN CERTIFICATE-----\nAAAA\n"), "ca_file"),
    ] {
        let case = Case::new();
        if let Some(contents) = contents {
            case.file("bad.pem", contents);
        }
        let ran = drive_tls(&case, "127.0.0.1", port, "ca_file = \"bad.pem\"\n");
        assert_eq!(ran.code, 2, "{contents:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(says) && ran.stderr.contains("bad.pem"), "{contents:?}: {}", ran.stderr);
        assert!(!case.path("document.json.journal").exists());
    }
    assert_eq!(plane.calls().len(), 4);
}

/// A server that answers whatever comes in plain HTTP, as most do.
fn server_without_tls() -> u16 {
    serve(|mut stream| {
        let read = stream.read(&mut [0; 4096]);
        drop(read.and_then(|_| stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")));
    })
}

#[test]
fn a_server_without_tls_is_told_from_a_broken_one() {
    let port = server_without_tls();
    let case = Case::new();
    let ran = drive_tls(&case, "127.0.0.1", port, "");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    let says = format!("127.0.0.1:{port} speaks no TLS; write http://127.0.0.1:{port}");
    let says = Box::leak(says.into_boxed_str());
    let (kind, remedy) = ("no_tls", "Write http:// in cp_url");
    check(&case, &ran, &Misbehaves { reply: Reply::Close, kind, says, remedy, attempts: 1 });

    // The gates and the probes share the sentence.
    let ca = case.path("other.pem");
    let mut command = rollproof();
    command.args(["preflight", "enabled"]).current_dir(case.path("")).env("GITEA_HOST", format!("127.0.0.1:{port}"));
    let ran =
        run(command.env("GITEA_TOKEN", TOKEN).env("GITHUB_REPOSITORY", "shop/platform").env("SSL_CERT_FILE", &ca));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stdout.contains(&*says), "{}", ran.stdout);
}

#[test]
fn a_proxy_is_used_and_told() {
    let authority = Authority::new();
    let (plane, address) = tls_plane();
    let (port, asked) = proxy_to(in_front_of(address, authority.signs("cp.example", 2100)));
    let drive = |proxy: &str, more: &[(&str, &str)]| {
        let case = Case::new();
        case.file("ca.pem", &authority.pem);
        case.file("plan.json", plan("https://cp.example").to_string());
        case.file("rollproof.toml", "[http]\nretry_delays_seconds = []\nca_file = \"ca.pem\"\n");
        let mut command = super::command(&case, &["--format", "json"]);
        for name in ["https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        let ran = run(command.env("HTTPS_PROXY", proxy).envs(more.iter().copied()));
        (case, ran)
    };
    let (_, ran) = drive(&format!("http://127.0.0.1:{port}"), &[]);
    assert_eq!((ran.code, plane.calls().len()), (0, 4), "{}", ran.stderr);
    assert!(asked.lock().expect("it is not poisoned").iter().all(|line| line.starts_with("CONNECT cp.example:443 ")));

    let refusing = serve(|mut stream| {
        let read = stream.read(&mut [0; 4096]);
        drop(read.and_then(|_| stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")));
    });
    for proxy in [format!("http://127.0.0.1:{refusing}"), "http://127.0.0.1:1".to_owned()] {
        let (case, ran) = drive(&proxy, &[]);
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        let (says, remedy) = ("the proxy made no connection to cp.example:443: ", "Check HTTPS_PROXY and NO_PROXY");
        check(&case, &ran, &Misbehaves { reply: Reply::Close, kind: "proxy", says, remedy, attempts: 1 });
    }
}

#[test]
fn plain_http_is_for_hosts_that_are_listed() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let proxy = plane.url.clone();
    for (hosts, code) in [("[]", 2), ("[\"other.svc\"]", 2), ("[\"cp.shop.svc\"]", 0), ("[\"*.shop.svc\"]", 0)] {
        let case = Case::new();
        case.file("plan.json", plan("http://cp.shop.svc").to_string());
        case.file("rollproof.toml", format!("[http]\nretry_delays_seconds = []\nplain_http_hosts = {hosts}\n"));
        // The proxy stands for the network of the cluster.
        let ran =
            run(super::command(&case, &[]).env("HTTP_PROXY", &proxy).env_remove("NO_PROXY").env_remove("no_proxy"));
        assert_eq!(ran.code, code, "{hosts}: {}", ran.stderr);
        if code == 2 {
            assert!(ran.stderr.contains("[http] plain_http_hosts"), "{hosts}: {}", ran.stderr);
        }
    }
    assert_eq!(plane.calls().len(), 8);
    let case = case(&plane.url);
    case.file("rollproof.toml", "[http]\nplain_http_hosts = [\"http://cp.svc\"]\n");
    let ran = drive(&case, &[]);
    assert!(ran.code == 2 && ran.stderr.contains("\"http://cp.svc\" is no host"), "{}", ran.stderr);
}

#[test]
fn a_token_is_sent_alone_or_not_at_all() {
    let sent = |text: &[u8]| {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let case = case(&plane.url);
        case.file("token", text);
        let ran = run(rollproof().args(ARGS).args(["--token-file", "token"]).current_dir(case.path("")));
        if let Ok(text) = std::str::from_utf8(text) {
            let of_variable = super::case(&plane.url);
            let code = run(super::command(&of_variable, &[]).env("CP_ADMIN_API_TOKEN", text)).code;
            assert_eq!(code, ran.code, "the variable and the file agree: {text:?}");
        }
        (ran, plane.requests().iter().map(|request| request.head.clone()).collect::<Vec<_>>())
    };
    for text in [format!("\u{feff}{TOKEN}\n"), format!(" {TOKEN}\r\n")] {
        let (ran, heads) = sent(text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let right = format!("authorization: bearer {TOKEN}\r\n");
        assert!(heads.len() == 8 && heads.iter().all(|head| head.to_lowercase().contains(&right)), "{heads:?}");
    }
    for (text, says) in [
        (format!("\"{TOKEN}\""), "has quotation marks around the token"),
        (format!("'{TOKEN}'"), "has quotation marks"),
        (format!("\u{201c}{TOKEN}\u{201d}"), "has quotation marks"),
        (format!("Bearer {TOKEN}"), "begins with \"Bearer\", which is no part of the token"),
        (format!("\u{feff}bearer  {TOKEN}"), "begins with \"Bearer\""),
        (format!("Authorization: Bearer {TOKEN}"), "begins with \"Authorization\""),
        (format!("CP_ADMIN_API_TOKEN={TOKEN}"), "begins with \"CP_ADMIN_API_TOKEN\""),
    ] {
        let (ran, heads) = sent(text.as_bytes());
        assert_eq!((ran.code, heads.len()), (2, 0), "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains(says) && !ran.stderr.contains(TOKEN), "{text}: {}", ran.stderr);
    }
}

/// The value of a header in a request.
fn header(request: &Request, name: &str) -> String {
    let lines = request.head.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

#[test]
fn every_attempt_of_a_call_has_its_key_also_where_it_is_resumed() {
    // The batch fails twice and then hangs, and the process is killed; resumed, it is answered.
    let plane = Plane::new(|index, request| match (&*request.tenants(), index) {
        ([one, _], 2 | 3) if one == "bolt" => Reply::Json(503, serde_json::json!({"ok": false})),
        ([one, _], 4) if one == "bolt" => Reply::Stall(std::time::Duration::from_secs(20)),
        _ => healthy(request, &FLEET),
    });
    let case = case(&plane.url);
    let mut plan = plan(&plane.url);
    plan["rollout_http_timeout"] = 30.into();
    case.file("plan.json", plan.to_string());
    let mut child = super::spawn(&case, &[]);
    plane.wait_until(|calls| calls.len() == 5);
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    let requests = plane.requests();
    let keys: Vec<String> = requests.iter().map(|request| header(request, "idempotency-key")).collect();
    let mut ids: Vec<String> = requests.iter().map(|request| header(request, "x-request-id")).collect();
    assert_eq!(requests.len(), 7, "plan, canary, a batch four times, the other batch");
    assert!(keys[2..6].iter().all(|key| *key == keys[2]), "{keys:?}");
    let journal: Vec<Value> = read(&case.path("document.json.journal"))
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .filter(|record: &Value| record["record"] == "request")
        .collect();
    let kept = |name: &str| -> Vec<String> {
        journal.iter().map(|record| record[name].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!((kept("idempotency_key"), kept("request_id")), (keys.clone(), ids.clone()));
    let mut keys = keys;
    keys.dedup();
    assert!(keys.len() == 4 && keys.iter().all(|key| key.len() > 16), "{keys:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 7);
}

/// A rollout that an older version began has no id in its journal.
#[test]
fn a_journal_without_an_id_is_resumed_with_keys_that_stay() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    let journal = case.path("document.json.journal");
    let mut records: Vec<Value> =
        read(&journal).lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    records.truncate(3);
    for record in &mut records {
        let record = record.as_object_mut().expect("a record");
        for key in ["rollout_id", "idempotency_key", "request_id"] {
            record.remove(key);
        }
    }
    let old = |tail: &str| records.iter().map(|record| format!("{record}\n")).collect::<String>() + tail;
    let mut keys = Vec::new();
    for _ in 0..2 {
        std::fs::write(&journal, old("")).expect("it is written");
        let before = plane.requests().len();
        assert_eq!(drive(&case, &["--resume"]).code, 0);
        keys.push(
            plane.requests()[before..].iter().map(|request| header(request, "idempotency-key")).collect::<Vec<_>>(),
        );
    }
    assert!(keys[0] == keys[1] && keys[0].len() == 3 && keys[0][0].len() > 32, "{keys:?}");
    records[0]["rollout_id"] = "a b".into();
    std::fs::write(&journal, records.iter().map(|record| format!("{record}\n")).collect::<String>()).expect("written");
    let ran = case.run(["verify", "document.json.journal"]);
    assert!(ran.code == 4 && ran.stderr.contains("rollout_id"), "{}", ran.stderr);
    assert!(read_json(&case.path("document.json"))["calls"].is_array());
}
