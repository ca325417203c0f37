//! Loads the policies, evaluates a document and writes the report: shared by `verify`, `run`, `probe`, `preflight`, `explain`
//! and `audit`.

pub mod previous;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::declared::params;
use crate::declared::subject::Subject;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::output;
use crate::io::output::write_report;
use crate::model::document::text::Text;
use crate::model::document::{Document, InputFile};
use crate::policy::facts::FactFiles;
use crate::policy::load::{Loading, Settings, load};
use crate::policy::prepared::{CohortSummary, Outcome, Prepared};
use crate::policy::previous::Previous;
use crate::policy::waivers;
use crate::policy::waivers::Waivers;
use crate::render::view::{View, file_view, view};
use crate::render::{Format, render, text};
use crate::report::fleet_view::FleetView;
use crate::report::{Report, report};
use crate::schema::document::Valid;

/// From how many tenants on evidence is hashed on a thread of its own.
const LARGE: u64 = 10_000;

/// The previous rollout, as far as one was given.
fn previous_of(options: &Options) -> Result<Previous, Error> {
    previous::read(options.previous.as_deref(), options.retired.as_deref(), options.max_input_bytes)
}

/// What a rollout is judged with, and where its verdict goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folders and files of policies that are evaluated beside the bundled ones.
    pub policies: Vec<PathBuf>,
    /// Values of parameters, by name.
    pub params: Vec<(String, String)>,
    /// Files of waivers.
    pub waivers: Vec<PathBuf>,
    /// How many seconds all policies together may take.
    pub policy_timeout: Option<u64>,
    /// Files of facts, by the fact's name.
    pub facts: Vec<(String, PathBuf)>,
    /// The report or the document of the previous rollout.
    pub previous: Option<PathBuf>,
    /// Tenants that were taken out of the fleet since.
    pub retired: Option<PathBuf>,
    /// The configuration. Absent: `rollproof.toml` of the working folder or its repository, where there is one.
    pub config: Option<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// The files that the report is written to, each in its format.
    pub reports: Vec<(Format, PathBuf)>,
    /// The digest that the policies must have.
    pub expect_policies: Option<String>,
    /// Whether what policies print is shown on standard error.
    pub show_prints: bool,
    /// Whether raw error texts of the control plane are shown.
    pub show_errors: bool,
    /// The size limit of each input, in bytes.
    pub max_input_bytes: u64,
}

/// Policies, and what the command line says about output.
pub struct Evaluation {
    /// What was asked for.
    pub options: Options,
    policies: Prepared,
    pub config: Config,
}

/// An evaluation whose policies are still being loaded, while evidence is collected.
pub struct PendingEvaluation {
    options: Options,
    policies: Loading,
    config: Config,
}

impl PendingEvaluation {
    /// Waits for the policies.
    ///
    /// # Errors
    /// [`Error::Usage`] for parameters, [`Error::Policy`] for policies, [`Error::OtherPolicies`] where others are
    /// expected.
    pub fn wait(self) -> Result<Evaluation, Error> {
        let evaluation = Evaluation { options: self.options, policies: self.policies.wait()?, config: self.config };
        evaluation.check_expected_digest().map(|()| evaluation)
    }
}

impl Evaluation {
    /// Begins to load everything that is needed for a verdict.
    ///
    /// # Errors
    /// [`Error::Usage`] for the configuration.
    pub fn start(options: Options) -> Result<PendingEvaluation, Error> {
        Self::start_for(options, None)
    }

    /// The same for one package alone; nothing that it says is waived.
    ///
    /// # Errors
    /// As [`Evaluation::start`].
    pub fn start_for(options: Options, only: Option<&'static str>) -> Result<PendingEvaluation, Error> {
        let config = Config::read(options.config.as_deref())?;
        let settings = Self::settings(&options, &config, only)?;
        Self::start_with(options, config, settings)
    }

    /// Begins to load policies with these settings, by a configuration that was read.
    ///
    /// # Errors
    /// [`Error::Policy`] where a file cannot be read.
    pub fn start_with(options: Options, config: Config, settings: Settings) -> Result<PendingEvaluation, Error> {
        Ok(PendingEvaluation { options, policies: load(settings)?, config })
    }

    /// One with policies that are loaded.
    pub const fn of(options: Options, policies: Prepared, config: Config) -> Self {
        Self { options, policies, config }
    }

    /// What policies are loaded with: all of them, or one package alone.
    ///
    /// # Errors
    /// [`Error::Usage`] for waivers.
    pub fn settings(options: &Options, config: &Config, only: Option<&'static str>) -> Result<Settings, Error> {
        let paths = config.policies.paths.iter().chain(&options.policies).cloned().collect();
        let files = config.waivers.files.iter().chain(&options.waivers).map(|path| &**path);
        Ok(Settings {
            subject: Subject::Rollout,
            paths,
            folders: Vec::new(),
            params: params::given(config, &options.params),
            other_params: Vec::new(),
            time: options.policy_timeout.map(Duration::from_secs),
            config: config.clone(),
            waivers: if only.is_some() {
                Waivers::default()
            } else {
                waivers::read(files, config.waivers.max_days, options.max_input_bytes)?
            },
            // One package alone is a bundled one, which knows nothing but the evidence.
            facts: only.is_none().then(|| FactFiles {
                files: config.facts(&options.facts),
                max_bytes: options.max_input_bytes,
                ..FactFiles::default()
            }),
            previous: only.is_none().then(|| previous_of(options)).transpose()?,
            only,
        })
    }

    /// Refuses policies with another digest than the command line expects.
    ///
    /// # Errors
    /// [`Error::OtherPolicies`] where others would decide.
    pub fn check_expected_digest(&self) -> Result<(), Error> {
        let found = &self.policies.basis().digest;
        match &self.options.expect_policies {
            Some(expected) if expected != found => {
                Err(Error::OtherPolicies { expected: expected.clone(), found: found.clone() })
            }
            _ => Ok(()),
        }
    }

    pub const fn policies(&self) -> &Prepared {
        &self.policies
    }

    /// The tenants that are asked for their build next.
    ///
    /// # Errors
    /// [`Error::Policy`] where a policy fails.
    pub fn next_probe_targets(&self, document: &Document) -> Result<Vec<Text>, Error> {
        self.policies.next_probe_targets(document)
    }

    /// The verdict on a document, and what the policies say of each of its cohorts.
    ///
    /// # Errors
    /// [`Error::Policy`] where a policy fails.
    pub fn evaluate(
        &self,
        document: &Valid<'_>,
        inputs: Vec<InputFile>,
    ) -> Result<(Report, Vec<CohortSummary>), Error> {
        let (outcome, digest) = self.evaluate_and_digest(document);
        let prints = self.policies.take_prints();
        if self.options.show_prints {
            output::show_prints(&prints);
        }
        let (outcome, digest) = (outcome?, digest.map_err(|error| Error::bug(error.to_string()))?);
        let mut inputs = inputs;
        inputs.extend(self.config.file.iter().cloned());
        inputs.extend(self.policies.waiver_files().iter().cloned());
        inputs.extend(self.policies.fact_files().iter().cloned());
        inputs.extend(self.policies.previous_files().iter().cloned());
        let cohorts = outcome.summary.cohorts.clone();
        let fleet_view = self.renders_page().then(|| FleetView::of(document, &outcome.summary));
        let mut report = report(document, inputs, outcome, &self.policies);
        report.fleet_view = fleet_view;
        if let Some(basis) = &mut report.basis {
            basis.evidence = Some(digest);
        }
        Ok((report, cohorts))
    }

    /// What the policies say of a document, and its digest: of a large one at the same time.
    fn evaluate_and_digest(&self, document: &Valid<'_>) -> (Result<Outcome, Error>, Result<String, serde_json::Error>) {
        if document.fleet.tenants < LARGE {
            return (self.policies.evaluate(document), document.digest());
        }
        thread::scope(|scope| {
            let digest = scope.spawn(|| document.digest());
            let outcome = self.policies.evaluate(document);
            (outcome, digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Whether a page was asked for: what it needs beyond a report costs time.
    pub fn renders_page(&self) -> bool {
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
        let view = file_view(self.options.show_errors);
        write_report(path, |out| render(format, report, &view, out))
    }

    /// Writes the report's first line to standard output.
    pub fn print_headline(&self, report: &Report) -> Result<(), Error> {
        output::print(|out| text::first_line(report, &self.view(), out))
    }

    /// Writes the report to standard output.
    pub fn print_report(&self, report: &Report) -> Result<(), Error> {
        output::print(|out| render(self.options.format, report, &self.view(), out))
    }

    /// How much is shown on standard output.
    pub fn view(&self) -> View {
        view(self.options.show_errors)
    }
}
