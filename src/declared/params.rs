//! Parameters: declared by policies in METADATA, given on the command line, checked before anything is evaluated.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::io::config::Config;
use crate::model::document::text::Text;
use crate::text::suggest::nearest;

/// A parameter as a policy declares it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What a value is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is where nobody gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The least that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// What it does.
    pub description: String,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Any text.
    String,
}

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value; none where it has no default and nobody gave it.
    pub value: Option<Value>,
    /// Who says so.
    pub from: ParamSource,
}

/// Who gave a parameter its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ParamSource {
    /// The policy that declares it.
    Default,
    /// `rollproof.toml`.
    Config,
    /// `--param`.
    CommandLine,
}

/// A value as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenParam {
    /// The parameter's name.
    pub name: String,
    /// The value's text.
    pub text: String,
    /// Who gave it.
    pub from: ParamSource,
    /// The file in which it was given.
    pub file: Option<Text>,
}

impl GivenParam {
    /// Where it was given, as its author wrote it.
    fn place(&self) -> String {
        let name = &self.name;
        match &self.file {
            Some(file) => format!("{file}: [params] {name}"),
            None => format!("the parameter {name}"),
        }
    }
}

/// The values of the configuration, and after them those of the command line, which win.
pub fn given(config: &Config, named: &[(String, String)]) -> Vec<GivenParam> {
    let file = config.file.as_ref().map(|file| &file.name);
    let configured = config.params.iter().map(|(name, value)| GivenParam {
        name: name.clone(),
        text: value.to_string(),
        from: ParamSource::Config,
        file: file.cloned(),
    });
    let named = named.iter().map(|(name, text)| GivenParam {
        name: name.clone(),
        text: text.clone(),
        from: ParamSource::CommandLine,
        file: None,
    });
    configured.chain(named).collect()
}

/// The value of every declared parameter, by name. `others` are names that may have been meant, and are read elsewhere.
///
/// # Errors
/// [`Error::Usage`] where one that is given is not declared, is given twice, or has a wrong value.
pub fn resolve(
    declared: &BTreeMap<String, Declaration>,
    given: &[GivenParam],
    others: &[String],
) -> Result<Vec<Param>, Error> {
    let mut values: BTreeMap<&str, (Value, ParamSource)> = BTreeMap::new();
    for one in given {
        let (GivenParam { name, text, from, .. }, place) = (one, one.place());
        let Some(declaration) = declared.get(name) else {
            let mut names: Vec<&str> = declared.keys().chain(others).map(String::as_str).collect();
            names.sort_unstable();
            let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean {near:?}? "));
            let help = format!("{}the policies' parameters are: {}", near.unwrap_or_default(), names.join(", "));
            return Err(Error::usage(format!("{place}: no policy has a parameter of this name"), help));
        };
        let value = declaration.parse(text).map_err(|allowed| {
            Error::usage(
                format!("{place}: found {text:?}, but {allowed} is allowed"),
                format!("{name}: {}", declaration.description.trim()),
            )
        })?;
        // The command line is given after the configuration, and wins; twice on either is a mistake.
        if values.insert(name, (value, *from)).is_some_and(|before| before.1 == *from) {
            return Err(Error::usage(format!("{place} is given twice"), "give each parameter once"));
        }
    }
    let param = |(name, declaration): (&String, &Declaration)| match values.get(&**name) {
        Some((value, from)) => Param { name: name.clone(), value: Some(value.clone()), from: *from },
        None => Param { name: name.clone(), value: declaration.default.clone(), from: ParamSource::Default },
    };
    Ok(declared.iter().map(param).collect())
}

impl Declaration {
    /// Reads a value.
    ///
    /// # Errors
    /// What is allowed.
    fn parse(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Boolean => text.parse::<bool>().map(Value::from).map_err(|_| "true or false".into()),
            Kind::Integer => {
                let allowed = || match self.minimum {
                    Some(minimum) => format!("a whole number of at least {minimum}"),
                    None => "a whole number".into(),
                };
                let number = text.parse::<i64>().map_err(|_| allowed())?;
                if self.minimum.is_some_and(|minimum| number < minimum) { Err(allowed()) } else { Ok(number.into()) }
            }
            Kind::Number => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                #[expect(clippy::cast_precision_loss, reason = "a limit that a person wrote")]
                let enough = |number: &f64| self.minimum.is_none_or(|minimum| *number >= minimum as f64);
                number.filter(enough).map(Value::from).ok_or_else(|| match self.minimum {
                    Some(minimum) => format!("a number of at least {minimum}"),
                    None => "a number".into(),
                })
            }
            Kind::String => Ok(text.into()),
        }
    }
}
