//! Names of commits, and whether two name the same one.

/// Whether a text is a commit's name: 7 hexadecimal digits at least, 64 at most.
pub fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether two names of commits are one, compared on the shorter's length, in any case.
pub fn is_same_commit(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    one.as_bytes()[..length].eq_ignore_ascii_case(&other.as_bytes()[..length])
}
