//! Proves that a rollout reached every tenant it was meant to reach, or names the ones it did not and why.
//!
//! ```text
//! archived JSON ── collect ─▶ Document ─ schema ─▶ Document (valid) ─ policy ─▶ [Finding] ─ report ─▶ Report ─ render ─▶ bytes
//!                                                                                              └─ decision ─▶ exit code
//! ```
//!
//! Each arrow is one module with one entry function, each noun one type. Only `collect` reads the world; everything
//! behind it is a pure function, so that an archive gives the same verdict a year later. The decision is Rego's.

pub mod cli;
pub mod collect;
pub mod document;
pub mod error;
pub mod finding;
mod memory;
mod output;
pub mod policy;
pub mod render;
pub mod report;
pub mod schema;

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use cli::{Cli, Command, Verify};
use collect::{Source, Sources, collect};
use error::Error;
use policy::Policies;
use render::{Format, View, render};
use report::{Report, report};

/// Does what the command line asks for. What fails behind the verdict is reported to `complain` and does not stop it.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn run(cli: Cli, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    match cli.command {
        Command::Verify(options) => verify(&options, complain),
        Command::Schema { name } => print_schema(name),
    }
}

fn verify(options: &Verify, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let policies = Policies::bundled()?;
    let params = policies.params(&options.params)?;
    let collected = collect(&sources(options), jiff::Timestamp::now())?;
    let mut written = vec![write_document(options, &collected.document)];
    schema::check_document(&collected.document).map_err(|problem| {
        Error::Policy(format!("the document is against its own schema, please report this as a bug: {problem}"))
    })?;
    let outcome = policies.evaluate(&collected.document, &params)?;
    let report = report(&collected.document, collected.inputs, outcome, policies.packages(), params);
    written.extend(options.reports.iter().map(|(format, path)| write_report(*format, path, &report, options)));
    written.push(print_report(&report, options));

    let verdict = report.decision.exit_code(options.require_verdict);
    let mut failures = written.into_iter().filter_map(Result::err).peekable();
    let code = if verdict == 0 && failures.peek().is_some() { 7 } else { verdict };
    failures.for_each(|error| complain(&error));
    // The process ends: to give back a million names would take longer than to write the verdict.
    std::mem::forget(collected.document);
    Ok(code)
}

fn sources(options: &Verify) -> Sources {
    let source = |path: &PathBuf| Source::new(path.clone());
    Sources {
        evidence: source(&options.evidence),
        fleet: options.fleet.as_ref().map(source),
        plan: options.plan.as_ref().map(source),
        max_bytes: options.max_input_bytes,
    }
}

fn write_document(options: &Verify, document: &document::Document) -> Result<(), Error> {
    let Some(path) = &options.document else { return Ok(()) };
    output::replace(path, |out| {
        serde_json::to_writer(&mut *out, document)?;
        writeln!(out)
    })
}

fn write_report(format: Format, path: &Path, report: &Report, options: &Verify) -> Result<(), Error> {
    let view = View { errors: options.show_errors, ..View::plain() };
    let write = |out: &mut dyn Write| render(format, report, &view, out);
    if is_step_summary(path) { output::append(path, write) } else { output::replace(path, write) }
}

/// CI expects that a step's summary is appended to.
fn is_step_summary(path: &Path) -> bool {
    let same = |summary: PathBuf| {
        path == summary || path.canonicalize().is_ok_and(|path| summary.canonicalize().is_ok_and(|it| it == path))
    };
    std::env::var_os("GITHUB_STEP_SUMMARY")
        .filter(|summary| !summary.is_empty())
        .is_some_and(|summary| same(summary.into()))
}

fn print_report(report: &Report, options: &Verify) -> Result<(), Error> {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let view = View {
        width: if terminal { terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into()) } else { 100 },
        color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        errors: options.show_errors || terminal,
    };
    print(|out| render(options.format, report, &view, out))
}

fn print_schema(name: Option<schema::Name>) -> Result<u8, Error> {
    let text = match name {
        Some(name) => name.text(),
        None => schema::Name::ALL.map(|name| name.file().replace(".schema.json", "\n")).concat(),
    };
    print(|out| out.write_all(text.as_bytes())).map(|()| 0)
}

/// Writes to standard output. A reader that has seen enough and closed the pipe is no failure.
fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            // What is left in the buffer cannot be written either.
            let _ = out.into_parts();
            Err(Error::Output { path: "(standard output)".into(), source })
        }
        _ => Ok(()),
    }
}
