//! The words that turn a switch on and off.

/// What turns a switch on, in any case.
pub const ON: [&str; 6] = ["1", "true", "yes", "on", "disabled", "disable"];

/// The words for on that mean yes, too. The others arm the kill switch alone.
pub const YES: &[&str] = ON.split_at(4).0;

/// What turns a switch off, in any case. So does a blank.
const OFF: [&str; 4] = ["0", "false", "no", "off"];

/// Whether a word turns a switch on or off; none where it is no such word. White space around it and its case say nothing.
pub fn switch(word: &str) -> Option<bool> {
    let word = word.trim();
    let is_in = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if word.is_empty() || is_in(&OFF) { Some(false) } else { is_in(&ON).then_some(true) }
}

/// The words, where `on` are those that are allowed for on.
pub fn words(on: &[&str]) -> String {
    format!("for on: {}; for off: {}, or nothing", on.join(", "), OFF.join(", "))
}
