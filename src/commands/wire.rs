//! `[control_plane]` of rollproof.toml: the settings of a rollout that begins, and whether a resumed one has the same.

use std::path::Path;

use toml::Spanned;

use crate::collect::rollout::state::Rollout;
use crate::collect::wire::settings::{MappingText, WireSettings};
use crate::collect::wire::{self, FilterKey};
use crate::error::{Error, Errors};
use crate::io::config::Config;
use crate::io::config::control_plane::ControlPlane;
use crate::io::input::{MAX_WRITTEN, Source, remedy};
use crate::model::document;
use crate::model::document::text::Text;

/// The settings, each filter checked where it stands. Nothing where the wire is the contract's.
///
/// # Errors
/// [`Error::Usage`] with every filter that cannot be used, its line and column.
pub(crate) fn settings(config: &Config, rollout: Option<&document::Rollout>) -> Result<Option<WireSettings>, Error> {
    let settings = &config.control_plane;
    if settings.is_default() {
        return Ok(None);
    }
    let mut errors = Errors::default();
    let file = config.file.as_ref().map_or_else(String::new, |file| file.name.to_string());
    for (setting, filter) in
        [(FilterKey::Request, &settings.request), (FilterKey::Ok, &settings.ok), (FilterKey::Error, &settings.error)]
    {
        if let Some(filter) = filter {
            errors.keep_error(check(setting, filter, settings).map_err(|error| error.in_file(&file)));
        }
    }
    let answer = settings.answer.as_deref().map(|path| mapping(path, rollout));
    let answer = answer.and_then(|answer| errors.keep_error(answer));
    errors.end()?;
    let text = |text: &Option<String>| text.as_deref().map(Text::from);
    let filter = |filter: &Option<Spanned<String>>| filter.as_ref().map(|text| Text::from(&**text.get_ref()));
    Ok(Some(WireSettings {
        path: text(&settings.path),
        method: settings.method,
        token_header: text(&settings.token_header),
        token_scheme: text(&settings.token_scheme),
        request: filter(&settings.request),
        answer,
        ok: filter(&settings.ok),
        error: filter(&settings.error),
    }))
}

fn check(setting: FilterKey, filter: &Spanned<String>, settings: &ControlPlane) -> Result<(), Error> {
    setting.compile(filter.get_ref()).map(drop).map_err(|fault| {
        let (line, column) = settings.place(filter, fault.at);
        let name = setting.name();
        Error::usage(format!("line {line}, column {column}: [control_plane] {name}: {}", fault.problem), fault.help)
    })
}

/// The text of a mapping that can read answers.
fn mapping(path: &Path, rollout: Option<&document::Rollout>) -> Result<MappingText, Error> {
    let name = path.display().to_string();
    let text = Source::File(path.to_owned()).text(MAX_WRITTEN).map_err(|error| {
        Error::usage(format!("cannot read the mapping {name} of [control_plane]: {error}"), remedy(&error))
    })?;
    let file = MappingText { name: Text::from(name), text: Text::from(text) };
    wire::answer_mapping(&file, rollout)?;
    Ok(file)
}

/// Refuses to resume a rollout with other settings than it began with. Without settings in rollproof.toml, those of the
/// journal are used.
///
/// # Errors
/// [`Error::Usage`] where rollproof.toml has others.
pub(crate) fn check_unchanged(begun: &Rollout, planned: &Rollout, journal: &Path) -> Result<(), Error> {
    let Some(planned) = planned.wire() else { return Ok(()) };
    if begun.wire().is_some_and(|begun| !begun.settings().differs(planned.settings())) {
        return Ok(());
    }
    let journal = journal.display();
    Err(Error::usage(
        format!("[control_plane] or its mapping is not the one that {journal} began with"),
        "resume with the settings that it began with, or with none, or start again with another --journal",
    ))
}
