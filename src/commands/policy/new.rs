//! `rollproof policy new`: a policy to begin with, which passes `policy check`, `policy test` and `opa test` as it stands.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::policy;
use crate::declared::bundled::reserved;
use crate::declared::names::is_ours;
use crate::error::Error;
use crate::io::output;
use crate::rego::syntax::KEYWORDS;
use crate::text::escape::line;

/// What is made: the end of each file's name, and its text.
const FILES: [(&str, &str); 3] = [
    (".rego", include_str!("new/policy.rego")),
    ("_test.rego", include_str!("new/policy_test.rego")),
    ("README.md", include_str!("new/README.md")),
];

/// Makes the folder.
///
/// # Errors
/// [`Error::Usage`] for a bad name or a folder that is there, [`Error::Output`] where it cannot be made.
pub fn new(options: &policy::PolicyNew) -> Result<u8, Error> {
    let package = options.name.trim_start_matches("data.");
    let name = leaf(package)?;
    // One folder a name, as OPA's tools expect it.
    let below: PathBuf = package.split('.').collect();
    let folder = if options.folder == Path::new(".") { below } else { options.folder.join(below) };
    let parent = folder.parent().filter(|parent| options.folder.is_dir() && parent.components().next().is_some());
    if let Err(source) = parent.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::create_dir(&folder)) {
        return Err(match source.kind() {
            ErrorKind::AlreadyExists => Error::usage(
                format!("{} is there already", folder.display()),
                "nothing was changed; give the policy another name, or --in another folder",
            ),
            ErrorKind::NotFound => Error::usage(
                format!("there is no folder {}", options.folder.display()),
                "make it first, or give --in another one",
            ),
            _ => Error::Output { path: folder, source },
        });
    }
    let shown = folder.display().to_string();
    let mut made = Vec::new();
    for (end, text) in FILES {
        let path = folder.join(if end.starts_with(['.', '_']) { format!("{name}{end}") } else { end.to_owned() });
        let text = text.replace("{package}", package).replace("{name}", name).replace("{folder}", &shown);
        output::replace(&path, |out| out.write_all(text.as_bytes()))?;
        made.push(path);
    }
    output::print(|out| {
        made.iter().try_for_each(|path| line!(out, "made  {}", path.display()))?;
        line!(out, "next  rollproof policy check {shown} && rollproof policy test {shown}")
    })
    .map(|()| 0)
}

/// The last name of a package that a team may have.
fn leaf(package: &str) -> Result<&str, Error> {
    if is_ours(package) {
        return Err(Error::usage(
            format!("the package {package} is below rollproof, which is ours"),
            "give it a name of your own, such as team.gold_health",
        ));
    }
    for name in package.split('.') {
        if !is_name(name) {
            let better = better(package);
            let hint = if better.split('.').all(is_name) { format!("; how about {better}?") } else { String::new() };
            return Err(Error::usage(
                format!("{package:?} is no name of a package"),
                format!("names are lower-case letters, digits and underscores, joined by dots, and no keywords{hint}"),
            ));
        }
    }
    let name = package.rsplit('.').next().unwrap_or(package);
    if name.ends_with("_test") {
        let help =
            format!("files *_test.rego are loaded by policy test alone; {} will do", name.trim_end_matches("_test"));
        return Err(Error::usage(format!("a policy named {name} would never be loaded"), help));
    }
    // A code begins with the policy's name.
    if reserved(&format!("{name}.unhealthy")).is_some() {
        let help = format!("the bundled policies' codes begin with {name}; how about team_{name}?");
        return Err(Error::usage(format!("{name} is the name of a bundled policy"), help));
    }
    Ok(name)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(allowed) && !KEYWORDS.contains(&name)
}

/// A name as like this one as may be.
fn better(package: &str) -> String {
    let lower = package.trim().to_lowercase();
    lower.chars().map(|c| if c == '.' || c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
