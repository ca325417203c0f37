//! The token stands in its header and nowhere else, whatever the control plane echoes.

use std::fs;
use std::path::Path;

use super::plane::{Plane, Reply, healthy, http};
use super::{FLEET, TOKEN, case, drive, plan};
use crate::support::{Case, Ran, rollproof, run, sample};

/// Every file below a folder that holds the token, but for those named.
fn holders(folder: &Path, but: &[&str]) -> Vec<String> {
    let mut holders = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("a file");
        let holds = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        if holds && !but.contains(&&*name) {
            holders.push(name);
        }
    }
    holders
}

fn is_nowhere(what: &str, case: &Case, ran: &Ran) {
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{what}: {}{}", ran.stdout, ran.stderr);
    assert_eq!(holders(&case.path(""), &["token"]), [""; 0], "{what}");
}

/// Every format, and everything that can be said.
const LOUD: [&str; 9] = [
    "-vv",
    "--show-errors",
    "--report",
    "json=report.json",
    "--report",
    "markdown=report.md",
    "--report",
    "github=report.txt",
    "--report",
];

#[test]
fn the_token_is_in_no_output_however_it_is_echoed() {
    let escaped = TOKEN.replace('s', "\\u0073");
    let twice = TOKEN.replace('s', "\\\\u0073");
    let bodies = |echo: &str| {
        [
            // In texts, keys, names; in an answer that fails, one that is malformed, and one that is none.
            format!(
                r#"{{"ok": false, "error": "Bearer {echo}", "results": [{{"slug": "dune", "error": "{echo}", "{echo}": 1}}]}}"#
            ),
            format!(
                r#"{{"ok": true, "message": "{echo}", "results": [{{"slug": "{echo}", "phase": "{echo}", "ssm_status": "{echo}", "running_image": "r/x:{echo}"}}]}}"#
            ),
            format!(r#"{{"ok": "{echo}", "results": []}}"#),
            format!(r#"{{"ok": true, "results": [{{"slug": "dune", "healthz_ok": "{echo}"}}]}}"#),
            format!(
                r#"{{"ok": true, "{echo}": {{"{echo}": ["{echo}"]}}, "results": [{{"slug": "dune", "verified_on_target": true}}]}}"#
            ),
            format!("<html>{echo}</html>"),
            format!("\"{echo}\" and {{\"more\": \"{echo}\"}}"),
            format!(r#"{{"ok": true, "error": "{echo}"#),
        ]
    };
    let echoes = [TOKEN, &escaped, &twice].into_iter();
    let answers = echoes.flat_map(bodies).flat_map(|body| [200, 500, 503].map(|status| (status, body.clone())));
    for (status, body) in sample(answers, 7) {
        let said = body.clone();
        let plane = Plane::new(move |_, request| {
            if request.tenants() == ["dune"] { Reply::Raw(http(status, &said)) } else { healthy(request, &FLEET) }
        });
        let case = case(&plane.url);
        let ran = drive(&case, &[&LOUD[..], &["text=report.log"]].concat());
        let what = format!("{status} {body}");
        for written in [
            "document.json",
            "document.json.journal",
            "response.json",
            "report.json",
            "report.md",
            "report.txt",
            "report.log",
        ] {
            assert!(case.path(written).is_file(), "{what}: {written}");
        }
        is_nowhere(&what, &case, &ran);
        let journal = case.run(["verify", "document.json.journal", "--show-errors", "--format", "json"]);
        is_nowhere(&what, &case, &journal);
    }
}

/// Nor where the plan call echoes it, in a header, in a status line, in a redirect, or in what breaks off.
#[test]
fn the_token_is_in_no_error() {
    for head in [
        format!("HTTP/1.1 500 {TOKEN}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/{TOKEN}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-Echo: {TOKEN}\r\nContent-Length: 500\r\n\r\n{{\"ok\": \"{TOKEN}"),
        format!("{TOKEN}\r\n\r\n"),
    ] {
        let bytes = head.clone().into_bytes();
        let plane = Plane::new(move |_, _| Reply::Raw(bytes.clone()));
        let case = case(&plane.url);
        let ran = drive(&case, &[&LOUD[..], &["text=report.log"]].concat());
        assert_ne!(ran.code, 0);
        is_nowhere(&head, &case, &ran);
    }
}

/// Nor where something is wrong with the token itself, with its file, or with where it would be sent.
#[test]
fn the_token_is_in_no_complaint() {
    for (name, token, args) in [
        ("two lines", format!("{TOKEN}\n{TOKEN}"), &["--token-file", "token"][..]),
        ("a control character", format!("{TOKEN}\u{1}"), &["--token-file", "token"]),
        ("good", TOKEN.to_owned(), &["--token-file", "token", "-vv"]),
    ] {
        let case = case("http://127.0.0.1:1");
        case.file("token", token);
        let ran = run(rollproof().args(super::ARGS).args(args).current_dir(case.path("")));
        assert_ne!(ran.code, 0, "{name}");
        is_nowhere(name, &case, &ran);
    }
    let case = case("http://cp.example");
    case.file("plan.json", plan("http://cp.example").to_string());
    is_nowhere("plain http", &case, &drive(&case, &["-vv"]));
}

/// What a token is part of is read as it was sent: a slug is never called by a mask.
#[test]
fn a_token_that_is_part_of_a_name_makes_its_answer_malformed() {
    const SECRET: &str = "shop-000";
    for slugs in [["shop-00001", "shop-00002"], ["acme", "shop%2D000"], ["acme", "c2hvcC0wMDA="]] {
        let plane = Plane::new(move |_, request| healthy(request, &slugs));
        let case = case(&plane.url);
        let mut plan = plan(&plane.url);
        plan["body"].as_object_mut().expect("an object").remove("canary_slug");
        case.file("plan.json", plan.to_string());
        let ran = run(super::command(&case, &["-vv"]).env("CP_ADMIN_API_TOKEN", SECRET));
        let said = format!("{slugs:?}: {}{}", ran.stdout, ran.stderr);
        assert_eq!((ran.code, plane.calls()), (1, vec![vec![]]), "nobody but the plan was called: {said}");
        let document = super::json_of(&case, "document.json");
        let malformed = document["calls"][0]["attempts"][0]["malformed"].as_str().expect("it is malformed");
        assert!(malformed.contains("a token in a name"), "{malformed}");
        assert!(said.contains("malformed"), "{said}");
        for name in ["document.json", "document.json.journal", "response.json"] {
            let text = crate::support::read(&case.path(name));
            assert!(!slugs[1..].iter().any(|slug| text.contains(slug)) && !text.contains(SECRET), "{text}");
        }
        let replayed = case.run(["verify", "document.json.journal", "--document", "replayed.json"]);
        assert_eq!(replayed.code, 1);
        assert_eq!(super::json_of(&case, "replayed.json")["calls"], document["calls"]);
    }
}

/// In a text that only people read, its mask is read live as it is a year later.
#[test]
fn a_token_in_an_error_or_an_image_is_masked_and_the_rest_is_read() {
    let plane = Plane::new(|_, request| match healthy(request, &FLEET) {
        Reply::Json(status, mut body) => {
            for row in body["results"].as_array_mut().expect("rows") {
                row["running_image"] = format!("registry/{TOKEN}:staging-abcdef1").into();
                row["note"] = serde_json::json!({"x": [format!("Bearer {TOKEN}")]});
            }
            Reply::Json(status, body)
        }
        other => other,
    });
    let case = case(&plane.url);
    let ran = drive(&case, &["-vv"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    is_nowhere("an image", &case, &ran);
    let document = super::json_of(&case, "document.json");
    assert_eq!(document["cohorts"][0]["rows"][0]["running_image"], "registry/***:staging-abcdef1");
    assert_eq!(case.run(["verify", "document.json.journal", "--document", "replayed.json"]).code, 0);
    assert_eq!(super::json_of(&case, "replayed.json")["cohorts"], document["cohorts"]);
}

#[test]
fn a_token_that_is_no_secret_is_refused() {
    for (token, code) in [("shop", 2), ("s3cret-", 2), ("  s3cret- \n", 2), ("s3cret-t", 0)] {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let case = case(&plane.url);
        let ran = run(super::command(&case, &[]).env("CP_ADMIN_API_TOKEN", token));
        assert_eq!(ran.code, code, "{token}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stderr.contains("CP_ADMIN_API_TOKEN has fewer than 8 characters"), code == 2, "{}", ran.stderr);
        assert_eq!(plane.calls().is_empty(), code == 2);
        case.file("token", token);
        let more = ["--token-file", "token", "--journal", "other.journal"];
        assert_eq!(run(super::command(&case, &more).env_remove("CP_ADMIN_API_TOKEN")).code, code);
    }
}

/// Cut off anywhere in the token, and encoded by what stands between: no more than half of it is left.
#[test]
fn an_answer_that_breaks_off_in_the_token_holds_nothing_of_it() {
    let hex = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let percent = TOKEN.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let entities = TOKEN.bytes().map(|byte| format!("&#{byte};")).collect::<String>();
    for (echo, left) in [(TOKEN, 6), (&*hex, 8), (&*percent, 18), (&*entities, 34), ("czNjcmV0LXQwa2Vu", 8)] {
        for cut in (left..=echo.len()).step_by(3) {
            let part = echo[..cut].to_owned();
            let said = part.clone();
            let plane = Plane::new(move |_, _| {
                let body = format!("{{\"ok\": false, \"error\": \"got {said}");
                Reply::Raw(format!("HTTP/1.1 500 X\r\nContent-Length: 999\r\n\r\n{body}").into_bytes())
            });
            let case = case(&plane.url);
            let ran = drive(&case, &["-vv", "--show-errors"]);
            assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
            for name in ["document.json", "document.json.journal", "response.json"] {
                let text = crate::support::read(&case.path(name));
                assert!(!text.contains(&part[..left]), "{part}: {text}");
            }
            assert!(
                !ran.stdout.contains(&part[..left]) && !ran.stderr.contains(&part[..left]),
                "{part}: {}",
                ran.stderr
            );
        }
    }
}

/// A variable that holds something is set, though nobody can read it.
#[test]
fn a_token_that_is_no_text_is_not_called_missing() {
    use std::os::unix::ffi::OsStrExt as _;
    let case = case("http://127.0.0.1:9");
    let bytes = std::ffi::OsStr::from_bytes(b"s3cret\xff");
    let ran = run(super::command(&case, &[]).env("CP_ADMIN_API_TOKEN", bytes));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("CP_ADMIN_API_TOKEN is not UTF-8"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("not set") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
}
