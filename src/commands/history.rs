//! `rollproof history`.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::audit::timestamps::Patterns;
use crate::audit::verdict::{ArchiveEvaluator, Interner};
use crate::audit::{history, labels, life, listed, render};
use crate::cli::history::{Form, History};
use crate::collect::fields::EvidenceFields;
use crate::collect::mapped::Mappings;
use crate::commands::archives::{evaluate_all, find, select_tenants};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::io::output;
use crate::model::document::text::Text;
use crate::text::escape::write_json;

/// Shows what became of a tenant.
///
/// # Errors
/// [`Error`], where no archive has the tenant, or the policies fail.
pub fn history(options: &History) -> Result<u8, Error> {
    let archives = &options.archives;
    let evaluation = Evaluation::start(archives.evaluation(archives.policies.params.clone()).options())?.wait()?;
    let patterns = Patterns::new(&archives.when)?;
    let fields = EvidenceFields::new(&archives.evidence_fields)?.with_plan(&archives.plan_fields)?;
    let mappings = Mappings::load(archives.map.as_deref(), archives.fleet_map.as_deref())?;
    let found = find(&options.folders, archives)?;
    let until = options.until.unwrap_or_else(|| Timestamp::now().into());
    let evaluator = ArchiveEvaluator {
        policies: evaluation.policies(),
        found: &found,
        patterns: &patterns,
        fields: &fields,
        mappings: &mappings,
        max_bytes: archives.max_input_bytes,
        read_since: archives.read_since,
        until: until.last,
        #[cfg(feature = "parquet")]
        evidence: false,
        shared: Mutex::new(Interner::default()),
    };
    let mut evaluated = evaluate_all(&evaluator, archives);
    let names = std::mem::take(&mut *evaluator.shared.lock().unwrap_or_else(PoisonError::into_inner)).names();
    listed::remove_after(&mut evaluated.rollouts, evaluator.until);
    let (all, _) = history::tenants(&evaluated.rollouts, &names, until.at);
    let mut mine = select_tenants(std::slice::from_ref(&options.tenant), all, evaluated.code)?;
    labels::add(&mut mine, &evaluated.rollouts, &names, &evaluator)?;
    let number = names.iter().position(|name| **name == *options.tenant).unwrap_or(names.len());
    let lives = life::lives(&evaluated.rollouts, mine, number);
    let until = Text::from(until.at.to_string());
    let history = life::history(Text::from(&*options.tenant), until, lives, evaluated.unreadable);
    output::print(|out| match options.format {
        Form::Text => render::life::render(&history, &evaluation.view(), out),
        Form::Json => write_json(out, &history),
    })?;
    Ok(evaluated.code)
}
