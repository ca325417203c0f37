//! Checks of a filter's text that jaq does not make: names that may not be used, and definitions that call themselves.

use std::collections::BTreeSet;

use jaq_core::load::lex::{Lexer, StrPart};
use jaq_core::load::parse::{BinaryOp, Def, Parser, Pattern, Term};
use jaq_core::load::span;
use jaq_core::path::{Opt, Part, Path};

use super::fault::FilterFault;
use super::natives;

/// How long a filter may be, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 100;

/// Refuses a filter that is too long, or nested too deep, to be parsed.
///
/// # Errors
/// With the limit.
pub(super) fn check_size(text: &str) -> Result<(), FilterFault> {
    if text.len() > MAX_BYTES {
        let problem = format!("found a filter of {} bytes, but only {MAX_BYTES} are allowed", text.len());
        return Err(FilterFault::new(0, problem, "a filter says how to read one field: make it shorter"));
    }
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let problem = format!("found more than {MAX_DEPTH} brackets inside each other");
            return Err(FilterFault::new(at, problem, "make the filter simpler"));
        }
    }
    Ok(())
}

/// The term of a filter that jaq could load; none where the text is more than a term.
pub(super) fn parse(text: &str) -> Option<Term<&str>> {
    Parser::new(&Lexer::new(text).lex().ok()?).parse(Parser::term).ok()
}

/// A walk over a term, and what it found.
pub(super) struct Walk<'a> {
    text: &'a str,
    /// The variables that are named, and the keys of variables that are, such as `$target.sha`. `$target.` is any key.
    pub(super) variables: BTreeSet<String>,
    /// The first thing that is not allowed.
    pub(super) fault: Option<FilterFault>,
    /// The definitions that the walk is inside of, by name and number of arguments.
    open: Vec<(&'a str, usize)>,
}

impl<'a> Walk<'a> {
    /// Walks over the term of a text.
    pub(super) fn new(text: &'a str, term: &Term<&'a str>) -> Self {
        let mut walk = Self { text, variables: BTreeSet::new(), fault: None, open: Vec::new() };
        walk.term(term);
        walk
    }

    fn refuse(&mut self, name: &str, problem: String, help: &str) {
        let at = span(self.text, name).start;
        self.fault.get_or_insert_with(|| FilterFault::new(at, problem, help));
    }

    fn name(&mut self, name: &str) {
        if let Some(reason) = natives::refusal(name) {
            self.refuse(name, format!("found `{name}`, which is not allowed in a filter"), reason);
        }
    }

    fn term(&mut self, term: &Term<&'a str>) {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Arr(None) => {}
            Term::Str(_, parts) => self.parts(parts),
            Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => self.term(term),
            Term::Obj(entries) => {
                for (key, value) in entries {
                    self.term(key);
                    self.each_term(value);
                }
            }
            Term::BinOp(left, op, right) => {
                self.term(left);
                if let BinaryOp::Pipe(Some(pattern)) = op {
                    self.pattern(pattern);
                }
                self.term(right);
            }
            Term::Fold(_, over, pattern, terms) => {
                self.term(over);
                self.pattern(pattern);
                self.each_term(terms);
            }
            Term::TryCatch(body, catch) => {
                self.term(body);
                self.each_term(catch.as_deref());
            }
            Term::IfThenElse(branches, otherwise) => {
                for (condition, then) in branches {
                    self.term(condition);
                    self.term(then);
                }
                self.each_term(otherwise.as_deref());
            }
            Term::Def(defs, body) => {
                for def in defs {
                    self.def(def);
                }
                self.term(body);
            }
            Term::Call(name, args) => self.call(name, args),
            Term::Var(name) => {
                self.name(name);
                self.variables.insert((*name).to_owned());
                // The variable as a whole may lead to any key.
                self.variables.insert(format!("{name}."));
            }
            Term::Path(head, path) => {
                match &**head {
                    Term::Var(name) => self.keys_of_variable(name, &path.0),
                    head => self.term(head),
                }
                self.path(path);
            }
        }
    }

    /// A variable, and the keys that are looked up in it.
    fn keys_of_variable(&mut self, name: &str, path: &[(Part<Term<&'a str>>, Opt)]) {
        self.name(name);
        let mut named = name.to_owned();
        self.variables.insert(named.clone());
        let mut parts = path.iter().map(|(part, _)| part);
        for part in parts.by_ref() {
            let Part::Index(Term::Str(None, key)) = part else {
                // Any key, or a slice of the value.
                if matches!(part, Part::Index(_)) || named == name {
                    self.variables.insert(format!("{named}."));
                }
                return;
            };
            let [StrPart::Str(key)] = &key[..] else {
                self.variables.insert(format!("{named}."));
                return;
            };
            named = format!("{named}.{key}");
            self.variables.insert(named.clone());
        }
    }

    fn each_term<'t>(&mut self, terms: impl IntoIterator<Item = &'t Term<&'a str>>)
    where
        'a: 't,
    {
        for term in terms {
            self.term(term);
        }
    }

    fn call(&mut self, name: &'a str, args: &[Term<&'a str>]) {
        self.name(name);
        if self.open.contains(&(name, args.len())) {
            let problem = format!("found a call of `{name}` inside its own definition");
            self.refuse(name, problem, "a filter that calls itself may never end: use recurse, until or reduce");
        }
        self.each_term(args);
    }

    fn def(&mut self, def: &Def<&'a str>) {
        self.open.push((def.name, def.args.len()));
        self.term(&def.body);
        self.open.pop();
    }

    fn parts(&mut self, parts: &[StrPart<&'a str, Term<&'a str>>]) {
        for part in parts {
            if let StrPart::Term(term) = part {
                self.term(term);
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern<&'a str>) {
        match pattern {
            Pattern::Var(_) => {}
            Pattern::Arr(patterns) => {
                for pattern in patterns {
                    self.pattern(pattern);
                }
            }
            Pattern::Obj(entries) => {
                for (key, pattern) in entries {
                    self.term(key);
                    self.pattern(pattern);
                }
            }
        }
    }

    fn path(&mut self, Path(parts): &Path<Term<&'a str>>) {
        for (part, _) in parts {
            match part {
                Part::Index(term) => self.term(term),
                Part::Range(from, to) => from.iter().chain(to).for_each(|term| self.term(term)),
            }
        }
    }
}
