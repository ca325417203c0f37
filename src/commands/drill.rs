//! `rollproof drill`: plays scenarios against a simulated control plane.

use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{io, iter, thread};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::drill;
use crate::drill::scenario::Scenario;
use crate::drill::{build, names, scenario, server};
use crate::error::Error;
use crate::io::input::{Source, remedy};
use crate::io::output;
use crate::render::view::view;
use crate::text::escape::line;
use crate::text::plural::plural;
use crate::text::wrap::wrap;

/// How much is read of the document that a rehearsal wrote, in bytes.
const MAX_DOCUMENT: u64 = 1 << 30;

/// How many scenarios are played at once where all are.
const AT_ONCE: usize = 4;

/// The files that --keep keeps of a scenario.
const KEPT: [&str; 7] = [
    "plan.json",
    "inventory.txt",
    "response.json",
    "document.json",
    "document.json.journal",
    "report.json",
    "report.html",
];

/// Plays a scenario, plays all, lists them, or serves one.
///
/// # Errors
/// [`Error`], where it cannot be played.
pub fn drill(options: &drill::Drill) -> Result<u8, Error> {
    match (&options.command, options.scenario.as_deref()) {
        (Some(drill::DrillCommand::Serve { scenario }), _) => serve(scenario.as_deref()),
        (None, _) if options.list => list(),
        (None, name) => {
            refuse_earlier_rehearsal(options)?;
            match name {
                Some("all") => all(options),
                name => one(options, name.unwrap_or(scenario::SEED)),
            }
        }
    }
}

fn list() -> Result<u8, Error> {
    let mut text = String::new();
    for name in Scenario::names() {
        text.push_str(&wrapped(&format!("{name:32} "), &Scenario::bundled(&name)?.about));
    }
    output::print(|out| out.write_all(text.as_bytes())).map(|()| 0)
}

/// Lines of text, each but the first indented as far as the text begins.
fn wrapped(start: &str, text: &str) -> String {
    let indent = " ".repeat(start.width());
    wrap(text, view(false).line_width, start, &indent).into_iter().map(|line| line.into_owned() + "\n").collect()
}

fn drill_error(error: &io::Error) -> Error {
    Error::machine(format!("cannot serve or play the drill: {error}"))
}

fn serve(name: Option<&Path>) -> Result<u8, Error> {
    let scenario = match name {
        Some(name) => Scenario::named(name)?,
        None => Scenario::bundled(scenario::SEED)?,
    };
    let runtime = runtime()?;
    runtime.block_on(async {
        let (listener, address) = server::listen().await.map_err(|error| drill_error(&error))?;
        output::print(|out| {
            line!(out, "http://{address}")?;
            line!(out, "{}", names::TOKEN)
        })?;
        server::serve(listener, scenario).await.map_err(|error| drill_error(&error))
    })?;
    Ok(0)
}

/// Refuses a folder that holds files of an earlier rehearsal, which would be taken for those of this one.
fn refuse_earlier_rehearsal(options: &drill::Drill) -> Result<(), Error> {
    let Some(folder) = &options.keep else { return Ok(()) };
    let Some(file) = kept(folder, options).into_iter().find(|file| file.symlink_metadata().is_ok()) else {
        return Ok(());
    };
    let holder = file.parent().unwrap_or(folder);
    let problem = format!("{} holds an earlier rehearsal: {}", holder.display(), file.display());
    Err(Error::usage(problem, "name another folder with --keep, or remove that one; nothing was played"))
}

/// The files that are kept in a folder.
pub fn kept(folder: &Path, options: &drill::Drill) -> Vec<PathBuf> {
    let folders = match options.scenario.as_deref() {
        Some("all") => Scenario::names().iter().map(|name| folder.join(name)).collect(),
        _ => vec![folder.to_owned()],
    };
    folders.iter().flat_map(|folder| KEPT.map(|name| folder.join(name))).collect()
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|error| drill_error(&error))
}

/// The results of a scenario.
struct Played {
    code: u8,
    stdout: String,
    /// Whether the response says that all went well.
    ok: bool,
    /// The verdict of a gate that looks at the calls alone; none where no document was written.
    old_gate: Option<String>,
}

fn one(options: &drill::Drill, name: &str) -> Result<u8, Error> {
    let played = play(options, name, &["--format", "text"])?;
    let about = Scenario::bundled(name)?.about;
    output::print(|out| {
        out.write_all(wrapped("drill  ", &format!("{name}: {about}")).as_bytes())?;
        line!(out)?;
        // The report that was printed is escaped already.
        out.write_all(played.stdout.as_bytes())?;
        let Some(old_gate) = &played.old_gate else { return Ok(()) };
        line!(out)?;
        line!(out, "The old gate, which believes the calls, would have said: {old_gate}")
    })?;
    Ok(played.code)
}

fn all(options: &drill::Drill) -> Result<u8, Error> {
    let (mut text, mut wrong) = (String::new(), 0);
    let names = Scenario::names();
    for (name, played) in names.iter().zip(play_all(options, &names)) {
        let (scenario, played) = (Scenario::bundled(name)?, played?);
        let found = verdict(&played);
        let expected = scenario.expect.map_or_else(
            || "nothing".into(),
            |expect| format!("exit {}, denies {:?}, stragglers {:?}", expect.exit, expect.denies, expect.stragglers),
        );
        // The response must say the same as the exit code.
        let found =
            if played.ok == (played.code == 0) { found } else { format!("{found}, response ok: {}", played.ok) };
        let is_right = found == expected;
        wrong += usize::from(!is_right);
        let mark = if is_right { "ok" } else { "WRONG" };
        text.push_str(&wrapped(&format!("{mark:6} {name:32} "), &found));
        if !is_right {
            text.push_str(&wrapped("       expected ", &expected));
        }
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{} scenarios, {wrong} with another verdict than expected", names.len());
    output::print(|out| out.write_all(text.as_bytes()))?;
    Ok(u8::from(wrong > 0))
}

/// Plays scenarios, several at once: mostly they wait. The results are in the order of the names.
fn play_all(options: &drill::Drill, names: &[String]) -> Vec<Result<Played, Error>> {
    let next = AtomicUsize::new(0);
    let play_some = || {
        let indices = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let left = indices.map_while(|index| Some((index, names.get(index)?)));
        left.map(|(index, name)| (index, play(options, name, &["--format", "json", "--quiet"]))).collect::<Vec<_>>()
    };
    let mut played: Vec<_> = thread::scope(|scope| {
        let players: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(play_some)).collect();
        players.into_iter().flat_map(|player| player.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    played.sort_by_key(|(index, _)| *index);
    played.into_iter().map(|(_, played)| played).collect()
}

fn verdict(played: &Played) -> String {
    let report: Value = serde_json::from_str(&played.stdout).unwrap_or_default();
    let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut denies: Vec<String> = Vec::new();
    for finding in list("findings").iter().filter(|finding| finding["severity"] == "deny") {
        denies.push(text(&finding["code"]));
    }
    denies.dedup();
    let stragglers: Vec<String> = list("stragglers").iter().map(|straggler| text(&straggler["tenant"])).collect();
    format!("exit {}, denies {denies:?}, stragglers {stragglers:?}", played.code)
}

/// Serves a scenario and runs the rollout against it, in a process of its own.
fn play(options: &drill::Drill, name: &str, more: &[&str]) -> Result<Played, Error> {
    let mut scenario = Scenario::bundled(name)?;
    if let Some(tenants) = options.tenants {
        scenario = scenario.with_tenants(tenants);
    }
    // Removed where this ends.
    let mut temporary = None;
    let folder = match &options.keep {
        Some(folder) if options.scenario.as_deref() == Some("all") => folder.join(name),
        Some(folder) => folder.clone(),
        None => {
            let made = tempfile::TempDir::new();
            let made = made.map_err(|source| Error::Output { path: std::env::temp_dir(), source })?;
            temporary.insert(made).path().to_owned()
        }
    };
    std::fs::create_dir_all(&folder).map_err(|source| Error::Output { path: folder.clone(), source })?;
    let runtime = runtime()?;
    let (listener, address) = runtime.block_on(server::listen()).map_err(|error| drill_error(&error))?;
    let write = |name: &str, text: String| output::replace(&folder.join(name), |out| out.write_all(text.as_bytes()));
    write("plan.json", format!("{:#}\n", scenario.plan_file(&format!("http://{address}"))))?;
    let mut command = Command::new(std::env::current_exe().map_err(|error| drill_error(&error))?);
    command.args(["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"]);
    // A rehearsal is the same in every folder: the configuration around it is for real rollouts.
    command.args(["--config", "/dev/null"]);
    command.args(["--report", "json=report.json", &format!("--time-scale={}", options.time_scale)]).args(more);
    if let Some(listed) = scenario.inventory_file() {
        write("inventory.json", listed)?;
        command.args(["--fleet", "inventory.json"]);
    }
    if let Some(probe) = &scenario.probe {
        command.args(["--probe", "--probe-timeout", &probe.timeout_seconds.to_string()]);
        command.args(["--probe-url-template", &format!("http://{address}{}", build::PATH)]);
    }
    if options.keep.is_some() {
        command.args(["--report", "html=report.html"]);
    }
    for path in &options.policies {
        let path = path.canonicalize().map_err(|error| {
            let problem = format!("cannot read the policy {}: {error}", path.display());
            Error::usage(problem, remedy(&error))
        })?;
        command.arg("--policy").arg(path);
    }
    set_gates(&mut command, &scenario, &format!("http://{address}"));
    runtime.spawn(server::serve(listener, scenario));
    command.env("CP_ADMIN_API_TOKEN", names::TOKEN).current_dir(&folder).stdin(Stdio::null());
    let ran = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output().map_err(|error| drill_error(&error))?;
    Ok(Played {
        code: ran.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX),
        stdout: String::from_utf8_lossy(&ran.stdout).into_owned(),
        ok: read(&folder.join("response.json"))["ok"] == Value::Bool(true),
        old_gate: old_gate(&folder.join("document.json")),
    })
}

/// Gives the rollout the scenario's Gitea for its gates, or none.
fn set_gates(command: &mut Command, scenario: &Scenario, url: &str) {
    let Some(gitea) = &scenario.gitea else {
        // A rehearsal does not read the kill switch of the person's own environment.
        command.env_remove("GITEA_HOST").env_remove("PROD_AUTO_DEPLOY_DISABLED");
        return;
    };
    command.arg("--preflight").envs([
        ("GITEA_HOST", url),
        ("GITEA_TOKEN", names::TOKEN),
        ("GITHUB_REPOSITORY", "shop/platform"),
        ("GITHUB_REF_NAME", "main"),
        ("PROD_AUTO_DEPLOY_DISABLED", &gitea.job_value),
        ("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", &gitea.required_contexts.join("\n")),
        ("CI_STATUS_TIMEOUT_SECONDS", "1"),
    ]);
}

/// The JSON in a file; nothing where there is none.
fn read(path: &Path) -> Value {
    let input = Source::Found(path.to_owned()).read(MAX_DOCUMENT);
    input.ok().and_then(|input| serde_json::from_slice(&input.bytes).ok()).unwrap_or_default()
}

/// The verdict of a gate that passes where every call was answered with HTTP 200 and `ok` true; none without a document.
fn old_gate(document: &Path) -> Option<String> {
    let document = read(document);
    if document.is_null() {
        return None;
    }
    let calls = document["calls"].as_array().cloned().unwrap_or_default();
    let failed = calls.iter().filter(|call| call["ok"] != Value::Bool(true)).count();
    Some(match (calls.len(), failed) {
        (0, _) => "nothing was called".into(),
        (1, 0) => "SUCCESS, its only call answered ok".into(),
        (many, 0) => format!("SUCCESS, all {many} calls answered ok"),
        (many, failed) => format!("FAILURE, {failed} of {} failed", plural(many, "call")),
    })
}
