//! METADATA blocks among the comments of a module, as text: what they say is read elsewhere.

/// A METADATA block.
pub struct Annotation {
    /// The line of `# METADATA`.
    pub start: u32,
    /// The line of its last comment.
    pub end: u32,
    /// What stands after the `# ` of each line after the first.
    pub yaml: String,
}

/// The METADATA blocks among comments, each given by line, in order.
pub fn annotations(comments: &[(u32, String)]) -> Vec<Annotation> {
    let mut found = Vec::new();
    let mut comments = comments.iter().peekable();
    while let Some((start, comment)) = comments.next() {
        if comment.trim() != "METADATA" {
            continue;
        }
        let (mut end, mut yaml) = (*start, String::new());
        while let Some((line, comment)) = comments.next_if(|(line, _)| *line == end + 1) {
            yaml.push_str(comment.strip_prefix(' ').unwrap_or(comment));
            yaml.push('\n');
            end = *line;
        }
        found.push(Annotation { start: *start, end, yaml });
    }
    found
}
