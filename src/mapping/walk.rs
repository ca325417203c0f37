//! The items of an input: finds them by their paths, one after the other, without reading what is in them.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::jq::items::Step;
use crate::model::document::mapping::ItemRun;
use crate::model::document::text::Text;
use crate::text::json::{Entries, escape_pointer};

/// A step that was taken.
#[derive(Debug, Clone)]
enum Taken {
    Name(String),
    Index(usize),
}

/// Where an item is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    steps: Vec<Taken>,
    /// How many items came before.
    pub(crate) number: u32,
}

impl Place {
    /// Its JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.steps {
            pointer.push('/');
            match step {
                Taken::Name(name) => pointer.push_str(&escape_pointer(name)),
                Taken::Index(index) => {
                    // A string takes every write.
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }

    /// Its path, as `path(...)` of jq gives it.
    pub(crate) fn path(&self) -> Json {
        let step = |step: &Taken| match step {
            Taken::Name(name) => Json::from(&**name),
            Taken::Index(index) => Json::from(*index),
        };
        self.steps.iter().map(step).collect()
    }
}

/// Why there are no items, or whoever reads them has had enough.
pub(crate) enum Stop {
    /// What is wrong, and the pointer to it.
    Wrong(String, String),
    /// The reader stops.
    Enough,
}

/// Calls `each` with every item; it may stop. Gives the places of all.
///
/// # Errors
/// A path that leads nowhere.
pub(crate) fn walk(
    root: &str,
    paths: &[Vec<Step>],
    mut each: impl FnMut(&Place, &str) -> Result<(), Stop>,
) -> Result<Vec<ItemRun>, Stop> {
    let mut walk = Walk { place: Place::default(), runs: Vec::new(), each: &mut each };
    for path in paths {
        walk.steps(root, path)?;
    }
    Ok(walk.runs)
}

struct Walk<'e> {
    place: Place,
    runs: Vec<ItemRun>,
    each: &'e mut dyn FnMut(&Place, &str) -> Result<(), Stop>,
}

impl Walk<'_> {
    fn steps(&mut self, value: &str, steps: &[Step]) -> Result<(), Stop> {
        let Some((step, rest)) = steps.split_first() else {
            self.runs.push(ItemRun { at: Text::from(self.place.pointer()), elements: None, keys: None });
            return self.item(value);
        };
        match step {
            Step::Name(name) => {
                let under = self.under(value, name)?;
                self.place.steps.push(Taken::Name(name.clone()));
                self.steps(under, rest)?;
                self.place.steps.pop();
                Ok(())
            }
            Step::Each => self.all(value, rest),
        }
    }

    fn item(&mut self, value: &str) -> Result<(), Stop> {
        (self.each)(&self.place, value)?;
        self.place.number += 1;
        Ok(())
    }

    fn wrong<T>(&self, problem: impl Into<String>) -> Result<T, Stop> {
        Err(Stop::Wrong(self.place.pointer(), problem.into()))
    }

    /// The value under a name, `null` where there is none.
    fn under<'v>(&self, value: &'v str, name: &str) -> Result<&'v str, Stop> {
        match value.as_bytes().first() {
            Some(b'{') => {
                let entries = self.entries(value)?;
                let found = entries.into_iter().find(|(key, _)| key == name);
                Ok(found.map_or("null", |(_, value)| value.get()))
            }
            Some(b'n') => Ok("null"),
            _ => self.wrong(format!("found {}, but only an object has a key {name:?}", kind(value))),
        }
    }

    fn entries<'v>(&self, object: &'v str) -> Result<Vec<(String, &'v RawValue)>, Stop> {
        let Ok(Entries(entries)) = serde_json::from_str(object) else { return self.wrong("it cannot be read") };
        let entries: Vec<(String, &RawValue)> =
            entries.into_iter().map(|(key, value)| (key.name().into_owned(), value)).collect();
        let mut keys = HashSet::new();
        match entries.iter().find(|(key, _)| !keys.insert(&**key)) {
            Some((key, _)) => self.wrong(format!("found the key {key:?} twice")),
            None => Ok(entries),
        }
    }

    /// Every element of an array or value of an object.
    fn all(&mut self, value: &str, rest: &[Step]) -> Result<(), Stop> {
        let (children, names): (Vec<&RawValue>, Option<Vec<String>>) = match value.as_bytes().first() {
            Some(b'[') => match serde_json::from_str(value) {
                Ok(elements) => (elements, None),
                Err(_) => return self.wrong("it cannot be read"),
            },
            Some(b'{') => {
                let (keys, values) = self.entries(value)?.into_iter().unzip();
                (values, Some(keys))
            }
            _ => {
                let problem = format!(
                    "found {}, but the items are the elements of an array or the values of an object",
                    kind(value)
                );
                return self.wrong(problem);
            }
        };
        if rest.is_empty() {
            let elements = if names.is_none() { u32::try_from(children.len()).ok() } else { None };
            let keys = names.as_ref().map(|keys| keys.iter().map(|key| Text::from(&**key)).collect());
            self.runs.push(ItemRun { at: Text::from(self.place.pointer()), elements, keys });
        }
        for (index, child) in children.into_iter().enumerate() {
            let name = names.as_ref().and_then(|names| names.get(index));
            self.place.steps.push(name.map_or(Taken::Index(index), |name| Taken::Name(name.clone())));
            if rest.is_empty() {
                self.item(child.get())?;
            } else {
                self.steps(child.get(), rest)?;
            }
            self.place.steps.pop();
        }
        Ok(())
    }
}

/// What a value is, in words.
fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null, which a key that is missing is, too",
        _ => "a number",
    }
}
