//! Every import under `src/` points down the list of layers in the header of `src/lib.rs`, and there is no cycle of
//! imports, neither between files nor between folders.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use super::sources;

/// The module of a file, as the names that lead to it: none for `src/lib.rs`.
type Module = Vec<String>;

/// Which modules a module imports from, each with one of the items.
type Imports = BTreeMap<Module, BTreeMap<Module, String>>;

/// The imports of one file.
struct Reader<'a> {
    modules: &'a BTreeSet<Module>,
    module: &'a Module,
    /// How many inline modules are around.
    inline: usize,
    found: Vec<(Module, String)>,
}

impl Reader<'_> {
    /// Notes a path, if it leads to a module of the crate. The longest part of it that names a file is that file.
    fn path(&mut self, names: &[String]) {
        let supers = names.iter().take_while(|name| *name == "super").count();
        let above = supers.saturating_sub(self.inline);
        let base = &self.module[..self.module.len().saturating_sub(above)];
        let (mut at, rest): (Module, &[String]) = match names.first().map(String::as_str) {
            Some("crate" | "rollproof") => (Module::new(), &names[1..]),
            Some("self") => (self.module.clone(), &names[1..]),
            Some("super") => (base.to_vec(), &names[supers..]),
            // A child by its bare name.
            Some(name) if self.is_module(self.module, name) && names.len() > 1 => (self.module.clone(), names),
            _ => return,
        };
        let mut rest = rest.iter();
        let mut item = String::from("itself");
        for name in rest.by_ref() {
            if self.is_module(&at, name) {
                at.push(name.clone());
            } else {
                item.clone_from(name);
                break;
            }
        }
        if at != *self.module {
            self.found.push((at, item));
        }
    }

    fn is_module(&self, parent: &[String], name: &str) -> bool {
        self.modules.contains(&[parent, &[name.to_owned()]].concat())
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => self.path(before),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.path(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }

    /// What a macro is given is not parsed: its paths are read word by word.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.words(&std::mem::take(&mut names));
                    }
                    names.push(name.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.words(&std::mem::take(&mut names));
                    colons = 0;
                    if let proc_macro2::TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.words(&names);
    }

    /// One word alone is no path: it may be the one of `pub(crate)`.
    fn words(&mut self, names: &[String]) {
        if names.len() > 1 {
            self.path(names);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inline += 1;
        syn::visit::visit_item_mod(self, item);
        self.inline -= 1;
    }

    /// `pub(crate)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&names);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        syn::visit::visit_macro(self, item);
    }
}

fn module_of(path: &str) -> Module {
    let names = path.trim_start_matches("src/").trim_end_matches(".rs");
    if names == "lib" { Module::new() } else { names.split('/').map(str::to_owned).collect() }
}

fn file_of(module: &Module) -> String {
    if module.is_empty() { "src/lib.rs".into() } else { format!("src/{}.rs", module.join("/")) }
}

fn imports(files: &[(String, String)]) -> Imports {
    let modules: BTreeSet<Module> = files.iter().map(|(path, _)| module_of(path)).collect();
    let mut imports = Imports::new();
    for (path, text) in files {
        let module = module_of(path);
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reader = Reader { modules: &modules, module: &module, inline: 0, found: Vec::new() };
        reader.visit_file(&parsed);
        let found = reader.found;
        imports.entry(module).or_default().extend(found);
    }
    imports
}

/// The layers, lowest first: the numbered lines of the header of `src/lib.rs`, each with one or more folders.
fn layers(lib: &str) -> Vec<String> {
    let numbered =
        |line: &&str| line.strip_prefix("//! ").is_some_and(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let names = |line: &str| {
        let head = line.split_once(": ").map_or(line, |(head, _)| head).to_owned();
        head.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    lib.lines().filter(numbered).flat_map(names).collect()
}

/// The imports that point up, in words.
fn upward(imports: &Imports, layers: &[String]) -> Vec<String> {
    let rank = |module: &Module| {
        let name = module.first()?;
        layers.iter().position(|layer| layer == name)
    };
    let mut wrong = Vec::new();
    for (module, found) in imports.iter().filter(|(module, _)| !module.is_empty() && *module != &["main"]) {
        let from = file_of(module);
        let Some(own) = rank(module) else {
            wrong.push(format!("{from} is in no layer of the list in src/lib.rs"));
            continue;
        };
        let up = found.iter().filter(|(to, _)| rank(to).is_none_or(|to| to > own));
        wrong.extend(up.map(|(to, item)| format!("{from} imports {item} from {}, which is above it", file_of(to))));
    }
    wrong
}

/// One cycle of a graph, if there is any.
fn cycle(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    fn walk(
        graph: &BTreeMap<Module, BTreeSet<Module>>,
        at: &Module,
        path: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> Option<Vec<Module>> {
        if let Some(begin) = path.iter().position(|module| module == at) {
            return Some(path[begin..].iter().chain([at]).cloned().collect());
        }
        if done.contains(at) {
            return None;
        }
        path.push(at.clone());
        let found = graph.get(at).into_iter().flatten().find_map(|next| walk(graph, next, path, done));
        path.pop();
        done.insert(at.clone());
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| walk(graph, module, &mut Vec::new(), &mut done))
}

/// The cycles between files, and in each folder between what lies in it, in words.
fn cycles(imports: &Imports) -> Vec<String> {
    let item = |from: &Module, to: &Module| {
        let mut found = imports.iter().filter(|(module, _)| module.starts_with(from));
        let found = found.find_map(|(module, found)| {
            let (to, item) = found.iter().find(|(module, _)| module.starts_with(to))?;
            Some(format!("{} imports {item} from {}", file_of(module), file_of(to)))
        });
        found.unwrap_or_default()
    };
    let told = |cycle: Vec<Module>| {
        let steps: Vec<String> = cycle.windows(2).map(|pair| item(&pair[0], &pair[1])).collect();
        format!("a cycle: {}", steps.join("; "))
    };
    let files = imports.iter().map(|(from, found)| (from.clone(), found.keys().cloned().collect())).collect();
    let mut wrong: Vec<String> = cycle(&files).map(told).into_iter().collect();
    let folders: BTreeSet<&[String]> =
        imports.keys().filter_map(|module| module.split_last()).map(|(_, up)| up).collect();
    for folder in folders {
        let entry =
            |module: &Module| (module.starts_with(folder)).then(|| module.get(..=folder.len()).map(<[_]>::to_vec))?;
        let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, found) in imports {
            for to in found.keys() {
                if let (Some(from), Some(to)) = (entry(from), entry(to))
                    && from != to
                {
                    graph.entry(from).or_default().insert(to);
                }
            }
        }
        wrong.extend(cycle(&graph).map(told));
    }
    wrong
}

#[test]
fn every_import_points_down_the_layers_and_none_comes_back() {
    let files = sources();
    let lib = &files.iter().find(|(path, _)| path == "src/lib.rs").expect("it is there").1;
    let imports = imports(&files);
    let wrong = [upward(&imports, &layers(lib)), cycles(&imports)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_that_points_up_and_a_cycle_are_found_in_every_form() {
    let layers = ["low".to_owned(), "high".to_owned()];
    let files = |low: &str, inner: &str| {
        [
            ("src/lib.rs", "mod low; mod high;"),
            ("src/high.rs", "use crate::low::Thing;"),
            ("src/low.rs", low),
            ("src/low/inner.rs", inner),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
    };
    let up = "src/low/inner.rs imports Thing from src/high.rs, which is above it";
    for text in [
        "use crate::{low::Other, high::{self, Thing}};",
        "use super::super::high::Thing;",
        "fn f() { crate::high::Thing::new() }",
        "fn f() { println!(\"{}\", crate::high::Thing) }",
        "mod tests { use super::super::super::high::Thing; }",
        "pub use crate::high::Thing as Other;",
    ] {
        assert!(upward(&imports(&files("", text)), &layers).contains(&up.to_owned()), "{text}");
    }
    assert!(upward(&imports(&files("", "use crate::low::Thing;")), &layers).is_empty());
    assert!(cycles(&imports(&files("mod inner; use inner::Other;", "fn f() {}"))).is_empty());
    for low in ["mod inner; use inner::Other;", "mod inner; pub use self::inner::Other;", "fn f() { inner::Other }"] {
        assert_eq!(cycles(&imports(&files(low, "use super::Thing;"))).len(), 1, "{low}");
    }
}
