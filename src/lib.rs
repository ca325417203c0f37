//! Proves that a rollout reached every tenant it was meant to reach, or names the ones it did not and why.
//!
//! ```text
//! archived JSON ── collect ─▶ Document ─ schema ─▶ Document (valid) ─ policy ─▶ [Finding] ─ report ─▶ Report ─ render ─▶ bytes
//!                                                                                              └─ decision ─▶ exit code
//! ```
//!
//! `audit` takes many archives down this line, and what comes of them down its own.
//!
//! Each arrow is one module with one entry function, each noun one type. Only `collect` reads the world; everything
//! behind it is a pure function, so that an archive gives the same verdict a year later. The decision is Rego's.

pub mod audit;
pub mod cli;
pub mod collect;
pub mod config;
pub mod document;
mod drill;
pub mod drive;
mod environment;
pub mod error;
pub mod explain;
pub mod facts;
pub mod finding;
mod http;
mod judge;
mod lock;
mod manage;
mod manual;
mod memory;
mod no_verdict;
mod output;
mod outputs;
mod plan;
pub mod policy;
mod preflight;
mod probe;
pub mod render;
pub mod report;
mod run;
pub mod schema;
pub mod waivers;

use std::path::PathBuf;

use cli::{Cli, Command, Verify};
use collect::{EvidenceFields, Source, Sources, collect};
use error::Error;
use judge::Judge;

/// Does what the command line asks for. What fails behind the verdict is reported to `complain` and does not stop it.
///
/// # Errors
/// [`Error`], where there is no verdict.
pub fn run(cli: Cli, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    output::survive_limits();
    outputs::check(&cli.command)?;
    match cli.command {
        Command::Verify(options) => or_say(verify(&options, complain), &options.judge, complain),
        Command::Plan(options) => plan::plan(&options),
        Command::Preflight(options) => {
            let done = preflight::preflight(&options, complain);
            no_verdict::or_say(done, options.printed(), &options.reports, complain)
        }
        Command::Run(options) => or_say(run::run(&options, complain), &options.judge, complain),
        Command::Probe(options) => or_say(probe::probe(&options, complain), &options.judge, complain),
        Command::Drill(options) => drill::drill(&options),
        Command::Policy(options) => {
            let done = manage::manage(&options);
            no_verdict::or_say(done, options.command.format(), &[], complain)
        }
        Command::Audit(options) => {
            let done = audit::audit(&options, complain);
            no_verdict::or_say(done, Some(options.format), &options.reports, complain)
        }
        Command::Explain(options) => {
            let done = explain::explain(&options);
            no_verdict::or_say(done, options.format(), &[], complain)
        }
        Command::Schema { name } => print_schema(name),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
    }
}

/// Where there is no verdict, says so wherever it would be.
fn or_say(done: Result<u8, Error>, options: &cli::Judge, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    no_verdict::or_say(done, Some(options.format), &options.reports, complain)
}

fn verify(options: &Verify, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let appointed = Judge::appoint(&options.judge)?;
    let collected = match collect(&sources(options)?, jiff::Timestamp::now()) {
        Ok(collected) => collected,
        // Policies are loaded meanwhile, and what is wrong with them comes first.
        Err(error) => return appointed.ready().and(Err(error)),
    };
    let valid = schema::validate(&collected.document)?;
    let judge = appointed.ready()?;
    let document = options.document.as_ref().map(|path| judge::write_document(path, &collected.document));
    let report = judge.report(&valid, collected.inputs)?;
    let mut written = judge.write(&report);
    written.extend(document);

    let verdict = report.decision.exit_code(options.judge.require_verdict);
    // The process ends: to give back a million names would take longer than to write the verdict.
    std::mem::forget((collected.document, judge));
    Ok(judge::exit_code(verdict, written, complain))
}

pub(crate) fn sources(options: &Verify) -> Result<Sources, Error> {
    let source = |path: &PathBuf| Source::new(path.clone());
    Ok(Sources {
        evidence: source(&options.evidence),
        fleet: options.fleet.as_ref().map(source),
        plan: options.plan.as_ref().map(source),
        fields: EvidenceFields::new(&options.evidence_fields)?,
        max_bytes: options.judge.max_input_bytes,
    })
}

fn print_schema(name: Option<schema::Name>) -> Result<u8, Error> {
    let text = match name {
        Some(name) => name.text(),
        None => schema::Name::ALL.map(|name| name.file().replace(".schema.json", "\n")).concat(),
    };
    output::print(|out| out.write_all(text.as_bytes())).map(|()| 0)
}
