//! What each command reads and what it writes. Before it does either, its outputs must be in nobody's way: each differs
//! from every input and every other output, and it or its folder can be written. Nothing is opened here but the
//! configuration, which names inputs too.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use walkdir::WalkDir;

use crate::audit::names::is_archived;
use crate::cli::policy::PolicyCommand;
use crate::cli::{Command, evaluation, policy, verify};
use crate::commands::drill;
use crate::error::Error;
use crate::io::config::Config;
use crate::io::lock;
use crate::io::output::{destination, folder_of, is_appended_to, is_stream};
use crate::mapping::load::Mapping;
use crate::policy::files::is_read;
use crate::render::Format;

/// What the file that guards another is called.
const LOCK: &str = "the lock";

/// What is wrong with what a command writes: an output is in the way of something, or cannot be written.
pub fn conflicts(command: &Command) -> Vec<Error> {
    Files::of(command).conflicts()
}

/// What a command reads and writes.
#[derive(Default)]
struct Files {
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

/// Something that is read.
struct Input {
    /// What the command line calls it.
    name: &'static str,
    path: PathBuf,
    /// Where it is a folder: which files below are read. Of these all are inputs, also those that are still to come.
    wanted: fn(&Path) -> bool,
}

/// Something that is written.
struct Output {
    /// What the command line calls it.
    name: &'static str,
    path: PathBuf,
    how: How,
}

/// How something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// A new file takes the place of the old.
    Replaced,
    /// The same, in a folder that is made where there is none.
    Made,
    /// It is read, and added to by this process alone.
    Continued,
    /// It is added to, by others too.
    Appended,
    /// A folder, which is made where there is none, and everything in it.
    Folder,
}

/// The file of a mapping; none where it is bundled.
fn mapping_file(named: Option<&PathBuf>) -> Option<&PathBuf> {
    named.filter(|path| !Mapping::is_bundled(path))
}

impl Files {
    /// The declaration of every command.
    fn of(command: &Command) -> Self {
        let files = Self::default();
        match command {
            Command::Verify(options) => files
                .verify(&options.verify)
                .reads("--compare", &options.compare)
                .writes("--document", options.verify.document.as_ref()),
            Command::Explain(options) => files.verify(&options.verify).without_outputs(),
            Command::Plan(options) => files.config(options.config.as_deref()).writes("--out", options.out.as_ref()),
            Command::Preflight(options) => files.config(options.config.as_deref()).reports(&options.outputs.reports),
            Command::Run(options) => files
                .reads("--plan", [&options.plan])
                .reads("--fleet", &options.fleet)
                .reads("--token-file", &options.token_file)
                .evaluation(&options.evaluation)
                .locked("--response", &options.response, How::Replaced)
                .locked("--document", &options.document, How::Replaced)
                .locked("--journal", &options.journal(), How::Continued),
            Command::Probe(options) => {
                let files = files.evaluation(&options.evaluation);
                match &options.document {
                    Some(document) => {
                        files.reads("DOCUMENT", [&options.evidence]).locked("--document", document, How::Replaced)
                    }
                    None if !options.in_place || is_stdin(&options.evidence) => {
                        files.reads("DOCUMENT", [&options.evidence])
                    }
                    None => files.locked("DOCUMENT", &options.evidence, How::Replaced),
                }
            }
            Command::Audit(options) => files
                .folders("FOLDER", &options.folders, is_archived)
                .reads("--times", &options.archives.times)
                .folders("--against", &options.against, is_read)
                .reads("--fleet", &options.archives.fleet)
                .reads("--map", mapping_file(options.archives.map.as_ref()))
                .reads("--fleet-map", mapping_file(options.archives.fleet_map.as_ref()))
                .policies(&options.archives.policies)
                .writes("--report", options.reports.iter().map(|(_, path)| path))
                .writes("--document", options.document.as_ref())
                .writes("--metrics", options.metrics.as_ref())
                .with("--parquet", &options.parquet, How::Folder),
            Command::Drill(options) => files.folders("--policy", &options.policies, is_read).with(
                "--keep",
                &options.keep.iter().flat_map(|folder| drill::kept(folder, options)).collect::<Vec<_>>(),
                How::Made,
            ),
            Command::Policy(options) => files.policy(&options.command),
            Command::Man { folder } => files.with("FOLDER", folder, How::Folder),
            Command::Schema { .. } | Command::Completions { .. } | Command::History(_) | Command::Mapping(_) => files,
        }
    }

    fn policy(self, command: &PolicyCommand) -> Self {
        match command {
            PolicyCommand::Check(options) => {
                let reports = options.reports.iter().map(|(_, path)| path);
                let files = self.folders("PATH", &options.paths, is_read).config(options.config.as_deref());
                files.writes("--report", reports)
            }
            PolicyCommand::List(options) => {
                self.reads("--waivers", &options.waivers).facts(&options.facts).own(&options.own)
            }
            PolicyCommand::Show(options) => self.own(&options.own),
            PolicyCommand::New(options) => self.with("--in", [&options.folder], How::Folder),
            PolicyCommand::Test(options) => {
                let cases = options.fixtures.iter().flat_map(|folder| subfolders(folder)).collect::<Vec<_>>();
                let expected: Vec<_> =
                    cases.iter().filter(|_| options.update).map(|case| case.join("case.json")).collect();
                self.folders("PATH", &options.paths, is_read)
                    .folders("--fixtures", &cases, is_no_case)
                    .config(options.config.as_deref())
                    .with("--fixtures", &expected, How::Made)
            }
            PolicyCommand::Eval(options) => self
                .reads("EVIDENCE", [&options.evidence])
                .reads("--fleet", &options.fleet)
                .reads("--labels", &options.labels)
                .reads("--plan", &options.plan)
                .facts(&options.facts)
                .previous(&options.previous)
                .own(&options.own),
            PolicyCommand::Bundle(options) => {
                self.facts(&options.facts).previous(&options.previous).own(&options.own).writes("--out", [&options.out])
            }
        }
    }

    fn verify(self, options: &verify::Verify) -> Self {
        self.reads("RESPONSE", [&options.evidence])
            .reads("--fleet", &options.fleet)
            .reads("--labels", &options.labels)
            .reads("--plan", &options.plan)
            .reads("--map", mapping_file(options.map.as_ref()))
            .reads("--fleet-map", mapping_file(options.fleet_map.as_ref()))
            .evaluation(&options.evaluation)
    }

    fn evaluation(self, options: &evaluation::EvaluationArgs) -> Self {
        self.policies(&options.policies).previous(&options.previous).reports(&options.outputs.reports)
    }

    fn policies(self, options: &evaluation::PolicyArgs) -> Self {
        self.folders("--policy", &options.paths, is_read)
            .reads("--waivers", &options.waivers)
            .facts(&options.facts)
            .config(options.config.as_deref())
    }

    fn previous(self, options: &evaluation::PreviousArgs) -> Self {
        self.reads("--previous", &options.previous).reads("--retired", &options.retired)
    }

    fn facts(self, facts: &[(String, PathBuf)]) -> Self {
        self.reads("--facts", facts.iter().map(|(_, path)| path))
    }

    fn own(self, options: &policy::PolicyPaths) -> Self {
        self.folders("--policy", &options.policies, is_read).config(options.config.as_deref())
    }

    /// The configuration, and what it names. What is wrong with it is said where it is used.
    fn config(self, named: Option<&Path>) -> Self {
        let path = Config::path(named);
        // A pipe can be read once.
        let config = fs::metadata(&path).is_ok_and(|found| found.is_file()).then(|| Config::read(named).ok()).flatten();
        let config = config.unwrap_or_default();
        self.reads("--config", [&path])
            .folders("the configuration's policy", &config.policies.paths, is_read)
            .reads("the configuration's waivers", &config.waivers.files)
            .reads("the configuration's facts", config.facts.values())
    }

    fn reads<'a>(self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.folders(name, paths, |_| false)
    }

    fn folders<'a>(
        mut self,
        name: &'static str,
        paths: impl IntoIterator<Item = &'a PathBuf>,
        wanted: fn(&Path) -> bool,
    ) -> Self {
        self.inputs.extend(paths.into_iter().map(|path| Input { name, path: path.clone(), wanted }));
        self
    }

    fn reports(mut self, reports: &[(Format, PathBuf)]) -> Self {
        self.outputs.extend(reports.iter().map(|(_, path)| Output {
            name: "--report",
            path: path.clone(),
            how: if is_appended_to(path) { How::Appended } else { How::Replaced },
        }));
        self
    }

    fn writes<'a>(self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.with(name, paths, How::Replaced)
    }

    fn with<'a>(mut self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>, how: How) -> Self {
        self.outputs.extend(paths.into_iter().map(|path| Output { name, path: path.clone(), how }));
        self
    }

    /// Something that one process writes at a time: the file that guards it is an output too.
    fn locked(self, name: &'static str, path: &PathBuf, how: How) -> Self {
        let guard = lock::beside(path);
        self.with(name, [path], how).with(LOCK, &guard, How::Continued)
    }

    fn without_outputs(mut self) -> Self {
        self.outputs.clear();
        self
    }

    fn conflicts(&self) -> Vec<Error> {
        let mut conflicts: Vec<Error> = Vec::new();
        let mut failed = None;
        for output in &self.outputs {
            let Err(problem) = output.can_be_written() else { continue };
            // What guards a file stands beside it, so that both fail for the same reason.
            if failed.replace(problem.clone()) != Some(problem.clone()) || output.name != LOCK {
                let problem = format!("cannot write {}: {problem}", output.shown());
                conflicts.push(Error::conflict(problem, "name a file in a folder that is there and that you may write to; nothing was read, called or written"));
            }
        }
        let read = Read::all(&self.inputs, self.outputs.is_empty());
        let mut written: HashMap<Identity, &Output> = HashMap::new();
        for output in &self.outputs {
            let Some(identity) = output.identity() else { continue };
            if let Some(input) = read.by(&identity, &output.path) {
                conflicts.push(in_the_way(&output.shown(), &input.shown(), "which is read"));
            }
            match written.insert(identity, output) {
                Some(other) if output.how != How::Appended || other.how != How::Appended => {
                    conflicts.push(in_the_way(&output.shown(), &other.shown(), "which is written too"));
                }
                _ => {}
            }
        }
        conflicts.extend([self.check_folders(), check_streams(&read, &written)].into_iter().filter_map(Result::err));
        conflicts
    }

    /// Nothing else is written into a folder that is an output as a whole.
    fn check_folders(&self) -> Result<(), Error> {
        for folder in self.outputs.iter().filter(|output| output.how == How::Folder) {
            let Ok(found) = fs::metadata(&folder.path) else { continue };
            for output in self.outputs.iter().filter(|output| output.how != How::Folder) {
                let place = destination(&output.path);
                let mut above = place.ancestors().skip(1).filter_map(|above| fs::metadata(above).ok());
                if above.any(|above| Identity::of(&above) == Identity::of(&found)) {
                    return Err(in_the_way(&output.shown(), &folder.shown(), "which is a folder of its own"));
                }
            }
        }
        Ok(())
    }
}

/// Standard output and standard error may be files, too.
fn check_streams(read: &Read<'_>, written: &HashMap<Identity, &Output>) -> Result<(), Error> {
    let streams = [("standard output", identity_of(io::stdout())), ("standard error", identity_of(io::stderr()))];
    for (name, identity) in streams {
        let Some(identity) = identity else { continue };
        if let Some(input) = read.files.get(&identity) {
            return Err(in_the_way(name, &input.shown(), "which is read"));
        }
        if let Some(output) = written.get(&identity).filter(|output| output.how != How::Appended) {
            return Err(in_the_way(name, &output.shown(), "which is written too"));
        }
    }
    Ok(())
}

fn in_the_way(output: &str, other: &str, what: &str) -> Error {
    let problem = format!("{output} is the same as {other}, {what}");
    Error::conflict(problem, "name a file of its own for each; nothing was read, called or written")
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn is_no_case(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new("case.json"))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Identity {
    /// What is there: its device and its number.
    There(u64, u64),
    /// What is not there yet: its folder, and its name in it.
    New(u64, u64, OsString),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self::There(metadata.dev(), metadata.ino())
    }

    /// What is there or will be; nothing for a device or a pipe, which can be named twice.
    fn at(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_file() || found.is_dir() => Some(Self::of(&found)),
            Ok(_) => None,
            Err(_) => {
                let path = destination(path);
                let folder = fs::metadata(folder_of(&path)).ok()?;
                Some(Self::New(folder.dev(), folder.ino(), path.file_name()?.to_owned()))
            }
        }
    }
}

/// The file that a stream leads to, if it is one.
fn identity_of(stream: impl AsFd) -> Option<Identity> {
    let metadata = File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
    metadata.is_file().then(|| Identity::of(&metadata))
}

impl Input {
    fn shown(&self) -> String {
        format!("{} {}", self.name, self.path.display())
    }
}

/// Everything that is read.
#[derive(Default)]
struct Read<'a> {
    files: HashMap<Identity, &'a Input>,
    /// Folders in which some new files would be inputs.
    folders: HashMap<Identity, &'a Input>,
}

impl<'a> Read<'a> {
    /// Looks for all inputs; in folders only where something is written.
    fn all(inputs: &'a [Input], only_named: bool) -> Self {
        let mut read = Self::default();
        for input in inputs {
            if is_stdin(&input.path) {
                read.files.extend(identity_of(io::stdin()).map(|identity| (identity, input)));
            } else if !input.path.is_dir() {
                read.files.extend(Identity::at(&input.path).map(|identity| (identity, input)));
            } else if !only_named {
                read.look_into(input);
            }
        }
        read
    }

    fn look_into(&mut self, input: &'a Input) {
        // A folder that cannot be read is an error where it is used.
        for entry in WalkDir::new(&input.path).follow_links(true).into_iter().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() {
                self.folders.insert(Identity::of(&found), input);
            } else if found.is_file() && (input.wanted)(entry.path()) {
                self.files.insert(Identity::of(&found), input);
            }
        }
    }

    /// The input that an output would be.
    fn by(&self, identity: &Identity, path: &Path) -> Option<&'a Input> {
        let folder = match identity {
            Identity::New(device, number, _) => self.folders.get(&Identity::There(*device, *number)),
            Identity::There(..) => None,
        };
        let folder = folder.filter(|input| (input.wanted)(&destination(path)));
        self.files.get(identity).or(folder).copied()
    }
}

impl Output {
    fn shown(&self) -> String {
        format!("{} {}", self.name, self.path.display())
    }

    /// What must be nothing else; nothing where it may be.
    fn identity(&self) -> Option<Identity> {
        if is_stream(&self.path) { None } else { Identity::at(&self.path) }
    }

    /// Whether it can be written, as far as the system tells; if not, why.
    fn can_be_written(&self) -> Result<(), String> {
        let bytes = self.path.as_os_str().as_bytes();
        if self.how != How::Folder && (bytes.ends_with(b"/") || bytes.ends_with(b"/.")) {
            return Err("it is a folder".into());
        }
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() && self.how != How::Folder => Err("it is a folder".into()),
            Ok(found) if found.is_dir() => may(&self.path, Access::WRITE_OK | Access::EXEC_OK),
            Ok(_) if self.how == How::Folder => Err("it is no folder".into()),
            Ok(found) if self.how == How::Continued && !found.is_file() => Err("it is no ordinary file".into()),
            Ok(found) if !found.is_file() || self.how == How::Appended => may(&self.path, Access::WRITE_OK),
            Ok(_) if self.how == How::Continued => may(&self.path, Access::WRITE_OK | Access::READ_OK),
            Ok(_) => may_make_in(folder_of(&destination(&self.path))),
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(error.to_string())
            }
            Err(_) => {
                let place = destination(&self.path);
                let mut folder = folder_of(&place);
                if matches!(self.how, How::Made | How::Folder) {
                    while !folder.exists() && folder != folder_of(folder) {
                        folder = folder_of(folder);
                    }
                }
                may_make_in(folder)
            }
        }
    }
}

/// Whether files can be made in a folder.
fn may_make_in(folder: &Path) -> Result<(), String> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => may(folder, Access::WRITE_OK | Access::EXEC_OK),
        Ok(_) => Err(format!("{} is no folder", folder.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("there is no folder {}", folder.display()))
        }
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

fn may(path: &Path, access: Access) -> Result<(), String> {
    accessat(CWD, path, access, AtFlags::EACCESS)
        .map_err(|error| format!("{}: {}", path.display(), io::Error::from(error)))
}
