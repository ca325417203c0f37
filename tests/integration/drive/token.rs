//! The token stands in its header and nowhere else, whatever the control plane echoes.

use std::fs;
use std::path::Path;

use super::plane::{Plane, Reply, healthy, http};
use super::{FLEET, TOKEN, case, drive, plan};
use crate::support::{Case, Ran, rollproof, run};

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
    for echo in [TOKEN, &escaped, &twice] {
        for body in bodies(echo) {
            for status in [200, 500, 503] {
                let said = body.clone();
                let plane = Plane::new(move |_, request| {
                    if request.tenants() == ["dune"] {
                        Reply::Raw(http(status, &said))
                    } else {
                        healthy(request, &FLEET)
                    }
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
