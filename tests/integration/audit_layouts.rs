//! `rollproof audit` of any layout: ZIP and tar archives, times that a file says, fleets and pairs that no name tells.

use std::io::{Cursor, Write as _};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::audit::{Archives, GOOD, codes, fleet, plan, response};

/// A ZIP file of some members.
pub fn zipped(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("memory");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// A tar archive of some members; their names are written as they are.
pub fn tarred(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().expect("it is").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *bytes).expect("memory");
    }
    tar.into_inner().expect("memory")
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

fn members(cove: bool) -> Vec<(&'static str, Vec<u8>)> {
    let answers = [("acme", true), ("bolt", true), ("cove", cove)];
    [
        ("plan.json", plan(Some("acme"), 1, "https://cp.example")),
        ("fleet.json", fleet(&["acme", "bolt", "cove"])),
        ("response.json", response(&answers)),
    ]
    .map(|(name, value)| (name, value.to_string().into_bytes()))
    .into()
}

fn borrowed<'a>(members: &'a [(&'a str, Vec<u8>)]) -> Vec<(&'a str, &'a [u8])> {
    members.iter().map(|(name, bytes)| (*name, &**bytes)).collect()
}

#[test]
fn archives_may_lie_in_zip_and_tar_archives() {
    let plain = Archives::new();
    let packed = Archives::new();
    for (day, cove, name) in [
        (1, true, "run-2026-07-01.zip"),
        (2, false, "run-2026-07-02.tar"),
        (3, false, "run-2026-07-03.tar.gz"),
        (4, true, "run-2026-07-04.tar.zst"),
        (5, false, "run-2026-07-05.ZIP"),
        (6, true, "run-2026-07-06.tgz"),
    ] {
        let members = members(cove);
        for (name, bytes) in &members {
            plain.bytes(&format!("run-2026-07-{day:02}/{name}"), bytes);
        }
        let members = borrowed(&members);
        let bytes = match name.split_once('.').expect("an end").1 {
            "zip" => zipped(&members, CompressionMethod::Deflated),
            "ZIP" => zipped(&members, CompressionMethod::Stored),
            "tar" => tarred(&members),
            "tar.zst" => {
                let tar = tarred(&members);
                // In two frames, as some tools pack.
                let half = tar.len() / 2;
                [&tar[..half], &tar[half..]].map(|part| compress_to_vec(part, CompressionLevel::Fastest)).concat()
            }
            _ => gzipped(&tarred(&members)),
        };
        packed.bytes(name, &bytes);
    }
    let (code, unpacked) = plain.report(&[]);
    let (packed_code, report) = packed.report(&[]);
    assert_eq!((packed_code, &report["lag"]), (code, &unpacked["lag"]));
    assert_eq!((report["lag"].as_array().map(Vec::len), &report["audit"]["unreadable"]), (Some(2), &json!([])));
    let sha = |report: &Value| -> Vec<Value> {
        report["audit"]["rollouts"].as_array().expect("rollouts").iter().map(|one| one["sha256"].clone()).collect()
    };
    assert_eq!(sha(&report), sha(&unpacked));
    assert_eq!(report["audit"]["rollouts"][0]["archive"], "run-2026-07-01.zip!/response.json");

    // Other commands read members under these names, too.
    for name in ["run-2026-07-02.tar", "run-2026-07-03.tar.gz", "run-2026-07-05.ZIP"] {
        let name = format!("archives/{name}!/response.json");
        let fleet = name.replace("response", "fleet");
        let ran = packed.0.run(["verify", &*name, "--fleet", &fleet]);
        assert_eq!((ran.code, ran.stdout.contains("cove")), (1, true), "{name}: {}", ran.stderr);
    }
    let ran = packed.0.run(["verify", "archives/run-2026-07-02.tar!/no.json"]);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("no such member"), "{}", ran.stderr);
}

#[test]
fn names_of_members_are_only_names() {
    let archives = Archives::new();
    let response = response(&GOOD).to_string();
    let outside = archives.0.path("outside.response.json");
    std::fs::write(&outside, "not this one").expect("a file");
    let absolute = outside.display().to_string();
    let names =
        ["../../2026-07-01.response.json", "/etc/2026-07-02.response.json", &absolute, "2026-07-03/response.json"];
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, response.as_bytes())).collect();
    archives.bytes("run.tar", &tarred(&members));
    archives.bytes("run.zip", &zipped(&members, CompressionMethod::Deflated));
    let (code, report) = archives.report(&["--param", "fleet_from_response=true"]);
    assert_eq!((code, &report["audit"]["unreadable"]), (0, &json!([])));
    let listed: Vec<&str> = report["audit"]["rollouts"]
        .as_array()
        .expect("rollouts")
        .iter()
        .map(|one| one["archive"].as_str().expect("a name"))
        .collect();
    assert_eq!(listed.len(), 8);
    assert!(listed.iter().all(|name| name.starts_with("run.zip!/") || name.starts_with("run.tar!/")), "{listed:?}");
}

/// Each with what is said of it.
#[test]
fn an_archive_of_archives_that_cannot_be_read_is_listed_with_what_to_do() {
    let good = members(true);
    let good = borrowed(&good);
    let zip = zipped(&good, CompressionMethod::Deflated);
    let tar = tarred(&good);
    let mut wrong_sum = zip.clone();
    let at = wrong_sum.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory") + 16;
    wrong_sum[at] ^= 1;
    let mut encrypted = zip.clone();
    for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
        let flags = if signature[2] == 3 { 6 } else { 8 };
        let at = encrypted.windows(4).position(|bytes| bytes == signature).expect("a header") + flags;
        encrypted[at] |= 1;
    }
    let mut method = zip.clone();
    for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
        let compression = if signature[2] == 3 { 8 } else { 10 };
        let at = method.windows(4).position(|bytes| bytes == signature).expect("a header") + compression;
        method[at] = 14;
    }
    let spaces = vec![b' '; 3_000_000];
    let mut link = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "response.json", "/etc/passwd").expect("memory");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut.zip", zip[..zip.len() / 2].to_vec(), "`unzip -t` tells more"),
        ("cut.tar", tar[..tar.len() / 3].to_vec(), "cannot be read as an archive"),
        ("cut.tar.gz", gzipped(&tar)[..200].to_vec(), "cannot be read as an archive"),
        (
            "cut.tar.zst",
            compress_to_vec(&*tar, CompressionLevel::Fastest)[..200].to_vec(),
            "cannot be read as an archive",
        ),
        ("none.zip", b"no archive at all".to_vec(), "cannot be read as an archive"),
        ("none.tar", b"no archive at all".to_vec(), "cannot be read as an archive"),
        ("empty.tar", Vec::new(), "nothing is in it"),
        ("sum.zip", wrong_sum, "its checksum is not the one that its container says"),
        ("encrypted.zip", encrypted, "it is encrypted: decrypt it"),
        ("method.zip", method, "its method of compression is not read"),
        (
            "nested.zip",
            zipped(&[("inner.zip", &*zip)], CompressionMethod::Stored),
            "an archive in an archive, which is not opened",
        ),
        ("link.tar", link.into_inner().expect("memory"), "a link in an archive, which is not followed"),
        (
            "twice.tar",
            tarred(&[("response.json", b"{}"), ("response.json", b"[]")]),
            "its archive has it more than once",
        ),
        ("old.tar.xz", b"x".to_vec(), "pack its files as .zip"),
        (
            "large.zip",
            zipped(&[("response.json", &*spaces)], CompressionMethod::Deflated),
            "larger than the limit of 100000 bytes",
        ),
        (
            "large.tar.gz",
            gzipped(&tarred(&[("response.json", &spaces[..200_000])])),
            "larger than the limit of 100000 bytes",
        ),
        ("bomb.tar.gz", gzipped(&tarred(&[("notes.md", &*spaces)])), "it unpacks to more than 400000 bytes"),
    ];
    let mut numbered = 0;
    for (name, bytes, problem) in &cases {
        let archives = Archives::new();
        archives.rollout("2026-07-01T10-00", 0, &GOOD).bytes(name, bytes);
        let (code, report) = archives.report(&["--max-input-bytes", "100000"]);
        assert_eq!((code, codes(&report).contains("lag.unreadable")), (4, true), "{name}: {report:#}");
        let unreadable = report["audit"]["unreadable"].as_array().expect("a list");
        assert!(
            unreadable.iter().any(|one| one["archive"].as_str().is_some_and(|path| path.starts_with(name))),
            "{name}"
        );
        let all: String = unreadable.iter().map(|one| one["problem"].as_str().expect("words")).collect();
        assert!(all.contains(problem), "{name}: {all}");
        assert_eq!(report["audit"]["rollouts"][0]["archive"], "2026-07-01T10-00.response.json", "the rest is judged");
        numbered += 1;
    }
    assert_eq!(numbered, cases.len());
}

#[test]
fn a_bomb_of_many_members_is_an_unreadable_archive() {
    let mut tar = tarred(&[("a.json", b"")]);
    tar.truncate(512);
    let many = tar.repeat(100_001);
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD).bytes("many.tar.gz", &gzipped(&many));
    let (code, report) = archives.report(&[]);
    assert_eq!(code, 4);
    assert!(report["audit"]["unreadable"][0]["problem"].as_str().expect("words").contains("more than 100000 members"));
}

#[test]
fn a_file_says_when_where_and_what_it_was_called() {
    let archives = Archives::new();
    let run = |name: &str, cove: bool| {
        for (file, bytes) in members(cove) {
            archives.bytes(&format!("{name}/{file}"), &bytes);
        }
    };
    run("run-17", true);
    run("run-18", false);
    let mut red = response(&[("acme", true), ("bolt", true), ("cove", false)]);
    red["ok"] = json!(false);
    red["error"] = json!("not all");
    archives.file("run-18/response.json", &red);
    run("run-19", true);
    archives.bytes("run-20.zip", &zipped(&borrowed(&members(true)), CompressionMethod::Deflated));
    let report = |text: &str| {
        archives.0.file("times", text);
        archives.report(&["--times", "times"])
    };
    let csv = "path,time,environment,called\n\
               run-17/response.json,2026-07-01T10:00:00+02:00,prod,green\n\
               run-18, 2026-07-02 ,prod,failure\n\
               archives/run-19/response.json,1783000000,staging,\n\
               run-20.zip,2026-07-04T10:00:00Z,prod,success\n";
    let (code, told) = report(csv);
    assert_eq!(code, 0, "{told:#}");
    let of = |key: &str| -> Vec<Value> {
        told["audit"]["rollouts"].as_array().expect("rollouts").iter().map(|one| one[key].clone()).collect()
    };
    assert_eq!(
        of("at"),
        ["2026-07-01T08:00:00Z", "2026-07-02T00:00:00Z", "2026-07-02T13:46:40Z", "2026-07-04T10:00:00Z"]
    );
    assert_eq!(of("called"), ["green", "red", "green", "green"], "the response says what the file does not");
    assert_eq!(of("group"), ["prod", "prod", "staging", "prod"]);
    assert_eq!(told["lag"][0]["seconds"], 58 * 3600);
    let json = csv.lines().skip(1).map(|line| {
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        json!({"path": parts[0], "time": parts[1], "environment": parts[2], "called": parts[3]}).to_string() + "\n"
    });
    let (_, same) = report(&json.collect::<String>());
    assert_eq!(same, told);
    // A longer path has the last word.
    let (_, longer) = report("path,time\nrun-17,2026-07-01\nrun-17/response.json,2026-07-05\n");
    assert_eq!(longer["audit"]["rollouts"][0]["at"], "2026-07-05T00:00:00Z");
    // What a caller called green and is not, is a false green.
    archives.file("run-18/plan.json", &plan(None, 0, "https://cp.example"));
    let (code, lie) = report("path,time,called\nrun-18,2026-07-02,green\n");
    let shipped_past = &lie["audit"]["rollouts"][0];
    assert_eq!((code, &shipped_past["decision"], &shipped_past["called"]), (1, &json!("fail"), &json!("green")));
    assert!(codes(&lie).contains("lag.false_green"));

    for (text, problem, help) in [
        ("path,tiem\nrun-17,2026-07-01\n", "there is no column \"tiem\"", "did you mean time?"),
        ("path\nrun-17\n", "the column time is missing", "the first line names the columns"),
        ("path,time\nrun-71,2026-07-01\n", "line 2, column 1: no archive is at run-71", "below the folder is expected"),
        ("path,time\nrun-17/respnse.json,2026-07-01\n", "no archive is at", "did you mean run-17/response.json?"),
        ("path,time\nrun-17,yesterday\n", "the time \"yesterday\" cannot be read", ""),
        ("path,time,called\nrun-17,2026-07-01,gren\n", "it was called \"gren\"", "did you mean green?"),
        ("path,time\nrun-17,2026-07-01\nrun-17/,2026-07-02\n", "run-17 stands in line 2, too", ""),
        ("path,time\nrun-17,2026-07-01,prod\n", "line: 2", ""),
        ("{\"path\": \"run-17\", \"tim\": \"2026-07-01\"}\n", "unknown field `tim`", "did you mean `time`?"),
        ("{\"path\": \"run-17\", \"time\": \"2026-07-01\"}\nx\n", "line 2", ""),
    ] {
        archives.0.file("times", text);
        let ran = archives.audit(&["--times", "times"]);
        assert_eq!((ran.code, ran.stdout.lines().next().unwrap_or_default()), (4, ""), "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains(problem) && ran.stderr.contains(help), "{text}: {}", ran.stderr);
    }
}

#[test]
fn a_fleet_may_be_that_of_all_archives() {
    let archives = Archives::new();
    archives.file("2026-07-01.response.json", &response(&GOOD));
    archives.file("2026-07-02.response.json", &response(&GOOD[..2]));
    archives.file("2026-07-03.response.json", &response(&GOOD[..2]));
    archives.file("2026-07-03.fleet.json", &fleet(&["acme", "bolt"]));
    archives.0.file("all.txt", "acme\nbolt\ncove\n");
    let (code, report) = archives.report(&["--fleet", "all.txt"]);
    assert_eq!((code, codes(&report)), (1, ["lag.false_green", "lag.vanished"].into()));
    let fleets: Vec<&Value> =
        report["audit"]["rollouts"].as_array().expect("rollouts").iter().map(|one| &one["fleet"]).collect();
    assert_eq!(fleets, [3, 3, 2], "one that has a fleet of its own keeps it");
    archives.0.file("all.txt", "");
    let ran = archives.audit(&["--fleet", "all.txt"]);
    assert_eq!((ran.code, ran.stderr.matches("all.txt").count()), (4, 1), "{}", ran.stderr);
}

#[test]
fn an_expression_may_tell_which_files_are_one_rollout() {
    let archives = Archives::new();
    for run in ["2026-07-01", "2026-07-02"] {
        archives.file(&format!("out/{run}/body.json"), &response(&GOOD[..2]));
        archives.bytes(&format!("hosts/{run}.txt"), b"acme\nbolt\ncove\n");
    }
    let pair = r"(?:(?<response>out)|(?<fleet>hosts))/(\d+-\d+-\d+)";
    let (code, report) = archives.report(&["--pair", pair]);
    let rollouts = report["audit"]["rollouts"].as_array().expect("rollouts");
    assert_eq!((code, rollouts.len()), (1, 2));
    assert!(rollouts.iter().all(|one| one["fleet"] == 3 && one["decision"] == "fail"), "{report:#}");
    let wrong = archives.audit(&["--pair", r"(?<respnse>out)/(\d+)"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean (?<response>)?"), "{}", wrong.stderr);
}

/// Half a year of two environments, in every naming that people come up with, as somebody else left it.
#[test]
fn half_a_year_of_mixed_names_is_judged_as_a_whole_with_one_option() {
    let archives = Archives::new();
    let begin: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    for number in 0..93_i64 {
        let at = begin + jiff::SignedDuration::from_hours(45 * number);
        for environment in ["prod", "staging"] {
            let format = |format: &str| at.strftime(format).to_string();
            let place = match number % 9 {
                0 => format("%Y/%m/%d/%H-%M/"),
                1 => format("%Y-%m-%dT%H-%M-%SZ."),
                2 => format("%Y-%m/%dT%H:%M:%S+0000."),
                3 => format("%Y_%m_%d_%H_%M/"),
                4 => format!("run-{}/", at.as_second()),
                5 => format!("{}.", at.as_millisecond()),
                6 => format("deploy-%Y%m%d-%H%M."),
                7 => format("run-%Y-%m-%dT%H-%M.zip"),
                _ => format("run-%Y-%m-%dT%H-%M.tar.gz"),
            };
            let members = members(environment == "staging" || number != 40);
            let folder = format!("{environment}/{place}");
            if number % 9 == 7 {
                archives.bytes(&folder, &zipped(&borrowed(&members), CompressionMethod::Deflated));
            } else if number % 9 == 8 {
                archives.bytes(&folder, &gzipped(&tarred(&borrowed(&members))));
            } else {
                for (name, bytes) in &members {
                    let packed = if number % 2 == 0 { gzipped(bytes) } else { bytes.clone() };
                    archives.bytes(&format!("{folder}{name}{}", if number % 2 == 0 { ".gz" } else { "" }), &packed);
                }
            }
        }
        archives.bytes(&format!("notes-{number}.md"), b"x");
    }
    let (_, report) = archives.report(&["--group-by", "folder", "--until", "2026-07-01"]);
    let audit = &report["audit"];
    assert_eq!((&audit["found"]["rollouts"], &audit["unreadable"]), (&json!(186), &json!([])));
    let rollouts = audit["rollouts"].as_array().expect("rollouts");
    assert_eq!(rollouts.iter().filter(|one| one["at"].is_string()).count(), 186);
    assert_eq!(audit["found"]["files"], 558);
    let behind = &report["lag"][0];
    assert_eq!(report["lag"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&behind["tenant"], &behind["group"], &behind["seconds"]),
        (&json!("cove"), &json!("prod"), &json!(45 * 3600))
    );
    let text = archives.audit(&["--group-by", "folder", "--until", "2026-07-01"]).stdout;
    assert!(text.contains("judged 186 of 186 rollouts in 558 files; 93 other files ignored"), "{text}");
}
