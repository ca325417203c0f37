//! The bundled mappings, as they lie under `mappings/`. Nothing registers one but its folder.

include!(concat!(env!("OUT_DIR"), "/mappings.rs"));

/// The names of all, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    BUNDLED.iter().map(|(name, _)| *name)
}

/// The text of one.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    BUNDLED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
