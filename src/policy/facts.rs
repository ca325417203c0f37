//! Facts: what a team's own policies may know besides the evidence, such as a calendar of freeze windows. Reads their
//! files; what follows from them is the policies' word.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::diagnostic::fault::without_bom;
use crate::error::Error;
use crate::io::input::{Bytes, Input, Source};
use crate::model::document::text::Text;
use crate::model::document::{InputFile, Role};
use crate::schema::explain;
use crate::text::suggest::nearest;

/// Where facts are to be read from.
#[derive(Debug, Clone, Default)]
pub struct FactFiles {
    /// A fact's name, and the file that holds it.
    pub files: Vec<(String, PathBuf)>,
    /// The size limit of each, in bytes.
    pub max_bytes: u64,
    /// Facts that stand in another file, each with its value.
    pub values: Map<String, Value>,
}

/// A fact whose file was opened.
#[derive(Debug)]
pub struct OpenedFact {
    name: String,
    /// What the file holds, or why that cannot be told.
    input: Result<Input, Error>,
}

impl FactFiles {
    /// Reads the files; what is wrong with one is said once it is known that a policy declares it.
    pub fn open(self) -> Vec<OpenedFact> {
        let open = |(name, path)| OpenedFact { name, input: Source::File(path).read(self.max_bytes) };
        let given = |(name, value): (String, Value)| {
            let bytes = Bytes::Vec(value.to_string().into_bytes());
            OpenedFact { input: Ok(Input { name: Text::from(&*name), bytes }), name }
        };
        self.files.into_iter().map(open).chain(self.values.into_iter().map(given)).collect()
    }
}

/// Facts as they were read: `data.facts` of the policies.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By name.
    pub values: Map<String, Value>,
    /// The files, each with its fact's name before it.
    pub files: Vec<InputFile>,
}

/// A fact that a policy declares.
#[derive(Debug, Clone)]
pub struct NeededFact {
    /// The policy's package.
    pub package: String,
    /// The policy's file.
    pub file: String,
    /// The fact's name.
    pub name: String,
    /// What it holds.
    pub description: String,
}

/// Reads facts: each that is given is declared by a policy, and each that is needed is given.
///
/// # Errors
/// [`Error::Usage`] where one is given twice or no policy declares it, [`Error::Facts`] where one is missing,
/// [`Error::Evidence`] where a file is no JSON or too large.
pub fn read(given: Vec<OpenedFact>, declared: &[NeededFact], needed: &[NeededFact]) -> Result<Facts, Error> {
    for (i, OpenedFact { name, .. }) in given.iter().enumerate() {
        if given[..i].iter().any(|other| other.name == *name) {
            return Err(Error::usage(format!("--facts {name} is given twice"), "give each fact once"));
        }
        if !declared.iter().any(|declared| declared.name == *name) {
            return Err(undeclared(name, declared));
        }
    }
    let missing: Vec<&NeededFact> =
        needed.iter().filter(|needed| !given.iter().any(|given| given.name == needed.name)).collect();
    if let Some(first) = missing.first() {
        let help = format!(
            "add --facts {0}=FILE, or {0} = \"FILE\" under [facts] in rollproof.toml; a document does not hold facts, so \
             judging it again needs the same files",
            first.name
        );
        let problem = missing.into_iter().map(lacking).collect::<Vec<_>>().join("\n");
        return Err(Error::Facts { problem, help });
    }
    let mut facts = Facts::default();
    for OpenedFact { name, input } in given {
        let input = input?;
        let value = explain::json(without_bom(&input.bytes)).map_err(|mut faults| {
            if let Some(first) = faults.first_mut() {
                first.help.get_or_insert_with(|| "a file of facts holds one JSON value, such as an object".into());
            }
            Error::Evidence { input: input.name.to_string(), faults }
        })?;
        let file = input.file(Role::Facts, input.sha256());
        facts.files.push(InputFile { name: Text::from(format!("{name}={}", file.name)), ..file });
        facts.values.insert(name, value);
    }
    Ok(facts)
}

fn lacking(needed: &NeededFact) -> String {
    let NeededFact { package, file, name, description } = needed;
    format!("{file}: the policy {package} needs the fact {name:?}, which was not given: {}", description.trim())
}

fn undeclared(name: &str, declared: &[NeededFact]) -> Error {
    let known: BTreeSet<&str> = declared.iter().map(|declared| &*declared.name).collect();
    let problem = format!("no policy declares a fact {name:?}");
    let near = nearest(name, known.iter().copied()).map_or_else(String::new, |near| format!("did you mean {near:?}? "));
    let help = if known.is_empty() {
        "a policy declares the facts that it needs in its METADATA, under custom.facts".to_owned()
    } else {
        format!("{near}the policies declare: {}", known.into_iter().collect::<Vec<_>>().join(", "))
    };
    Error::usage(problem, help)
}
