//! Loads a mapping before any evidence is read: reads its file, checks it, and compiles its filters.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use crate::diagnostic::fault::{hand_written, place};
use crate::error::Error;
use crate::io::input::{MAX_WRITTEN, Source, remedy};
use crate::jq::fault::FilterFault;
use crate::jq::filter::Filter;
use crate::jq::items::{self, Step};
use crate::jq::types::Types;
use crate::jq::value::Value;
use crate::mapping::bundled;
use crate::mapping::file::{FORMAT, FleetFilters, InputForm, MappingFile, RowFilters};
use crate::model::document::mapping::{MappingProof, UsedMapping};
use crate::model::document::text::Text;
use crate::model::document::{InputFile, Role};
use crate::text::digest::sha256;
use crate::text::suggest::{meant, nearest};

/// The variables that a filter may name, in the order of their values; the last only where the mapping has an index.
const VARIABLES: [&str; 4] = ["$input", "$path", "$target", INDEX_VARIABLE];

/// The variables that the filter of the index may name, in the order of their values.
const INDEX_VARIABLES: [&str; 2] = ["$input", "$target"];

/// The variable for what is made once of the whole input, for filters that look something up.
const INDEX_VARIABLE: &str = "$index";

/// The variables that a filter may name, in the order of their values.
const fn variables(has_index: bool) -> &'static [&'static str] {
    if has_index { &VARIABLES } else { VARIABLES.split_at(VARIABLES.len() - 1).0 }
}

/// The names of the fields of a row, which no extra field may have.
const ROW_FIELDS: [&str; 8] =
    ["slug", "phase", "ssm_status", "ssm_exit_code", "healthz_ok", "verified_on_target", "running_image", "error"];

/// What to do about a file that is no mapping.
const MAPPING_HELP: &str = "rollproof schema mapping describes every key";

/// A mapping whose filters are compiled.
#[derive(Debug)]
pub struct Mapping {
    /// The name of its folder where it is bundled, else its path.
    pub name: Text,
    /// What it reads.
    pub title: String,
    /// The text of its file.
    pub text: String,
    /// SHA-256 of its file.
    pub sha256: Text,
    /// The form of its input.
    pub input: InputForm,
    /// The filter that gives `$index`.
    index: Option<Filter>,
    /// How rows are read.
    pub(crate) row: Option<RowMapping>,
    /// How a fleet is read.
    pub(crate) fleet: Option<FleetMapping>,
}

/// A part of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its `[row]`.
    Rows,
    /// Its `[fleet]`.
    Fleet,
}

/// Where the items are, and which of them are skipped.
#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) paths: Vec<Vec<Step>>,
    /// Whether an item is skipped, and why.
    pub(crate) skip: Option<(Filter, Text)>,
}

/// How rows are read.
#[derive(Debug)]
pub(crate) struct RowMapping {
    pub(crate) items: Items,
    pub(crate) slug: Filter,
    pub(crate) fields: Vec<(RowField, Filter)>,
    pub(crate) proof: MappingProof,
}

/// A field of a row that a filter gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowField {
    Verified,
    Healthz,
    Image,
    Error,
    Status,
    ExitCode,
    /// A field that a team's own policies read.
    Extra(Text),
}

/// How a fleet is read.
#[derive(Debug)]
pub(crate) struct FleetMapping {
    pub(crate) items: Items,
    pub(crate) slug: Filter,
    pub(crate) labels: Option<Filter>,
}

impl RowField {
    /// Its key in a mapping.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Verified => "verified_on_target",
            Self::Healthz => "healthz_ok",
            Self::Image => "running_image",
            Self::Error => "error",
            Self::Status => "status",
            Self::ExitCode => "exit_code",
            Self::Extra(name) => name,
        }
    }

    /// Its key in a row; none where it is an extra field.
    fn row_key(&self) -> Option<&'static str> {
        match self {
            Self::Verified => Some("verified_on_target"),
            Self::Healthz => Some("healthz_ok"),
            Self::Image => Some("running_image"),
            Self::Error => Some("error"),
            Self::Status => Some("ssm_status"),
            Self::ExitCode => Some("ssm_exit_code"),
            Self::Extra(_) => None,
        }
    }

    /// The types of values that its filter may give.
    pub(crate) fn types(&self) -> Types {
        let types = match self {
            Self::Verified | Self::Healthz => Types::BOOLEAN,
            Self::Image | Self::Error | Self::Status => Types::STRING,
            Self::ExitCode => Types::NUMBER,
            Self::Extra(_) => Types::STRING.or(Types::NUMBER).or(Types::BOOLEAN),
        };
        types.or(Types::NULL)
    }
}

impl RowMapping {
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.items
            .skip
            .iter()
            .map(|(skip, _)| skip)
            .chain([&self.slug])
            .chain(self.fields.iter().map(|(_, filter)| filter))
    }
}

impl FleetMapping {
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.items.skip.iter().map(|(skip, _)| skip).chain([&self.slug]).chain(&self.labels)
    }
}

impl Mapping {
    /// Loads the bundled mapping of that name, else the file.
    ///
    /// # Errors
    /// [`Error::Usage`] with file, line and column, where there is none or it cannot be used.
    pub fn load(name_or_file: &Path) -> Result<Arc<Self>, Error> {
        let name = name_or_file.to_string_lossy();
        if let Some(text) = bundled::text(&name) {
            return Self::parse(&name, text).map(Arc::new);
        }
        let is_file_name = name.contains(['/', '.']) || name_or_file.exists();
        if !is_file_name {
            let help = match nearest(&name.to_lowercase(), bundled::names()) {
                Some(near) => format!("did you mean {near:?}? a file's name has a dot or a slash in it"),
                None => {
                    "`rollproof mapping list` names the bundled ones; a file's name has a dot or a slash in it".into()
                }
            };
            return Err(Error::usage(format!("there is no bundled mapping {name:?}"), help));
        }
        let unreadable =
            |error: std::io::Error| Error::usage(format!("cannot read the mapping {name}: {error}"), remedy(&error));
        let input = Source::File(PathBuf::from(name_or_file)).raw(MAX_WRITTEN).map_err(unreadable)?;
        let text = hand_written(&input.bytes)
            .map_err(|fault| Error::usage(format!("{name}: {}", fault.sentence()), fault.help.unwrap_or_default()))?;
        Self::parse(&name, text).map(Arc::new)
    }

    /// Whether a name is that of a bundled mapping.
    pub fn is_bundled(name: &Path) -> bool {
        name.to_str().is_some_and(|name| bundled::text(name).is_some())
    }

    /// A mapping from the text of its file.
    ///
    /// # Errors
    /// [`Error::Usage`] with file, line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let file: MappingFile = toml::from_str(text).map_err(|error| {
            let near = meant(error.message());
            let help = near.map_or_else(|| MAPPING_HELP.into(), |near| format!("did you mean {near:?}?"));
            Error::usage(format!("{name}: {}", error.to_string().trim_end()), help)
        })?;
        Loader { name, text, has_index: file.index.is_some() }.mapping(file)
    }

    /// The entry of its file among the inputs of a document.
    pub fn input_file(&self, role: Role) -> InputFile {
        InputFile { role, name: self.name.clone(), bytes: self.text.len() as u64, sha256: self.sha256.clone() }
    }

    /// Why items are skipped; none where the part skips no items.
    pub(crate) fn skip_reason(&self, part: Part) -> Option<&Text> {
        let items = match part {
            Part::Rows => self.row.as_ref().map(|row| &row.items),
            Part::Fleet => self.fleet.as_ref().map(|fleet| &fleet.items),
        };
        items?.skip.as_ref().map(|(_, reason)| reason)
    }

    /// Its filters for a part, with that of the index where they use it.
    pub(crate) fn filters(&self, part: Part) -> Vec<&Filter> {
        self.filters_without_index(part).into_iter().chain(self.index(part)).collect()
    }

    /// The filter of the index; none where the filters for a part do not use it.
    pub(crate) fn index(&self, part: Part) -> Option<&Filter> {
        self.index
            .as_ref()
            .filter(|_| self.filters_without_index(part).iter().any(|filter| filter.names_variable(INDEX_VARIABLE)))
    }

    /// The values of those variables that its filters may name.
    pub(crate) fn visible<'v>(&self, values: &'v [Value; VARIABLES.len()]) -> &'v [Value] {
        &values[..variables(self.index.is_some()).len()]
    }

    fn filters_without_index(&self, part: Part) -> Vec<&Filter> {
        match part {
            Part::Rows => self.row.iter().flat_map(RowMapping::filters).collect(),
            Part::Fleet => self.fleet.iter().flat_map(FleetMapping::filters).collect(),
        }
    }

    /// Whether it has a part.
    pub(crate) const fn has_part(&self, part: Part) -> bool {
        match part {
            Part::Rows => self.row.is_some(),
            Part::Fleet => self.fleet.is_some(),
        }
    }

    /// What a document records of it; none where it reads no rows.
    pub fn used(&self) -> Option<UsedMapping> {
        let row = self.row.as_ref()?;
        let fields: BTreeSet<&str> = row.fields.iter().filter_map(|(field, _)| field.row_key()).collect();
        Some(UsedMapping {
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            proof: row.proof,
            fields: fields.into_iter().map(Text::from).collect(),
        })
    }
}

/// A mapping's file while it is checked.
struct Loader<'a> {
    name: &'a str,
    text: &'a str,
    has_index: bool,
}

impl Loader<'_> {
    fn mapping(&self, file: MappingFile) -> Result<Mapping, Error> {
        if file.format.get_ref() != FORMAT {
            let problem = format!("format: found {:?}, but only {FORMAT:?} is read", file.format.get_ref());
            return Err(self.error(file.format.span().start, &problem, MAPPING_HELP));
        }
        if let (None, Some(stray)) = (&file.row, file.items.as_ref().or(file.skip.as_ref())) {
            let problem = "found items or skip, but no [row] that they are for";
            return Err(self.error(stray.span().start, problem, "say in [row] how an item is read"));
        }
        if file.row.is_none() && file.fleet.is_none() {
            return Err(self.error(
                0,
                "found neither [row] nor [fleet]",
                "say in [row] or [fleet] how an item is read",
            ));
        }
        let fleet = file.fleet.as_ref().map(|fleet| self.fleet(fleet)).transpose()?;
        let row = file.row.as_ref().map(|row| self.row(&file, row)).transpose()?;
        let mapping = Mapping {
            name: Text::from(self.name),
            title: file.title,
            text: self.text.to_owned(),
            sha256: Text::from(sha256(self.text.as_bytes())),
            input: file.input,
            index: file.index.as_ref().map(|index| self.index(index)).transpose()?,
            row,
            fleet,
        };
        let is_looked_up = [Part::Rows, Part::Fleet].into_iter().any(|part| mapping.index(part).is_some());
        match &file.index {
            Some(index) if !is_looked_up => {
                let help = "look something up in it, such as $index[.name], or leave it out";
                Err(self.error(index.span().start, "found index, but no filter names $index", help))
            }
            _ => Ok(mapping),
        }
    }

    fn index(&self, text: &Spanned<String>) -> Result<Filter, Error> {
        Filter::compile(text.get_ref(), &INDEX_VARIABLES).map_err(|fault| self.fault("index", text, &fault))
    }

    fn row(&self, file: &MappingFile, table: &Spanned<RowFilters>) -> Result<RowMapping, Error> {
        let row = table.get_ref();
        let Some(items) = &file.items else {
            let help = "add items, such as items = \".[]\", above the first table";
            return Err(self.error(table.span().start, "found [row], but no items that it is for", help));
        };
        let proof = match (&file.proof, &row.verified_on_target) {
            (None, Some(_)) => MappingProof::Target,
            (Some(_), None) => MappingProof::Status,
            (None, None) => {
                let help = "say in verified_on_target what shows that the target runs; where nothing does, say \
                            proof = \"status\" above the first table, and tenants are at most assumed";
                return Err(self.error(table.span().start, "[row] has no verified_on_target", help));
            }
            (Some(proof), Some(_)) => {
                let help = "leave proof out: verified_on_target is the proof";
                return Err(self.error(proof.span().start, "found proof = \"status\" beside verified_on_target", help));
            }
        };
        if proof == MappingProof::Status && row.status.is_none() && row.exit_code.is_none() {
            let help = "give one of them: it is the only proof there is";
            let problem = "found proof = \"status\", but neither status nor exit_code";
            return Err(self.error(table.span().start, problem, help));
        }
        let known = [
            (RowField::Verified, &row.verified_on_target),
            (RowField::Healthz, &row.healthz_ok),
            (RowField::Image, &row.running_image),
            (RowField::Error, &row.error),
            (RowField::Status, &row.status),
            (RowField::ExitCode, &row.exit_code),
        ];
        let known = known.into_iter().filter_map(|(field, filter)| Some((field, filter.as_ref()?)));
        let extra = row.extra.iter().map(|(name, filter)| (RowField::Extra(Text::from(&**name)), filter));
        let mut fields = Vec::new();
        for (field, filter) in known.chain(extra) {
            let table = if matches!(field, RowField::Extra(_)) { "[row.extra]" } else { "[row]" };
            if matches!(field, RowField::Extra(_)) && ROW_FIELDS.contains(&field.key()) {
                let problem = format!("[row.extra] {}: a row has a field of this name", field.key());
                return Err(self.error(filter.span().start, &problem, "use another name"));
            }
            let compiled = self.filter(&format!("{table} {}", field.key()), filter, field.types())?;
            fields.push((field, compiled));
        }
        Ok(RowMapping {
            items: self.items("", items, file.skip.as_ref(), file.skip_reason.as_ref())?,
            slug: self.filter("[row] slug", &row.slug, Types::STRING)?,
            fields,
            proof,
        })
    }

    fn fleet(&self, fleet: &FleetFilters) -> Result<FleetMapping, Error> {
        let labels =
            fleet.labels.as_ref().map(|labels| self.filter("[fleet] labels", labels, Types::OBJECT.or(Types::NULL)));
        Ok(FleetMapping {
            items: self.items("[fleet] ", &fleet.items, fleet.skip.as_ref(), fleet.skip_reason.as_ref())?,
            slug: self.filter("[fleet] slug", &fleet.slug, Types::STRING)?,
            labels: labels.transpose()?,
        })
    }

    fn items(
        &self,
        table: &str,
        items: &Spanned<String>,
        skip: Option<&Spanned<String>>,
        reason: Option<&Spanned<String>>,
    ) -> Result<Items, Error> {
        let paths =
            items::parse(items.get_ref()).map_err(|fault| self.fault(&format!("{table}items"), items, &fault))?;
        let skip = match (skip, reason) {
            (None, None) => None,
            (Some(skip), Some(reason)) if !reason.get_ref().trim().is_empty() => {
                let filter = self.filter(&format!("{table}skip"), skip, Types::BOOLEAN)?;
                Some((filter, Text::from(reason.get_ref().trim())))
            }
            (Some(skip), _) => {
                let help = "add skip_reason: every item that is skipped is named in the report, with the reason";
                return Err(self.error(skip.span().start, &format!("{table}skip has no skip_reason"), help));
            }
            (None, Some(reason)) => {
                let problem = format!("{table}skip_reason is there, but no skip");
                return Err(self.error(
                    reason.span().start,
                    &problem,
                    "say in skip which items are no tenants, or leave it out",
                ));
            }
        };
        Ok(Items { paths, skip })
    }

    fn filter(&self, key: &str, text: &Spanned<String>, allowed: Types) -> Result<Filter, Error> {
        let filter = Filter::compile(text.get_ref(), variables(self.has_index)).map_err(|mut fault| {
            if !self.has_index && text.get_ref()[fault.at..].starts_with(INDEX_VARIABLE) {
                fault.help = "say in index, above the first table, what is made once of the whole input".into();
            }
            self.fault(key, text, &fault)
        })?;
        if filter.types().is_apart(allowed) {
            let problem = format!("the filter gives {}, but only {allowed} fits", filter.types());
            let help = "write a filter that gives such a value: a comparison gives a boolean, a path what stands there";
            return Err(self.fault(key, text, &FilterFault::new(0, problem, help)));
        }
        Ok(filter)
    }

    /// The error for a fault of a filter, with its place in the file.
    fn fault(&self, key: &str, text: &Spanned<String>, fault: &FilterFault) -> Error {
        let (at, is_exact) = self.offset(&text.span(), text.get_ref(), fault.at);
        let problem = if is_exact {
            format!("{key}: {}", fault.problem)
        } else {
            let (line, column) = fault.place(text.get_ref());
            format!("{key}: {} (line {line}, column {column} of the filter)", fault.problem)
        };
        self.error(at, &problem, &fault.help)
    }

    /// Where a byte of a string's value stands in the file, and whether that is exact: escapes move what follows them.
    fn offset(&self, span: &Range<usize>, value: &str, at: usize) -> (usize, bool) {
        let raw = &self.text[span.clone()];
        let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        // A newline right after the quotes is not part of the value.
        let newline =
            raw[quotes..].strip_prefix("\r\n").map_or_else(|| usize::from(raw[quotes..].starts_with('\n')), |_| 2);
        let start = quotes + if quotes == 3 { newline } else { 0 };
        let is_plain = raw.get(start..start + value.len()) == Some(value);
        if is_plain { (span.start + start + at, true) } else { (span.start, false) }
    }

    fn error(&self, at: usize, problem: &str, help: &str) -> Error {
        let (line, column) = place(self.text, at.min(self.text.len()));
        Error::usage(format!("{}: line {line}, column {column}: {problem}", self.name), help)
    }
}
