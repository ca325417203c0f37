//! `audit --parquet`: one row a tenant and rollout, for query engines. docs/at-scale.md is the word on the columns.
//!
//! The rows are the same facts that the audit is folded from, in the same order, and beside them the evidence, for which
//! archives are read once more: months of it are never held. Nothing is decided here. Nothing is seen in the folder
//! before all of it is written.

pub(crate) mod columns;

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

use crate::audit::archive::Archive;
use crate::audit::parquet::columns::{Columns, Numbered, schema};
use crate::audit::table_source::TableSource;
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout};
use crate::collect::collected::Collected;
use crate::error::Error;
use crate::io::output;
use crate::model::document::text::Text;
use crate::model::document::{Document, Row};

/// How many rows are held before they are written: what bounds memory where a day has many.
const ROWS: usize = 1 << 18;

/// A folder that nothing is in yet.
pub struct Tables(PathBuf);

impl Tables {
    /// Looks whether the folder is new or empty: what somebody wrote there before is neither replaced nor mixed with.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is not.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let problem = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => return Ok(Self(folder.to_owned())),
            Ok(false) => "is not empty".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self(folder.to_owned())),
            Err(error) => format!("cannot be used: {error}"),
        };
        Err(Error::usage(format!("--parquet: {} {problem}", folder.display()), "name a folder that is new or empty"))
    }

    /// Writes a file a day.
    ///
    /// # Errors
    /// [`Error::Output`], also where an archive is not what it was when it was judged; nothing is left behind then.
    pub fn write(self, found: &TableSource<'_>) -> Result<(), Error> {
        let Self(folder) = self;
        let write = || -> io::Result<()> {
            // A folder that is there may be a volume of its own, to which nothing can be moved from outside.
            let there = folder.is_dir();
            let beside = if there { &*folder } else { output::folder_of(&folder) };
            fs::create_dir_all(beside)?;
            // One inside the other: the outer is for this user's eyes alone, the inner is as every new folder is.
            let outer = tempfile::Builder::new().prefix(".rollproof-").tempdir_in(beside)?;
            let inner = outer.path().join("tables");
            fs::create_dir(&inner)?;
            Rows::new(found).write(&inner)?;
            if !there {
                return fs::rename(&inner, &folder);
            }
            for day in fs::read_dir(&inner)? {
                let day = day?;
                fs::rename(day.path(), folder.join(day.file_name()))?;
            }
            Ok(())
        };
        write().map_err(|source| Error::Output { path: folder.clone(), source })
    }
}

/// What rows are made of.
struct Rows<'a> {
    evaluator: &'a ArchiveEvaluator<'a>,
    evaluated: &'a [EvaluatedRollout],
    /// By name.
    archives: HashMap<&'a str, &'a Archive>,
    /// By group and control plane, then by name.
    tenants: HashMap<(Option<&'a Text>, Option<&'a Text>), Vec<Numbered<'a>>>,
    schema: Arc<Schema>,
}

impl<'a> Rows<'a> {
    fn new(found: &TableSource<'a>) -> Self {
        let numbers: HashMap<_, _> = found.names.iter().enumerate().map(|(number, name)| (name, number)).collect();
        let mut tenants: HashMap<_, Vec<_>> = HashMap::new();
        for tenant in found.tenants {
            if let Some(number) = numbers.get(&tenant.tenant) {
                tenants
                    .entry((tenant.group.as_ref(), tenant.control_plane.as_ref()))
                    .or_default()
                    .push(Numbered { number: *number, tenant });
            }
        }
        Self {
            evaluator: found.evaluator,
            evaluated: found.evaluated,
            archives: found.archives.iter().map(|archive| (&*archive.name, archive)).collect(),
            tenants,
            schema: schema(),
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        // Every rollout here has a time.
        let day = |i: &usize| TimeZone::UTC.to_datetime(self.evaluated[*i].at.unwrap_or_default()).date();
        let rollouts: Vec<usize> = (0..self.evaluated.len()).collect();
        let days: Vec<&[usize]> = rollouts.chunk_by(|a, b| day(a) == day(b)).collect();
        days.into_par_iter().try_for_each(|rollouts| match rollouts.first() {
            Some(first) => self.day(folder, day(first), rollouts),
            None => Ok(()),
        })
    }

    /// Writes a day's file, unless nothing is to be said of that day.
    fn day(&self, folder: &Path, day: Date, rollouts: &[usize]) -> io::Result<()> {
        let mut batches = rollouts
            .iter()
            .map(|i| self.rollout(*i))
            .filter(|batch| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0));
        let Some(first) = batches.next() else { return Ok(()) };
        let folder = folder.join(format!("day={day}"));
        fs::create_dir(&folder)?;
        let file = BufWriter::new(fs::File::create_new(folder.join("part-0.parquet"))?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROWS))
            .build();
        // Arrow's own schema would say no more than Parquet's.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(file, Arc::clone(&self.schema), options)?;
        for batch in std::iter::once(first).chain(batches) {
            writer.write(&batch?)?;
        }
        writer.into_inner()?.into_inner()?.sync_all()
    }

    /// The rows of a rollout, by tenant; none where it asserts nothing.
    fn rollout(&self, i: usize) -> io::Result<RecordBatch> {
        let evaluated = &self.evaluated[i];
        let group = (evaluated.published.group.as_ref(), evaluated.published.control_plane.as_ref());
        let mut columns = Columns::default();
        if !evaluated.cells.is_empty() {
            let document = self.read(evaluated)?;
            let mut counting: HashMap<&Text, &Row> = HashMap::new();
            for (cohort, row) in document.cohorts.iter().zip(&evaluated.counting).filter(|(cohort, _)| cohort.planned) {
                let row = row.and_then(|row| usize::try_from(row).ok()).and_then(|row| cohort.rows.get(row));
                counting.extend(cohort.tenants.iter().filter_map(|tenant| Some((tenant, row?))));
            }
            for numbered in self.tenants.get(&group).into_iter().flatten() {
                columns.add(evaluated, i, numbered, counting.get(&numbered.tenant.tenant).copied());
            }
        }
        columns.finish(evaluated, &self.schema)
    }

    /// The evidence of a rollout once more.
    fn read(&self, evaluated: &EvaluatedRollout) -> io::Result<Document> {
        let name = &evaluated.published.archive;
        let gone = || io::Error::other(format!("{name} is not what it was when it was judged"));
        let archive = self.archives.get(&**name).ok_or_else(gone)?;
        let Collected { document, inputs } =
            self.evaluator.collect(archive, evaluated.at.unwrap_or_default()).map_err(io::Error::other)?;
        let same = inputs.first().is_some_and(|input| input.sha256 == evaluated.published.sha256)
            && document.cohorts.len() == evaluated.counting.len();
        if same { Ok(document) } else { Err(gone()) }
    }
}
