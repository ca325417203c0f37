//! What policies print: kept until somebody asks for it, as far as there is room.

use std::sync::{Arc, Mutex, PoisonError};

use regorus::Engine;

/// How much is kept, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// What policies have printed since it was last asked for. It never has a part in an answer.
#[derive(Debug, Clone, Default)]
pub struct Prints(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

impl Prints {
    /// Keeps what an engine has gathered.
    pub fn keep(&self, engine: &mut Engine) {
        let gathered = engine.take_prints().unwrap_or_default();
        if gathered.is_empty() {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in gathered {
            if kept.bytes + line.len() > MAX_BYTES {
                kept.left_out += 1;
            } else {
                kept.bytes += line.len();
                kept.lines.push(line);
            }
        }
    }

    /// Runs `work`, and drops what is printed meanwhile.
    pub fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *lock());
        let done = work();
        *lock() = before;
        done
    }

    /// Everything since the last time, each with its file and line; the last says how much is left out.
    pub fn take(&self) -> Vec<String> {
        let kept = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let more = (kept.left_out > 0).then(|| format!("{} more lines are left out", kept.left_out));
        kept.lines.into_iter().chain(more).collect()
    }
}
