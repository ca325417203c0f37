//! Values that filters read and give.

use jaq_json::{Num, Val, read};
use serde_json::{Map, Number, Value as Json};

use crate::text::escape::clipped;

/// How much of a value is shown in an error, in characters.
const MAX_SHOWN: usize = 60;

/// How deep arrays and objects may be nested: values are converted by recursive functions.
const MAX_DEPTH: usize = 1_000;

/// A value of a filter. It stays on the thread that made it.
#[derive(Debug, Clone, Default)]
pub struct Value(pub(super) Val);

impl Value {
    /// Reads JSON, in which integers of any size stay what they are.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn parse(json: &str) -> Result<Self, String> {
        if depth(json) > MAX_DEPTH {
            return Err(format!("found more than {MAX_DEPTH} arrays and objects inside each other"));
        }
        read::parse_single(json.as_bytes()).map(Self).map_err(|error| format!("it is no JSON: {error}"))
    }

    /// The value of a filter that equals this JSON.
    ///
    /// # Errors
    /// Where it is nested too deep.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        Self::parse(&json.to_string())
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// For what JSON cannot hold, or its readers would change: NaN, infinity, bytes that are no text, keys that are no
    /// strings, integers beyond 64 bits.
    pub fn json(&self) -> Result<Json, String> {
        json(&self.0, 0)
    }

    /// The value as an error shows it, clipped.
    pub fn shown(&self) -> String {
        clipped(&self.0.to_string(), MAX_SHOWN).into_owned()
    }
}

/// How deep arrays and objects of a JSON text are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn json(value: &Val, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err(format!("a value with more than {MAX_DEPTH} arrays and objects inside each other"));
    }
    match value {
        Val::Null => Ok(Json::Null),
        Val::Bool(value) => Ok(Json::Bool(*value)),
        Val::Num(number) => self::number(number).map(Json::Number),
        Val::TStr(bytes) => text(bytes).map(Json::String),
        Val::BStr(_) => Err("a string of bytes".into()),
        Val::Arr(values) => {
            values.iter().map(|value| json(value, depth + 1)).collect::<Result<_, _>>().map(Json::Array)
        }
        Val::Obj(entries) => {
            let entry = |(key, value): (&Val, &Val)| match key {
                Val::TStr(key) => Ok((text(key)?, json(value, depth + 1)?)),
                other => Err(format!("an object with the key {other}, which is no string")),
            };
            entries.iter().map(entry).collect::<Result<Map<_, _>, String>>().map(Json::Object)
        }
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a string that is no UTF-8".into())
}

fn number(number: &Num) -> Result<Number, String> {
    let float = |float: f64| Number::from_f64(float).ok_or_else(|| format!("{float}, which is no number of JSON"));
    match number {
        Num::Int(integer) => Ok(Number::from(*integer)),
        Num::BigInt(integer) => {
            let digits = integer.to_string();
            let large = digits.parse::<u64>().map(Number::from);
            large.map_err(|_| format!("{digits}, an integer beyond 64 bits, which readers of JSON would change"))
        }
        Num::Float(value) => float(*value),
        Num::Dec(digits) => digits.parse().map_err(|_| format!("{digits}, which is no number")).and_then(float),
    }
}
