//! What each command reads and writes. Before it does either, each output is checked: it is neither an input nor another
//! output, and it or its folder can be written. Only the configuration is opened here, since it names inputs too.

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

/// The name of a lock file among the outputs.
const LOCK: &str = "the lock";

/// What is wrong with the outputs of a command: one is an input or another output, or cannot be written.
pub fn conflicts(command: &Command) -> Vec<Error> {
    Files::of(command).conflicts()
}

/// The files and folders that a command reads and writes.
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
    /// Where it is a folder: whether a file below it is read, also one that does not exist yet.
    is_read: fn(&Path) -> bool,
}

/// Something that is written.
struct Output {
    /// What the command line calls it.
    name: &'static str,
    path: PathBuf,
    mode: WriteMode,
}

/// How an output is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WriteMode {
    /// A new file takes the place of the old.
    Replaced,
    /// A new file takes the place of the old; its folder is created where there is none.
    ReplacedInNewFolder,
    /// This process alone reads it and appends to it.
    Continued,
    /// Other processes append to it, too.
    Appended,
    /// A folder with everything in it, created where there is none.
    Folder,
}

/// The file of a mapping; none where it is bundled.
fn mapping_file(named: Option<&PathBuf>) -> Option<&PathBuf> {
    named.filter(|path| !Mapping::is_bundled(path))
}

impl Files {
    /// What a command reads and writes.
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
                .locked("--response", &options.response, WriteMode::Replaced)
                .locked("--document", &options.document, WriteMode::Replaced)
                .locked("--journal", &options.journal(), WriteMode::Continued),
            Command::Probe(options) => {
                let files = files.evaluation(&options.evaluation);
                match &options.document {
                    Some(document) => {
                        files.reads("DOCUMENT", [&options.evidence]).locked("--document", document, WriteMode::Replaced)
                    }
                    None if !options.in_place || is_stdin(&options.evidence) => {
                        files.reads("DOCUMENT", [&options.evidence])
                    }
                    None => files.locked("DOCUMENT", &options.evidence, WriteMode::Replaced),
                }
            }
            Command::Audit(options) => files
                .folders("FOLDER", &options.folders, is_archived)
                .reads("--times", &options.archives.times)
                .folders(
                    "--against",
                    &options.against.iter().map(|against| against.path().to_owned()).collect::<Vec<_>>(),
                    is_read,
                )
                .reads("--fleet", &options.archives.fleet)
                .reads("--map", mapping_file(options.archives.map.as_ref()))
                .reads("--fleet-map", mapping_file(options.archives.fleet_map.as_ref()))
                .policies(&options.archives.policies)
                .writes("--report", options.reports.iter().map(|(_, path)| path))
                .writes("--document", options.document.as_ref())
                .writes("--metrics", options.metrics.as_ref())
                .with("--parquet", &options.parquet, WriteMode::Folder),
            Command::Drill(options) => files.folders("--policy", &options.policies, is_read).with(
                "--keep",
                &options.keep.iter().flat_map(|folder| drill::kept(folder, options)).collect::<Vec<_>>(),
                WriteMode::ReplacedInNewFolder,
            ),
            Command::Policy(options) => files.policy(&options.command),
            Command::Man { folder } => files.with("FOLDER", folder, WriteMode::Folder),
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
                self.reads("--waivers", &options.waivers).facts(&options.facts).policy_paths(&options.own)
            }
            PolicyCommand::Show(options) => self.policy_paths(&options.own),
            PolicyCommand::New(options) => self.with("--in", [&options.folder], WriteMode::Folder),
            PolicyCommand::Test(options) => {
                let cases = options.fixtures.iter().flat_map(|folder| subfolders(folder)).collect::<Vec<_>>();
                let expected: Vec<_> =
                    cases.iter().filter(|_| options.update).map(|case| case.join("case.json")).collect();
                self.folders("PATH", &options.paths, is_read)
                    .folders("--fixtures", &cases, is_not_case_file)
                    .config(options.config.as_deref())
                    .with("--fixtures", &expected, WriteMode::ReplacedInNewFolder)
            }
            PolicyCommand::Eval(options) => self
                .reads("EVIDENCE", [&options.evidence])
                .reads("--fleet", &options.fleet)
                .reads("--labels", &options.labels)
                .reads("--plan", &options.plan)
                .facts(&options.facts)
                .previous(&options.previous)
                .policy_paths(&options.own),
            PolicyCommand::Bundle(options) => self
                .facts(&options.facts)
                .previous(&options.previous)
                .policy_paths(&options.own)
                .writes("--out", [&options.out]),
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

    fn policy_paths(self, options: &policy::PolicyPaths) -> Self {
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
            .reads("the configuration's mapping", &config.control_plane.answer)
            .reads("the configuration's facts", config.facts.values())
    }

    fn reads<'a>(self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.folders(name, paths, |_| false)
    }

    fn folders<'a>(
        mut self,
        name: &'static str,
        paths: impl IntoIterator<Item = &'a PathBuf>,
        is_input: fn(&Path) -> bool,
    ) -> Self {
        self.inputs.extend(paths.into_iter().map(|path| Input { name, path: path.clone(), is_read: is_input }));
        self
    }

    fn reports(mut self, reports: &[(Format, PathBuf)]) -> Self {
        self.outputs.extend(reports.iter().map(|(_, path)| Output {
            name: "--report",
            path: path.clone(),
            mode: if is_appended_to(path) { WriteMode::Appended } else { WriteMode::Replaced },
        }));
        self
    }

    fn writes<'a>(self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.with(name, paths, WriteMode::Replaced)
    }

    fn with<'a>(mut self, name: &'static str, paths: impl IntoIterator<Item = &'a PathBuf>, mode: WriteMode) -> Self {
        self.outputs.extend(paths.into_iter().map(|path| Output { name, path: path.clone(), mode }));
        self
    }

    /// An output that one process writes at a time: its lock file is an output too.
    fn locked(self, name: &'static str, path: &PathBuf, mode: WriteMode) -> Self {
        let lock = lock::lock_path(path);
        self.with(name, [path], mode).with(LOCK, &lock, WriteMode::Continued)
    }

    fn without_outputs(mut self) -> Self {
        self.outputs.clear();
        self
    }

    fn conflicts(&self) -> Vec<Error> {
        let mut conflicts: Vec<Error> = Vec::new();
        let mut failed = None;
        for output in &self.outputs {
            let Err(problem) = output.check_writable() else { continue };
            // A lock lies beside its file, so both fail for the same reason, which is told once.
            if failed.replace(problem.clone()) != Some(problem.clone()) || output.name != LOCK {
                let problem = format!("cannot write {}: {problem}", output.shown());
                conflicts.push(Error::conflict(problem, "name a file in a folder that is there and that you may write to; nothing was read, called or written"));
            }
        }
        let read = InputsByIdentity::all(&self.inputs, !self.outputs.is_empty());
        let mut written: HashMap<Identity, &Output> = HashMap::new();
        for output in &self.outputs {
            let Some(identity) = output.identity() else { continue };
            if let Some(input) = read.input_at(&identity, &output.path) {
                conflicts.push(same_file_error(&output.shown(), &input.shown(), "which is read"));
            }
            match written.insert(identity, output) {
                Some(other) if output.mode != WriteMode::Appended || other.mode != WriteMode::Appended => {
                    conflicts.push(same_file_error(&output.shown(), &other.shown(), "which is written too"));
                }
                _ => {}
            }
        }
        conflicts.extend([self.check_folders(), check_streams(&read, &written)].into_iter().filter_map(Result::err));
        conflicts
    }

    /// Nothing else is written into a folder that is an output as a whole.
    fn check_folders(&self) -> Result<(), Error> {
        for folder in self.outputs.iter().filter(|output| output.mode == WriteMode::Folder) {
            let Ok(found) = fs::metadata(&folder.path) else { continue };
            for output in self.outputs.iter().filter(|output| output.mode != WriteMode::Folder) {
                let place = destination(&output.path);
                let mut above = place.ancestors().skip(1).filter_map(|above| fs::metadata(above).ok());
                if above.any(|above| Identity::of(&above) == Identity::of(&found)) {
                    return Err(same_file_error(&output.shown(), &folder.shown(), "which is a folder of its own"));
                }
            }
        }
        Ok(())
    }
}

/// Standard output and standard error may be files, too.
fn check_streams(read: &InputsByIdentity<'_>, written: &HashMap<Identity, &Output>) -> Result<(), Error> {
    let streams = [("standard output", identity_of(io::stdout())), ("standard error", identity_of(io::stderr()))];
    for (name, identity) in streams {
        let Some(identity) = identity else { continue };
        if let Some(input) = read.files.get(&identity) {
            return Err(same_file_error(name, &input.shown(), "which is read"));
        }
        if let Some(output) = written.get(&identity).filter(|output| output.mode != WriteMode::Appended) {
            return Err(same_file_error(name, &output.shown(), "which is written too"));
        }
    }
    Ok(())
}

fn same_file_error(output: &str, other: &str, role: &str) -> Error {
    let problem = format!("{output} is the same as {other}, {role}");
    Error::conflict(problem, "name a file of its own for each; nothing was read, called or written")
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn is_not_case_file(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new("case.json"))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The file or folder that a path leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Identity {
    /// One that exists: its device and its inode.
    Existing(u64, u64),
    /// One that does not exist yet: device and inode of its folder, and its name.
    New(u64, u64, OsString),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self::Existing(metadata.dev(), metadata.ino())
    }

    /// The identity of a path; nothing for a device or a pipe, which may be named twice.
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
struct InputsByIdentity<'a> {
    files: HashMap<Identity, &'a Input>,
    /// Folders in which some new files would be inputs.
    folders: HashMap<Identity, &'a Input>,
}

impl<'a> InputsByIdentity<'a> {
    /// Finds all inputs; those in folders are left out where nothing is written.
    fn all(inputs: &'a [Input], has_outputs: bool) -> Self {
        let mut read = Self::default();
        for input in inputs {
            if is_stdin(&input.path) {
                read.files.extend(identity_of(io::stdin()).map(|identity| (identity, input)));
            } else if !input.path.is_dir() {
                read.files.extend(Identity::at(&input.path).map(|identity| (identity, input)));
            } else if has_outputs {
                read.add_folder(input);
            }
        }
        read
    }

    fn add_folder(&mut self, input: &'a Input) {
        // A folder that cannot be read is an error where it is used.
        for entry in WalkDir::new(&input.path).follow_links(true).into_iter().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() {
                self.folders.insert(Identity::of(&found), input);
            } else if found.is_file() && (input.is_read)(entry.path()) {
                self.files.insert(Identity::of(&found), input);
            }
        }
    }

    /// The input that has this identity, or that a new file at this path would be.
    fn input_at(&self, identity: &Identity, path: &Path) -> Option<&'a Input> {
        let folder = match identity {
            Identity::New(device, inode, _) => self.folders.get(&Identity::Existing(*device, *inode)),
            Identity::Existing(..) => None,
        };
        let folder = folder.filter(|input| (input.is_read)(&destination(path)));
        self.files.get(identity).or(folder).copied()
    }
}

impl Output {
    fn shown(&self) -> String {
        format!("{} {}", self.name, self.path.display())
    }

    /// What no other file may be; nothing for a stream, which may be named twice.
    fn identity(&self) -> Option<Identity> {
        if is_stream(&self.path) { None } else { Identity::at(&self.path) }
    }

    /// Refuses an output that cannot be written, as far as the system tells.
    fn check_writable(&self) -> Result<(), String> {
        let bytes = self.path.as_os_str().as_bytes();
        if self.mode != WriteMode::Folder && (bytes.ends_with(b"/") || bytes.ends_with(b"/.")) {
            return Err("it is a folder".into());
        }
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() && self.mode != WriteMode::Folder => Err("it is a folder".into()),
            Ok(found) if found.is_dir() => check_access(&self.path, Access::WRITE_OK | Access::EXEC_OK),
            Ok(_) if self.mode == WriteMode::Folder => Err("it is no folder".into()),
            Ok(found) if self.mode == WriteMode::Continued && !found.is_file() => Err("it is no ordinary file".into()),
            Ok(found) if !found.is_file() || self.mode == WriteMode::Appended => {
                check_access(&self.path, Access::WRITE_OK)
            }
            Ok(_) if self.mode == WriteMode::Continued => check_access(&self.path, Access::WRITE_OK | Access::READ_OK),
            Ok(_) => check_folder_writable(folder_of(&destination(&self.path))),
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(error.to_string())
            }
            Err(_) => {
                let place = destination(&self.path);
                let mut folder = folder_of(&place);
                if matches!(self.mode, WriteMode::ReplacedInNewFolder | WriteMode::Folder) {
                    while !folder.exists() && folder != folder_of(folder) {
                        folder = folder_of(folder);
                    }
                }
                check_folder_writable(folder)
            }
        }
    }
}

/// Refuses a folder in which no file can be created.
fn check_folder_writable(folder: &Path) -> Result<(), String> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => check_access(folder, Access::WRITE_OK | Access::EXEC_OK),
        Ok(_) => Err(format!("{} is no folder", folder.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("there is no folder {}", folder.display()))
        }
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

fn check_access(path: &Path, access: Access) -> Result<(), String> {
    accessat(CWD, path, access, AtFlags::EACCESS)
        .map_err(|error| format!("{}: {}", path.display(), io::Error::from(error)))
}
