//! What `verify` and `run` share behind the evidence: policies, the report, and where it is written.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cli;
use crate::config::Config;
use crate::document::{Document, InputFile, Text};
use crate::drive::Question;
use crate::error::Error;
use crate::explain::turns;
use crate::facts::FactFiles;
use crate::output;
use crate::policy::{Given, Inputs, Loading, ParamSource, Prepared, Settings, SoFar, Subject, load};
use crate::render::{Format, View, render};
use crate::report::{Picture, Report, report};
use crate::schema::Valid;
use crate::waivers::{self, Waivers};

/// Policies, and what the command line says about output.
pub struct Judge<'a> {
    options: &'a cli::Judge,
    policies: Prepared,
    /// The configuration.
    pub config: Config,
}

/// A judge whose policies are still being loaded, while evidence is collected.
pub struct Appointed<'a> {
    options: &'a cli::Judge,
    policies: Loading,
    config: Config,
}

impl<'a> Appointed<'a> {
    /// Waits for the policies.
    ///
    /// # Errors
    /// [`Error::Usage`] for parameters, [`Error::Policy`] for policies.
    pub fn ready(self) -> Result<Judge<'a>, Error> {
        Ok(Judge { options: self.options, policies: self.policies.wait()?, config: self.config })
    }
}

impl<'a> Judge<'a> {
    /// Begins to load everything that is needed for a verdict.
    ///
    /// # Errors
    /// [`Error::Usage`] for the configuration.
    pub fn appoint(options: &'a cli::Judge) -> Result<Appointed<'a>, Error> {
        Self::appoint_for(options, None)
    }

    /// The same for one package alone; nothing that it says is waived.
    ///
    /// # Errors
    /// As [`Judge::appoint`].
    pub fn appoint_for(options: &'a cli::Judge, only: Option<&'static str>) -> Result<Appointed<'a>, Error> {
        let config = Config::read(options.config.as_deref())?;
        let policies = load(Self::settings(options, &config, only)?)?;
        Ok(Appointed { options, policies, config })
    }

    /// What policies are loaded with: all of them, or one package alone.
    ///
    /// # Errors
    /// [`Error::Usage`] for waivers.
    pub fn settings(options: &cli::Judge, config: &Config, only: Option<&'static str>) -> Result<Settings, Error> {
        let paths = config.policies.paths.iter().chain(&options.policies).cloned().collect();
        let given = |name: &str, text: String, from| Given { name: name.to_owned(), text, from };
        let configured = config.params.iter().map(|(name, value)| given(name, value.to_string(), ParamSource::Config));
        let named = options.params.iter().map(|(name, text)| given(name, text.clone(), ParamSource::CommandLine));
        let files = config.waivers.files.iter().chain(&options.waivers).map(|path| &**path);
        Ok(Settings {
            subject: Subject::Rollout,
            paths,
            params: configured.chain(named).collect(),
            time: options.policy_timeout.map(Duration::from_secs),
            modes: config.policies.modes.clone(),
            waivers: if only.is_some() {
                Waivers::default()
            } else {
                waivers::read(files, config.waivers.max_days, options.max_input_bytes)?
            },
            facts: Some(FactFiles { files: options.facts.clone(), max_bytes: options.max_input_bytes }),
            only,
        })
    }

    /// The policies.
    pub const fn policies(&self) -> &Prepared {
        &self.policies
    }

    /// What is said of a rollout that is being driven: above all, why it must stop here.
    ///
    /// # Errors
    /// [`Error::Policy`] where a policy fails.
    pub fn so_far(&self, document: &Document, question: Question, inputs: &mut Inputs) -> Result<SoFar, Error> {
        match question {
            Question::Call => self.policies.so_far(document, inputs),
            Question::Gate => self.policies.behind_gate(document, inputs),
            Question::Foreseen => {
                self.policies.foresee(document)?;
                Ok(SoFar { halts: Vec::new(), proven: 0, not_proven: 0 })
            }
        }
    }

    /// The tenants that are asked for their build next.
    ///
    /// # Errors
    /// [`Error::Policy`] where a policy fails.
    pub fn whom(&self, document: &Document) -> Result<Vec<Text>, Error> {
        self.policies.whom(document)
    }

    /// The verdict on a document.
    ///
    /// # Errors
    /// [`Error::Policy`] where a policy fails.
    pub fn report(&self, document: &Valid<'_>, inputs: Vec<InputFile>) -> Result<Report, Error> {
        let outcome = self.policies.evaluate(document)?;
        let mut inputs = inputs;
        inputs.extend(self.policies.waiver_files().iter().cloned());
        inputs.extend(self.policies.fact_files().iter().cloned());
        let drawn = self.draws().then(|| (Picture::of(document, &outcome.summary), outcome.summary.cohorts.clone()));
        let mut report = report(document, inputs, outcome, self.policies.packages(), self.policies.params());
        if let Some((picture, cohorts)) = drawn {
            report.picture = Some(picture);
            report.turns = Some(turns(document, (self, self.options), &report, &cohorts));
        }
        Ok(report)
    }

    /// Whether a page was asked for: what it needs beyond a report costs time.
    fn draws(&self) -> bool {
        let reports = self.options.reports.iter().map(|(format, _)| *format);
        reports.chain([self.options.format]).any(|format| format == Format::Html)
    }

    /// Writes the report to every place that was asked for.
    pub fn write(&self, report: &Report) -> Vec<Result<(), Error>> {
        let mut written = self.write_files(report);
        written.push(self.print_report(report));
        written
    }

    /// Writes the report to the files that were asked for, and not to standard output.
    pub fn write_files(&self, report: &Report) -> Vec<Result<(), Error>> {
        self.options.reports.iter().map(|(format, path)| self.write_report(*format, path, report)).collect()
    }

    fn write_report(&self, format: Format, path: &Path, report: &Report) -> Result<(), Error> {
        let view = View { errors: self.options.show_errors, ..View::plain() };
        put(path, |out| render(format, report, &view, out))
    }

    fn print_report(&self, report: &Report) -> Result<(), Error> {
        output::print(|out| render(self.options.format, report, &self.view(), out))
    }

    /// How much is shown on standard output.
    pub fn view(&self) -> View {
        view(self.options.show_errors)
    }
}

/// How much is shown on standard output, a terminal or not.
pub fn view(show_errors: bool) -> View {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    View {
        width: if terminal { terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into()) } else { 100 },
        color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        errors: show_errors || terminal,
        beside_errors: true,
    }
}

/// Writes a report to a file.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn put(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    if is_appended_to(path) { output::append(path, write) } else { output::replace(path, write) }
}

/// CI expects that a step's summary and its outputs are appended to.
pub fn is_appended_to(path: &Path) -> bool {
    let same = |file: &Path| output::destination(path) == output::destination(file);
    let files = ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"].into_iter().filter_map(std::env::var_os);
    files.filter(|file| !file.is_empty()).any(|file| same(Path::new(&file)))
}

/// Writes a document.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn write_document(path: &Path, document: &Document) -> Result<(), Error> {
    write_json(path, document)
}

/// Writes JSON in one line.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    output::replace(path, |out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    })
}

/// The exit code of a verdict, part of which may not have been written: that has a code of its own only where the
/// verdict has none.
pub fn exit_code(verdict: u8, written: Vec<Result<(), Error>>, complain: &mut dyn FnMut(&Error)) -> u8 {
    let mut failures = written.into_iter().filter_map(Result::err).peekable();
    let code = if verdict == 0 && failures.peek().is_some() { 7 } else { verdict };
    failures.for_each(|error| complain(&error));
    code
}
