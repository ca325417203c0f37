//! Which rule uses which: none uses itself, and no chain is so long that the engine would run out of stack.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::program::{DataPath, Program, Report};

/// How long a chain of rules that use each other may be.
const MAX_CHAIN: usize = 64;

/// Checks the calls of every module.
pub fn check(program: &Program<'_>, report: &mut Report) {
    let graph = Graph::new(program);
    let mut reported = BTreeSet::new();
    let in_cycles = graph.in_cycles();
    for (name, symbol) in program.rules.iter().filter(|(name, _)| in_cycles.contains(&***name)) {
        let Some((m, r)) = symbol.definitions.iter().find(|(m, _)| *m >= program.trusted) else { continue };
        let (module, place) = (&program.modules[*m], program.modules[*m].rules[*r].place);
        if let Some(cycle) = graph.cycle(name) {
            let mut members = cycle.clone();
            members.sort();
            if reported.insert(members) {
                let mut shown: Vec<&str> = cycle.iter().map(String::as_str).collect();
                shown.push(name);
                let what = format!("{name} uses itself: {}", shown.join(" > "));
                report.add(module, place, what, "Rego has no recursion; walk a collection instead");
            }
        }
    }
    if !reported.is_empty() {
        return;
    }
    let mut lengths = BTreeMap::new();
    for (name, symbol) in &program.rules {
        if graph.length(name, &mut lengths) == MAX_CHAIN + 1
            && let Some((m, r)) = symbol.definitions.iter().find(|(m, _)| *m >= program.trusted)
        {
            let (module, place) = (&program.modules[*m], program.modules[*m].rules[*r].place);
            let what = format!("{name} uses a chain of more than {MAX_CHAIN} rules");
            report.add(module, place, what, "shorten it");
        }
    }
}

/// The rules that are checked, and those that they use.
pub fn used(program: &Program<'_>) -> BTreeSet<String> {
    let graph = Graph::new(program);
    let is_checked = |(m, _): &(usize, usize)| *m >= program.trusted;
    let checked = program.rules.iter().filter(|(_, symbol)| symbol.definitions.iter().any(is_checked));
    let mut next: Vec<&str> = checked.map(|(name, _)| &**name).collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = next.pop() {
        if used.insert(name.to_owned()) {
            next.extend(graph.0.get(name).into_iter().flatten().map(|name| &**name));
        }
    }
    used
}

struct Graph<'a>(BTreeMap<&'a str, BTreeSet<String>>);

impl<'a> Graph<'a> {
    fn new(program: &'a Program<'_>) -> Self {
        let mut edges = BTreeMap::new();
        for (name, symbol) in &program.rules {
            let mut to = BTreeSet::new();
            for (module, rule) in program.definitions(symbol) {
                for path in rule.references() {
                    let absolute = program.resolve(module, &path).filter(|absolute| !absolute.input);
                    let Some(absolute) = absolute else { continue };
                    match program.find(&absolute.steps) {
                        DataPath::Rule(other, _) => {
                            to.insert(other);
                        }
                        DataPath::Package => {
                            let steps: Vec<&str> = absolute.steps.iter().map(|(step, _)| *step).collect();
                            let above = format!("{}.", steps.join("."));
                            let all = program.rules.keys().filter(|rule| steps.is_empty() || rule.starts_with(&above));
                            to.extend(all.cloned());
                        }
                        _ => {}
                    }
                }
            }
            edges.insert(&**name, to);
        }
        Self(edges)
    }

    /// The rules that are on a cycle or lead to one: what is left when those that use none are taken away, again and
    /// again.
    fn in_cycles(&self) -> BTreeSet<&str> {
        let (mut users, mut left) = (BTreeMap::<&str, Vec<&str>>::new(), BTreeMap::new());
        for (name, to) in &self.0 {
            let known = to.iter().filter(|to| self.0.contains_key(&***to));
            left.insert(*name, known.clone().count());
            known.for_each(|to| users.entry(to).or_default().push(name));
        }
        let mut using_none: Vec<&str> = left.iter().filter(|(_, many)| **many == 0).map(|(name, _)| *name).collect();
        while let Some(name) = using_none.pop() {
            left.remove(name);
            for user in users.get(name).into_iter().flatten() {
                if let Some(many) = left.get_mut(user) {
                    *many -= 1;
                    if *many == 0 {
                        using_none.push(user);
                    }
                }
            }
        }
        left.into_keys().collect()
    }

    /// The rules that lead from one back to it, without a deep stack of our own.
    fn cycle(&self, name: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = vec![name];
        while let Some(at) = next.pop() {
            for to in self.0.get(at).into_iter().flatten() {
                if to == name {
                    let mut back = vec![at.to_owned()];
                    let mut step = at;
                    while step != name {
                        step = came_from.get(step)?;
                        back.push(step.to_owned());
                    }
                    back.reverse();
                    return Some(back);
                }
                if !came_from.contains_key(&**to) {
                    came_from.insert(to, at);
                    next.push(to);
                }
            }
        }
        None
    }

    /// How many rules the longest chain from one has, counted up to a little over what is allowed.
    fn length<'n>(&'n self, name: &'n str, known: &mut BTreeMap<&'n str, usize>) -> usize {
        self.length_within(name, known, MAX_CHAIN + 2)
    }

    fn length_within<'n>(&'n self, name: &'n str, known: &mut BTreeMap<&'n str, usize>, left: usize) -> usize {
        if let Some(length) = known.get(name) {
            return *length;
        }
        if left == 0 {
            return 0;
        }
        let longest = self.0.get(name).into_iter().flatten().map(|to| self.length_within(to, known, left - 1)).max();
        let length = 1 + longest.unwrap_or_default();
        if left > length {
            known.insert(name, length);
        }
        length
    }
}
