//! The name that was probably meant.

/// The name that is most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= 1 + known.len().min(name.len()) / 3)
        .min()
        .map(|(_, known)| known)
}

/// The name that a remedy suggests, as `did you mean "NAME"?`.
pub fn suggested(remedy: &str) -> Option<&str> {
    remedy.strip_prefix("did you mean \"")?.split_once("\"?").map(|(name, _)| name)
}

/// The key or word that was meant, where a parser says that it does not know one and names those that it does.
pub fn meant(message: &str) -> Option<&str> {
    let unknown = message.split_once("unknown field `").or_else(|| message.split_once("unknown variant `"));
    let (unknown, rest) = unknown?.1.split_once('`')?;
    // Some put the names between backticks, with commas or `or`; some only commas.
    let known: Vec<&str> = if rest.contains('`') {
        rest.split('`').skip(1).step_by(2).collect()
    } else {
        rest.split_once("expected one of ")?.1.split(',').map(str::trim).collect()
    };
    nearest(unknown, known)
}
