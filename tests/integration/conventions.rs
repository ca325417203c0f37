//! What holds the tree together: one name in every place, and nothing forgotten.

mod layers;
mod signatures;

use std::collections::BTreeSet;

use crate::support::{folders, rollproof, root, run};

fn names(folder: &str) -> BTreeSet<String> {
    let name = |path: &std::path::PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    folders(&root().join(folder)).iter().map(name).collect()
}

#[test]
fn a_policys_name_is_its_folder_its_file_its_package_its_codes_and_its_fixtures() {
    let policies: BTreeSet<String> = names("policies/rollproof").into_iter().filter(|name| name != "lib").collect();
    let of_rollouts = rollproof::internal::Policies::bundled().expect("they load");
    let of_audits = rollproof::internal::Policies::of_audits().expect("they load");
    let loaded = || of_rollouts.packages().iter().chain(of_audits.packages());
    let packages = loaded().map(|package| package.name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(packages, policies.iter().map(|name| format!("rollproof.{name}")).collect());
    for package in loaded() {
        let name = package.name.trim_start_matches("rollproof.");
        for file in [format!("{name}.rego"), format!("{name}_test.rego"), "README.md".into()] {
            let path = root().join("policies/rollproof").join(name).join(file);
            assert!(path.is_file(), "{} is missing", path.display());
        }
        let readme =
            std::fs::read_to_string(root().join(format!("policies/rollproof/{name}/README.md"))).expect("text");
        for (severity, codes) in package.codes() {
            assert!(!codes.is_empty(), "a rule {} of {name} declares no code", severity.name());
            for code in codes {
                assert!(code.starts_with(&format!("{name}.")), "{code} is not of {name}");
                assert!(readme.contains(&**code), "{code} is not in the README of {name}");
            }
        }
    }
    let fixtures = names("fixtures");
    let others = BTreeSet::from(["examples", "healthy", "invalid"].map(str::to_owned));
    assert_eq!(fixtures, policies.union(&others).cloned().collect());
}

#[test]
fn an_example_is_written_down_tested_and_shown() {
    let examples = names("policies/examples");
    assert_eq!(examples.len(), 9);
    assert_eq!(names("fixtures/examples"), examples);
    let page = std::fs::read_to_string(root().join("docs/policies.md")).expect("text");
    for name in examples {
        let folder = root().join("policies/examples").join(&name);
        let text = std::fs::read_to_string(folder.join(format!("{name}.rego"))).expect("text");
        assert!(text.contains(&format!("\npackage examples.{name}\n")), "{name} has a package of its own");
        assert!(folder.join(format!("{name}_test.rego")).is_file(), "{name} has tests");
        let fixtures = format!("fixtures/examples/{name}");
        let args = ["policy", "test", &*format!("policies/examples/{name}"), "--fixtures", &*fixtures];
        let ran = run(rollproof().args(args).current_dir(root()));
        assert_eq!(ran.code, 0, "{name} passes by the tester that is shipped: {}{}", ran.stdout, ran.stderr);
        let link = format!("(../policies/examples/{name}/{name}.rego)");
        assert!(page.contains(&link), "{name} is not in docs/policies.md");
    }
    let bundled = rollproof::internal::Policies::bundled().expect("they load");
    assert!(bundled.packages().iter().all(|package| package.name.starts_with("rollproof.")));
}

#[test]
fn the_root_holds_no_configuration() {
    assert!(!root().join("rollproof.toml").exists());
}

/// Every file below `src/`, with its text.
fn sources() -> Vec<(String, String)> {
    let (mut sources, mut stack) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                sources.push((path.strip_prefix(root()).expect("it is below").to_string_lossy().into_owned(), text));
            }
        }
    }
    sources
}

#[test]
fn only_the_engine_names_the_engine() {
    let naming = sources().into_iter().filter(|(_, text)| text.contains("regorus::")).map(|(path, _)| path);
    let naming: Vec<String> = naming.filter(|path| !path.starts_with("src/rego/engine/")).collect();
    assert_eq!(naming, ["src/rego/engine.rs"]);
}

/// Whatever is printed goes through `text::escape`, which knows what each reader obeys.
#[test]
fn only_renderers_write_text_themselves() {
    let writes =
        ["println!(", "print!(", "eprint!(", "dbg!(", "writeln!(out, ", "writeln!(self.out, ", "io::stderr().lock"];
    let renderers = ["src/render/", "src/audit/render/", "src/explain/text.rs"];
    let writing = sources().into_iter().filter(|(path, text)| {
        !renderers.iter().any(|renderer| path.starts_with(renderer)) && writes.iter().any(|write| text.contains(write))
    });
    assert_eq!(writing.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<String>::new());
}

/// Comments are sentences, and help texts are comments: one that begins with the name of a type is left over from a
/// renaming.
#[test]
fn no_comment_begins_with_the_name_of_a_type() {
    let sources = sources();
    let kinds = ["struct ", "enum ", "trait ", "type "];
    let name = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        // A single word may begin a sentence.
        (name.chars().filter(char::is_ascii_uppercase).count() > 1).then_some(name)
    };
    let types: BTreeSet<String> = sources.iter().flat_map(|(_, text)| text.lines().filter_map(name)).collect();
    assert!(types.len() > 100, "{types:?}");
    let begins = |line: &&str| {
        let text = line.trim_start();
        let Some(text) = text.strip_prefix("//") else { return false };
        let first = text.trim_start_matches(['/', '!']).trim_start().split(' ').next().unwrap_or_default();
        types.contains(first)
    };
    let wrong = sources.iter().flat_map(|(path, text)| text.lines().filter(begins).map(move |line| (path, line)));
    assert_eq!(wrong.collect::<Vec<_>>(), []);
}
