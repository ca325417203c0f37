//! Misspells every identifier of the bundled policies by one letter, one at a time, and asks the static checks about each.
//! `mutations.py` runs it, and asks unit tests and fixtures about those that it prints: file, place in bytes, and letter.

#![expect(clippy::print_stdout, reason = "the script reads it")]

use std::collections::BTreeSet;

use rollproof::internal::{Data, Module, bundled, check_files};
use rollproof::{Problems, Subject};

/// Counts what policies hold; without it none is evaluated.
#[global_allocator]
static ALLOCATOR: rollproof::CappedAllocator = rollproof::CappedAllocator;

fn main() {
    let (mut all, mut refused, mut seen) = (0, 0, BTreeSet::new());
    for subject in [Subject::Rollout, Subject::Audit] {
        let modules = bundled(subject);
        // Libraries that help both are misspelt once.
        let new: Vec<bool> = modules.iter().map(|module| seen.insert(module.file.clone())).collect();
        let (identifiers, passed) = misspell(subject, &modules, &new);
        all += identifiers;
        refused += identifiers - passed.len();
        for mutant in passed {
            println!("{mutant}");
        }
    }
    println!("identifiers {all}, refused by the checks {refused}");
}

/// How many identifiers the new ones among the modules have, and the misspellings that nothing here refuses.
fn misspell(subject: Subject, modules: &[Module], new: &[bool]) -> (usize, Vec<String>) {
    // Where something is refused as it stands, each misspelling would be too, and nothing would be shown.
    let problems = check_files(subject, Vec::new(), modules.to_vec(), &Data::default()).expect("they can be read");
    assert!(problems.is_empty(), "{}", Problems(&problems));
    let places = modules.iter().enumerate().filter(|(i, _)| new[*i]);
    let places: Vec<_> =
        places.flat_map(|(i, module)| identifiers(&module.text).into_iter().map(move |at| (i, at))).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let passed = std::thread::scope(|scope| {
        let chunks = places.chunks(places.len().div_ceil(threads).max(1));
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(|| let_pass(subject, modules, chunk))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
    });
    (places.len(), passed)
}

/// The misspellings that nothing here refuses: file, place in bytes, and the letter that stands there.
fn let_pass(subject: Subject, modules: &[Module], places: &[(usize, (usize, &str))]) -> Vec<String> {
    let mut passed = Vec::new();
    for &(i, (at, name)) in places {
        let (middle, letter) = name.char_indices().nth(name.chars().count() / 2).expect("it has a letter");
        let other = if letter == 'z' { 'a' } else { char::from_u32(u32::from(letter) + 1).expect("a letter") };
        let mut mutant = modules.to_vec();
        mutant[i].text.replace_range(at + middle..=at + middle, &other.to_string());
        if check_files(subject, Vec::new(), mutant, &Data::default()).expect("it can be read").is_empty() {
            passed.push(format!("mutant {} {} {other}", modules[i].file, at + middle));
        }
    }
    passed
}

/// The identifiers of a policy, with their places in bytes; no keywords, nothing in comments or strings.
fn identifiers(text: &str) -> Vec<(usize, &str)> {
    const KEYWORDS: [&str; 13] = [
        "package", "import", "if", "contains", "some", "in", "every", "not", "else", "default", "true", "false", "null",
    ];
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            _ if c == '_' || c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let name = &rest[..end];
                if name != "_" && !KEYWORDS.contains(&name) {
                    found.push((at, name));
                }
                end
            }
            _ => c.len_utf8(),
        };
        at += length;
    }
    found
}
