//! Which rollouts judge each other: those of one control plane and, where `--group-by` is given, of one group.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use crate::audit::archive::Archive;
use crate::audit::verdict::EvaluatedRollout;
use crate::error::Error;
use crate::model::document::text::Text;
use crate::text::suggest::nearest;

/// What tells groups of archives apart.
#[derive(Debug, Clone)]
pub enum GroupBy {
    /// The named folder where there are several, else the first folder below it.
    Folder,
    /// A folder below the named one, counted from 1.
    FolderAt(usize),
    /// What the first capture of a regular expression finds in the path below the named folder.
    Pattern(Regex),
    /// The environment that the file of `--times` names.
    Environment,
}

impl GroupBy {
    /// Reads `folder`, `folder:N`, `environment` or a regular expression with a capture.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let wrong = |problem: String| {
            let near = nearest(text, ["folder", "folder:1", "environment"]);
            let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
            let help = format!(
                "{near}folder, folder:2, environment (of --times) or a regular expression with a group in parentheses is expected"
            );
            Error::usage(format!("--group-by: {problem}"), help)
        };
        match text {
            "folder" => return Ok(Self::Folder),
            "environment" => return Ok(Self::Environment),
            _ => {}
        }
        if let Some(number) = text.strip_prefix("folder:") {
            let number = number.parse().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| wrong(format!("{text:?} has no number of a folder, from 1 on")))?;
            return Ok(Self::FolderAt(number));
        }
        let pattern = Regex::new(text).map_err(|error| wrong(error.to_string()))?;
        if pattern.captures_len() < 2 {
            return Err(wrong(format!("there is no group in parentheses in {text:?}")));
        }
        Ok(Self::Pattern(pattern))
    }

    /// The group of an archive, if anything tells it.
    pub fn of(&self, archive: &Archive) -> Option<Text> {
        let group = match self {
            Self::Folder => match &archive.root {
                Some(root) => Some(root.display().to_string()),
                None => folder(&archive.below, 1),
            },
            Self::FolderAt(number) => folder(&archive.below, *number),
            Self::Pattern(pattern) => {
                let path = archive.below.to_string_lossy();
                let found = pattern.captures(&path)?;
                found.iter().skip(1).flatten().next().map(|found| found.as_str().to_owned())
            }
            Self::Environment => return archive.stated.environment.clone(),
        };
        group.filter(|group| !group.is_empty()).map(Text::from)
    }
}

fn folder(below: &Path, number: usize) -> Option<String> {
    let folders = below.parent()?.components().filter(|part| matches!(part, Component::Normal(_)));
    let folder = folders.into_iter().nth(number - 1)?;
    Some(folder.as_os_str().to_string_lossy().into_owned())
}

/// Gives each rollout that names no control plane the one that the rollouts of its folder name, or of the nearest folder
/// above in which any does. Where these are several, it has none.
pub fn assign_control_planes(rollouts: &mut [EvaluatedRollout]) {
    let mut planes: BTreeMap<Option<Text>, BTreeSet<Text>> = BTreeMap::new();
    for rollout in rollouts.iter() {
        planes.entry(rollout.published.group.clone()).or_default().extend(rollout.published.control_plane.clone());
    }
    let is_unclear = |rollout: &EvaluatedRollout| {
        rollout.published.control_plane.is_none()
            && planes.get(&rollout.published.group).is_some_and(|planes| planes.len() > 1)
    };
    let mut nearest: BTreeMap<(Option<Text>, PathBuf), BTreeSet<Text>> = BTreeMap::new();
    if rollouts.iter().any(is_unclear) {
        for rollout in rollouts.iter() {
            let Some(plane) = &rollout.published.control_plane else { continue };
            for folder in above(&rollout.folder) {
                nearest.entry((rollout.published.group.clone(), folder.to_owned())).or_default().insert(plane.clone());
            }
        }
    }
    for rollout in rollouts.iter_mut().filter(|rollout| rollout.published.control_plane.is_none()) {
        let group = &rollout.published.group;
        let of_group = planes.get(group).filter(|planes| planes.len() <= 1);
        let of_folder = || above(&rollout.folder).find_map(|folder| nearest.get(&(group.clone(), folder.to_owned())));
        let only = of_group.or_else(of_folder).filter(|planes| planes.len() == 1);
        rollout.published.control_plane = only.and_then(|planes| planes.first().cloned());
    }
}

/// A folder and those above it, and at last that of everything.
fn above(folder: &Path) -> impl Iterator<Item = &Path> {
    let all = folder.is_absolute().then_some(Path::new(""));
    folder.ancestors().chain(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_counted_below_the_one_that_was_named() {
        let below = Path::new("prod/eu/2026-07-01.zip!/response.json");
        assert_eq!(folder(below, 1).as_deref(), Some("prod"));
        assert_eq!(folder(below, 3).as_deref(), Some("2026-07-01.zip!"));
        assert_eq!(folder(below, 4), None);
        assert_eq!(folder(Path::new("response.json"), 1), None);
    }

    #[test]
    fn what_groups_nothing_is_refused() {
        for wrong in ["folder:0", "folder:x", "foldr", "(", "prod|staging"] {
            assert!(GroupBy::new(wrong).is_err(), "{wrong}");
        }
        let help = GroupBy::new("enviroment").expect_err("it is misspelt").help().map(str::to_owned);
        assert!(help.is_some_and(|help| help.starts_with("did you mean environment?")));
    }
}
