//! Finds the items of an input by their paths, one after the other, without parsing what is in them.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::jq::items::Step;
use crate::model::document::mapping::ItemRun;
use crate::model::document::text::Text;
use crate::text::json::{Entries, escape_pointer};

/// A part of the path of an item.
#[derive(Debug, Clone)]
enum PathPart {
    Name(String),
    Index(usize),
}

/// The place of an item in the input.
#[derive(Debug, Default)]
pub(crate) struct Place {
    path: Vec<PathPart>,
    /// How many items came before.
    pub(crate) number: u32,
}

impl Place {
    /// Its JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                PathPart::Name(name) => pointer.push_str(&escape_pointer(name)),
                PathPart::Index(index) => {
                    // A string takes every write.
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }

    /// Its path, as `path(...)` of jq gives it.
    pub(crate) fn path(&self) -> Json {
        let step = |step: &PathPart| match step {
            PathPart::Name(name) => Json::from(&**name),
            PathPart::Index(index) => Json::from(*index),
        };
        self.path.iter().map(step).collect()
    }
}

/// Why the walk ends before the last item.
pub(crate) enum Stop {
    /// A path leads nowhere: the pointer, and what is wrong there.
    BadPath(String, String),
    /// The caller wants no more items.
    Enough,
}

/// Calls `each` with every item. Gives the places of all.
///
/// # Errors
/// A path that leads nowhere, or that `each` has stopped.
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
                let child = self.value_under(value, name)?;
                self.place.path.push(PathPart::Name(name.clone()));
                self.steps(child, rest)?;
                self.place.path.pop();
                Ok(())
            }
            Step::Each => self.each_child(value, rest),
        }
    }

    fn item(&mut self, value: &str) -> Result<(), Stop> {
        (self.each)(&self.place, value)?;
        self.place.number += 1;
        Ok(())
    }

    fn bad_path<T>(&self, problem: impl Into<String>) -> Result<T, Stop> {
        Err(Stop::BadPath(self.place.pointer(), problem.into()))
    }

    /// The value under a name, `null` where there is none.
    fn value_under<'v>(&self, value: &'v str, name: &str) -> Result<&'v str, Stop> {
        match value.as_bytes().first() {
            Some(b'{') => {
                let entries = self.entries(value)?;
                let found = entries.into_iter().find(|(key, _)| key == name);
                Ok(found.map_or("null", |(_, value)| value.get()))
            }
            Some(b'n') => Ok("null"),
            _ => self.bad_path(format!("found {}, but only an object has a key {name:?}", type_in_words(value))),
        }
    }

    fn entries<'v>(&self, object: &'v str) -> Result<Vec<(String, &'v RawValue)>, Stop> {
        let Ok(Entries(entries)) = serde_json::from_str(object) else { return self.bad_path("it cannot be read") };
        let entries: Vec<(String, &RawValue)> =
            entries.into_iter().map(|(key, value)| (key.name().into_owned(), value)).collect();
        let mut keys = HashSet::new();
        match entries.iter().find(|(key, _)| !keys.insert(&**key)) {
            Some((key, _)) => self.bad_path(format!("found the key {key:?} twice")),
            None => Ok(entries),
        }
    }

    /// Goes on with every element of an array, or value of an object.
    fn each_child(&mut self, value: &str, rest: &[Step]) -> Result<(), Stop> {
        let (children, names): (Vec<&RawValue>, Option<Vec<String>>) = match value.as_bytes().first() {
            Some(b'[') => match serde_json::from_str(value) {
                Ok(elements) => (elements, None),
                Err(_) => return self.bad_path("it cannot be read"),
            },
            Some(b'{') => {
                let (keys, values) = self.entries(value)?.into_iter().unzip();
                (values, Some(keys))
            }
            _ => {
                let problem = format!(
                    "found {}, but the items are the elements of an array or the values of an object",
                    type_in_words(value)
                );
                return self.bad_path(problem);
            }
        };
        if rest.is_empty() {
            let elements = if names.is_none() { u32::try_from(children.len()).ok() } else { None };
            let keys = names.as_ref().map(|keys| keys.iter().map(|key| Text::from(&**key)).collect());
            self.runs.push(ItemRun { at: Text::from(self.place.pointer()), elements, keys });
        }
        for (index, child) in children.into_iter().enumerate() {
            let name = names.as_ref().and_then(|names| names.get(index));
            self.place.path.push(name.map_or(PathPart::Index(index), |name| PathPart::Name(name.clone())));
            if rest.is_empty() {
                self.item(child.get())?;
            } else {
                self.steps(child.get(), rest)?;
            }
            self.place.path.pop();
        }
        Ok(())
    }
}

/// The type of a JSON value, in words.
fn type_in_words(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null, which a key that is missing is, too",
        _ => "a number",
    }
}
