//! Whether a newer commit has taken the branch's head (contract section 5): an older job once rolled a fleet backward.

use serde_json::Value;

use crate::error::Error;
use crate::gates::gitea::{Gitea, encoded};
use crate::io::clock::now;
use crate::io::environment::nonblank_var;
use crate::model::commit::{is_same_commit, is_sha};
use crate::model::document::gates::{HeadReading, HeadState};
use crate::model::document::text::Text;

/// The commit that a job is for, and the branch that it belongs to.
#[derive(Debug)]
pub struct Commit {
    /// Its name, or the beginning of it.
    pub sha: String,
    branch: String,
}

impl Commit {
    /// A commit of the job's branch.
    ///
    /// # Errors
    /// [`Error::Usage`] where the branch's name is `.` or `..`.
    pub fn from_environment(sha: String) -> Result<Self, Error> {
        let branch = nonblank_var("GITHUB_REF_NAME")?.unwrap_or_else(|| "main".into());
        // Such a part of a path leads to another URL, encoded or not.
        if [".", ".."].contains(&&*branch) {
            let problem = format!("GITHUB_REF_NAME: got {branch:?}, but a branch is expected");
            return Err(Error::usage(problem, "set it to the name of a branch, such as main or release/1.2"));
        }
        Ok(Self { sha, branch })
    }

    /// Reads the branch's head, before the call with this index.
    pub async fn read_head(&self, gitea: &Gitea, before: u32) -> HeadReading {
        let answer = gitea.get(&format!("/branches/{}", encoded(&self.branch))).await;
        let head = answer.json().and_then(|branch| head(&branch, &self.sha));
        let state = match &head {
            Some(head) if is_same_commit(head, &self.sha) => HeadState::Latest,
            Some(_) => HeadState::Superseded,
            None => HeadState::Unreadable,
        };
        HeadReading {
            at: now(),
            before,
            branch: Text::from(&*self.branch),
            sha: Text::from(&*self.sha),
            state,
            asked: if head.is_some() { answer.asked } else { answer.into_unreadable("a branch with a commit") },
            head: head.map(Text::from),
        }
    }
}

/// The head of a branch as a Gitea gives it: in `commit.id`, or in `commit.sha`. Where the two do not agree, the one that is not
/// `ours` counts: a job that may be superseded changes nothing.
fn head(branch: &Value, ours: &str) -> Option<String> {
    let named = ["id", "sha"].into_iter().filter_map(|key| branch["commit"][key].as_str());
    let named = named.map(|sha| sha.trim().to_ascii_lowercase()).filter(|sha| is_sha(sha)).collect::<Vec<_>>();
    named.iter().find(|sha| !is_same_commit(sha, ours)).or(named.first()).cloned()
}
