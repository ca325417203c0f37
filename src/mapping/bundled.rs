//! The bundled mappings: every folder under `mappings/` is one.

include!(concat!(env!("OUT_DIR"), "/mappings.rs"));

/// The names of all bundled mappings, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    BUNDLED.iter().map(|(name, _)| *name)
}

/// The text of a bundled mapping.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    BUNDLED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
