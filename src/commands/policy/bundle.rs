//! `rollproof policy bundle`: all policies in one archive that the real `opa` and `conftest` run.
//!
//! The same policies and parameters give the same bytes: files are sorted, and nobody's clock or name is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::cli::evaluation::PreviousArgs;
use crate::cli::policy;
use crate::commands::policy::shared::{MAX_FACTS, prepared};
use crate::declared::names::is_ours;
use crate::error::Error;
use crate::evaluation::previous;
use crate::io::config::Config;
use crate::io::output;
use crate::model::document::TOOL;
use crate::policy::prepared::Prepared;
use crate::schema::published::Name;
use crate::text::digest::sha256;
use crate::text::escape::line;

/// The package in which conftest looks.
const CONFTEST: &str = "main";

/// Writes the bundle.
///
/// # Errors
/// [`Error`], where policies cannot be loaded or the file cannot be written.
pub fn bundle(options: &policy::PolicyBundle) -> Result<u8, Error> {
    let PreviousArgs { previous, retired } = &options.previous;
    let previous =
        previous.as_deref().map(|path| previous::read(Some(path), retired.as_deref(), MAX_FACTS)).transpose()?;
    let config = Config::read(options.own.config.as_deref())?;
    let policies = prepared(&options.own, &config, &options.params, Some(&options.facts), previous)?;
    let files = files(&policies)?;
    output::replace(&options.out, |out| archive(&files, out))?;
    let shown = options.out.display();
    let names: Vec<&str> = policies.packages().iter().map(|package| &*package.name).collect();
    output::print(|out| {
        line!(out, "wrote  {shown}: {}", names.join(", "))?;
        line!(out, "try    opa eval --bundle {shown} --input document.json data.main.findings")
    })
    .map(|()| 0)
}

/// The files of the bundle, by path.
fn files(policies: &Prepared) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::new();
    let mut roots = BTreeSet::from([CONFTEST.to_owned(), "rollproof".to_owned()]);
    for (package, module) in policies.modules() {
        if format!("{package}.").starts_with(&format!("{CONFTEST}.")) {
            let problem = format!("{}: the package {package} is written into the bundle for conftest", module.file);
            return Err(Error::usage(problem, "give it another name, or leave it out of the bundle"));
        }
        if !is_ours(&package) {
            roots.insert(package.replace('.', "/"));
        }
        let name = module.file.rsplit(['/', '\\']).next().unwrap_or("policy.rego");
        let folder = format!("policies/{}", package.replace('.', "/"));
        // Files of a package from several folders may have one name.
        let mut paths = (1..).map(|n| if n == 1 { format!("{folder}/{name}") } else { format!("{folder}/{n}-{name}") });
        if let Some(path) = paths.find(|path| !files.contains_key(path)) {
            files.insert(path, module.text);
        }
    }
    files.insert("policies/main/main.rego".into(), adapter(policies));
    files.insert("schemas/document.schema.json".into(), Name::Document.text().to_owned());
    let data = policies.data()?;
    if let Some(file) = policies.data_files().iter().find(|file| file.mounted.contains_key(CONFTEST)) {
        let problem = format!("{}: data.{CONFTEST} is where conftest finds what all policies say", file.file);
        return Err(Error::usage(problem, "give it another key, or move the file to a folder of another name"));
    }
    // Everything that the bundle brings lies below one of its roots: the facts too, where some are given.
    roots.extend(data.as_object().into_iter().flat_map(serde_json::Map::keys).cloned());
    files.insert("data.json".into(), pretty(&data));
    let revision =
        sha256(files.iter().map(|(path, text)| format!("{path}\0{}\0{text}", text.len())).collect::<String>());
    let roots: Vec<&String> = roots.iter().filter(|root| !is_below_another(root, &roots)).collect();
    let manifest = json!({"revision": revision, "roots": roots, "rego_version": 1, "metadata": {"tool": TOOL, "policies": policies.basis().digest}});
    files.insert(".manifest".into(), pretty(&manifest));
    Ok(files)
}

/// Roots of a bundle may not lie in one another.
fn is_below_another(root: &str, roots: &BTreeSet<String>) -> bool {
    roots.iter().any(|other| root.starts_with(&format!("{other}/")))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// A package in which every finding stands with what it lacks for conftest: a key `msg`, and one of its two severities.
fn adapter(policies: &Prepared) -> String {
    let mut text = format!(
        "# Every finding of every policy, as conftest asks for it. What cannot decide fails there: it knows no third way.
package {CONFTEST}

deny contains finding if {{
	some finding in findings
	finding.severity in {{\"deny\", \"inconclusive\"}}
}}

warn contains finding if {{
	some finding in findings
	finding.severity in {{\"warn\", \"note\"}}
}}

findings contains finding if {{
	some said in all_said
	not is_string(said.finding)
	finding := object.union(said.finding, {{\"policy\": said.policy, \"severity\": said.severity, \"msg\": said.finding.message}})
}}

findings contains finding if {{
	some said in all_said
	is_string(said.finding)
	code := sprintf(\"%s.%s\", [said.policy, said.severity])
	about := {{\"policy\": said.policy, \"severity\": said.severity, \"msg\": said.finding}}
	finding := object.union(about, {{\"code\": code, \"message\": said.finding}})
}}
"
    );
    for package in policies.packages() {
        for rule in package.rules().filter(|rule| *rule != "halt") {
            let name = &package.name;
            text += &format!(
                "
all_said contains said if {{
	some finding in data.{name}.{rule}
	said := {{\"policy\": \"{name}\", \"severity\": \"{rule}\", \"finding\": finding}}
}}
"
            );
        }
    }
    text
}

fn archive(files: &BTreeMap<String, String>, out: &mut dyn Write) -> io::Result<()> {
    // 255: an unknown operating system, whichever it is.
    let compressed = GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::best());
    let mut archive = tar::Builder::new(compressed);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len().try_into().map_err(io::Error::other)?);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}
