//! Tokens, and the masking of tokens in texts from elsewhere that may echo one. No text that is kept or shown holds a token
//! that this process has read, in any encoding in which services echo what they were sent.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use reqwest::header::HeaderValue;

use crate::error::Error;

/// The variable that holds the control plane's token.
pub const CONTROL_PLANE: &str = "CP_ADMIN_API_TOKEN";

/// The variable that holds the token of the Gitea.
pub const GITEA: &str = "GITEA_TOKEN";

/// The text that replaces a token.
const MASK: &[u8] = b"***";

/// How long a token must be, in characters. A shorter one could be guessed, and could be part of other words.
const MIN_LENGTH: usize = 8;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Words that people copy together with a token, although rollproof writes them itself.
const PREFIXES: [&str; 6] = ["Bearer", "Basic", "Token", "Authorization", CONTROL_PLANE, GITEA];

/// How often an echo may be encoded on top of another encoding.
const MAX_LAYERS: usize = 6;

/// Every token that this process has read. A token is a secret wherever a text goes, so there is one list.
static KNOWN_TOKENS: LazyLock<RwLock<Secrets>> = LazyLock::new(|| {
    let mut secrets = Secrets::default();
    for variable in [CONTROL_PLANE, GITEA] {
        let token = std::env::var(variable).unwrap_or_default();
        if token.trim().len() >= MIN_LENGTH {
            secrets.add(token.trim());
        }
    }
    RwLock::new(secrets)
});

/// A text in which every token that this process has read is masked. At the end of a text that was cut off, the first part of
/// a token is masked as well.
pub fn masked(text: &str, is_cut: bool) -> Cow<'_, str> {
    KNOWN_TOKENS.read().unwrap_or_else(PoisonError::into_inner).mask(text, is_cut)
}

/// A token. It is never printed.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// The name of the variable or file that it comes from.
    from: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(masked)")
    }
}

impl Token {
    /// A token as it was given; white space around it and a byte-order mark before it are no part of it.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is blank, too short for a secret, cannot stand in a header, or is more than the token.
    pub fn new(text: &str, from: &str) -> Result<Self, Error> {
        let token = text.trim_start_matches(BYTE_ORDER_MARK).trim();
        if let Some(problem) = more_than_token(token) {
            let help = "give the token alone, as the service shows it";
            return Err(Error::usage(format!("{from} {problem}, so no call was made"), help));
        }
        if token.is_empty() {
            return Err(Error::usage(format!("{from} is blank, so no call was made"), "give it the service's token"));
        }
        if HeaderValue::from_str(token).is_err() {
            return Err(Error::usage(
                format!("{from} holds what cannot stand in an HTTP header, so no call was made"),
                "write the token alone, on one line",
            ));
        }
        if token.len() < MIN_LENGTH {
            return Err(Error::usage(
                format!("{from} has fewer than {MIN_LENGTH} characters, so it is no secret, and no call was made"),
                "check that it is the whole token; if it is, create a longer one",
            ));
        }
        KNOWN_TOKENS.write().unwrap_or_else(PoisonError::into_inner).add(token);
        Ok(Self { secret: token.to_owned(), from: from.to_owned() })
    }

    /// The value of the header that carries it, such as `Bearer <token>`; without a scheme the token alone.
    pub fn header(&self, scheme: &str) -> HeaderValue {
        // The characters of a token were checked when it was made.
        let mut value = HeaderValue::from_str(format!("{scheme} {}", self.secret).trim_start())
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer none"));
        value.set_sensitive(true);
        value
    }

    /// The name of the variable or file that it comes from.
    pub fn from(&self) -> &str {
        &self.from
    }
}

/// What was copied with a token and is no part of it, in words; nothing where the token stands alone. It is not quoted.
fn more_than_token(text: &str) -> Option<String> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}');
    if text.starts_with(is_quote) || text.ends_with(is_quote) {
        return Some("has quotation marks around the token".into());
    }
    let begins = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let ends_word = |length: usize| text[length..].starts_with(|c: char| c.is_whitespace() || matches!(c, ':' | '='));
    let mut words = PREFIXES.iter().filter(|word| begins(word) && ends_word(word.len()));
    words.next().map(|word| format!("begins with {word:?}, which is no part of the token"))
}

/// Tokens, in every encoding that is left once escapes are undone.
#[derive(Debug, Default)]
struct Secrets {
    tokens: Vec<String>,
    needles: Vec<Needle>,
}

/// One way in which a token is written.
#[derive(Debug)]
struct Needle {
    finder: Finder<'static>,
    /// Whether it is in lower case and found in any case, as hexadecimal digits are.
    any_case: bool,
    /// The shortest beginning of it that is masked at the end of a text that was cut off.
    min_prefix: usize,
}

impl Needle {
    fn new(text: &[u8], any_case: bool) -> Self {
        let min_prefix = if text.len() >= 2 * MIN_LENGTH { MIN_LENGTH } else { text.len().div_ceil(2) };
        Self { finder: Finder::new(text).into_owned(), any_case, min_prefix }
    }

    /// The length of its longest beginning at the end of a text.
    fn prefix_at_end(&self, text: &[u8]) -> Option<usize> {
        let needle = self.finder.needle();
        (self.min_prefix..needle.len()).rev().find(|length| text.ends_with(&needle[..*length]))
    }
}

impl Secrets {
    fn add(&mut self, token: &str) {
        if self.tokens.iter().any(|known| known == token) {
            return;
        }
        self.tokens.push(token.to_owned());
        let mut needles = vec![Needle::new(token.as_bytes(), false)];
        // A token that itself looks escaped is another text once escapes are undone.
        let mut unescaped = token.as_bytes().to_vec();
        for _ in 0..MAX_LAYERS {
            let Some(layer) = Layer::below(&unescaped, false, any_unit) else { break };
            unescaped = layer.bytes;
            if unescaped.len() >= MIN_LENGTH / 2 {
                needles.push(Needle::new(&unescaped, false));
            }
        }
        // The token as JSON writes it, so that it is found where a backslash in it escapes something by chance.
        let mut as_json = token.to_owned();
        for _ in 0..MAX_LAYERS {
            let next = as_json.replace('\\', "\\\\").replace('"', "\\\"");
            if next == as_json {
                break;
            }
            needles.push(Needle::new(next.as_bytes(), false));
            as_json = next;
        }
        let digits: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
        needles.push(Needle::new(digits.as_bytes(), true));
        for before in 0..3 {
            // In a base64 text, the bytes before a token shift it by 0 to 2 bytes. The characters that are made of the token's
            // bits alone are always the same; those at its ends hold at most 4 bits of it.
            let shifted = [&[0; 2][..before], token.as_bytes()].concat();
            let (first, last) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                needles.push(Needle::new(&text.as_bytes()[first..last], false));
            }
        }
        self.needles.extend(needles);
    }

    fn mask<'a>(&self, text: &'a str, is_cut: bool) -> Cow<'a, str> {
        let mut found = self.ranges(text.as_bytes(), is_cut);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_by_key(|range| range.start);
        let (mut masked, mut at) = (Vec::with_capacity(text.len()), 0);
        for range in found {
            if range.start >= at {
                masked.extend_from_slice(&text.as_bytes()[at..range.start]);
                masked.extend_from_slice(MASK);
            }
            at = at.max(range.end);
        }
        masked.extend_from_slice(&text.as_bytes()[at..]);
        Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
    }

    /// The ranges of tokens: in the text itself, and once escapes are undone, layer by layer.
    fn ranges(&self, text: &[u8], is_cut: bool) -> Vec<Range<usize>> {
        let mut found = self.ranges_in(text, is_cut);
        // In HTML a backslash and a percent sign escape nothing.
        for unit in [any_unit, html_unit] {
            self.add_ranges_below(text, is_cut, unit, &mut found);
        }
        found
    }

    fn add_ranges_below(&self, text: &[u8], is_cut: bool, unit: fn(&[u8]) -> Unit, found: &mut Vec<Range<usize>>) {
        let mut layers: Vec<Layer> = Vec::new();
        while layers.len() < MAX_LAYERS {
            let above = layers.last().map_or(text, |layer| &layer.bytes);
            let Some(layer) = Layer::below(above, is_cut, unit) else { break };
            layers.push(layer);
            let Some(layer) = layers.last() else { break };
            for range in self.ranges_in(&layer.bytes, is_cut) {
                let reaches_end = is_cut && range.end == layer.bytes.len();
                let range = layers.iter().rev().fold(range, |range, layer| layer.range_above(&range));
                found.push(if reaches_end { range.start..text.len() } else { range });
            }
        }
    }

    fn ranges_in(&self, text: &[u8], is_cut: bool) -> Vec<Range<usize>> {
        let lower_case = text.to_ascii_lowercase();
        let mut found = Vec::new();
        for needle in &self.needles {
            let text = if needle.any_case { &lower_case } else { text };
            let length = needle.finder.needle().len();
            found.extend(needle.finder.find_iter(text).map(|at| at..at + length));
            if is_cut && let Some(length) = needle.prefix_at_end(text) {
                found.push(text.len() - length..text.len());
            }
        }
        found
    }
}

/// A text in which one layer of escapes is undone: those of JSON and of program text, percent signs, HTML entities. Line
/// breaks, which wrap encoded text, and NUL, every other byte of UTF-16, are left out.
struct Layer {
    bytes: Vec<u8>,
    /// Where escapes change the offset: in this layer, and in the text above.
    steps: Vec<(usize, usize)>,
    /// The length of the text above, without what was left out at its end.
    length: usize,
}

/// The first unit of a text.
enum Unit {
    /// A byte that is no part of an escape.
    Plain,
    /// An escape: the byte that it stands for, and its length.
    Escape(u8, usize),
    /// Bytes that are left out: how many.
    LeftOut(usize),
    /// An escape that is cut off by the end of the text.
    CutOff,
}

impl Layer {
    /// The layer below a text; none where nothing in it is escaped.
    fn below(above: &[u8], is_cut: bool, unit: fn(&[u8]) -> Unit) -> Option<Self> {
        let mut layer = Self { bytes: Vec::with_capacity(above.len()), steps: Vec::new(), length: above.len() };
        let mut at = 0;
        while let Some(byte) = above.get(at) {
            match unit(&above[at..]) {
                Unit::CutOff if is_cut => {
                    layer.steps.push((layer.bytes.len(), at));
                    layer.length = at;
                    break;
                }
                Unit::Plain | Unit::CutOff => {
                    layer.bytes.push(*byte);
                    at += 1;
                }
                Unit::Escape(byte, length) => {
                    layer.steps.push((layer.bytes.len(), at));
                    layer.bytes.push(byte);
                    at += length;
                    layer.steps.push((layer.bytes.len(), at));
                }
                Unit::LeftOut(length) => {
                    layer.steps.push((layer.bytes.len(), at));
                    at += length;
                    layer.steps.push((layer.bytes.len(), at));
                }
            }
        }
        (!layer.steps.is_empty()).then_some(layer)
    }

    /// The range in the text above that corresponds to a range of this layer.
    fn range_above(&self, range: &Range<usize>) -> Range<usize> {
        let at = |place: usize| {
            let next = self.steps.partition_point(|(here, _)| *here <= place);
            next.checked_sub(1).map_or(place, |step| self.steps[step].1 + (place - self.steps[step].0))
        };
        let last = at(range.end - 1);
        // An escape, and the bytes before those that were left out, end where the next step begins.
        let next = self.steps.partition_point(|(here, _)| *here < range.end);
        let end = self.steps.get(next).filter(|(here, _)| *here == range.end).map_or(last + 1, |(_, above)| *above);
        at(range.start)..end.min(self.length)
    }
}

/// Names of HTML entities that encoders write for characters of tokens.
const ENTITIES: [(&[u8], u8); 12] = [
    (b"amp;", b'&'),
    (b"lt;", b'<'),
    (b"gt;", b'>'),
    (b"quot;", b'"'),
    (b"apos;", b'\''),
    (b"sol;", b'/'),
    (b"plus;", b'+'),
    (b"equals;", b'='),
    (b"lowbar;", b'_'),
    (b"period;", b'.'),
    (b"colon;", b':'),
    (b"hyphen;", b'-'),
];

fn any_unit(text: &[u8]) -> Unit {
    match text[0] {
        b'\r' | b'\n' | 0 => Unit::LeftOut(1),
        b'%' => match text.get(1..3) {
            Some(digits) => character(digits, 16).map_or(Unit::Plain, |byte| Unit::Escape(byte, 3)),
            None => Unit::CutOff,
        },
        b'&' => entity(text),
        b'\\' => escape(text),
        _ => Unit::Plain,
    }
}

/// The first unit of a text in which only HTML entities are escapes.
fn html_unit(text: &[u8]) -> Unit {
    if text[0] == b'&' { entity(text) } else { Unit::Plain }
}

fn entity(text: &[u8]) -> Unit {
    if let Some((name, byte)) = ENTITIES.iter().find(|(name, _)| text[1..].starts_with(name)) {
        return Unit::Escape(*byte, 1 + name.len());
    }
    let (start, base) = match &text[1..] {
        [b'#', b'x' | b'X', ..] => (3, 16),
        [b'#', ..] => (2, 10),
        rest => {
            let begins = ENTITIES.iter().any(|(name, _)| name.starts_with(rest));
            return if begins { Unit::CutOff } else { Unit::Plain };
        }
    };
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(base);
    let digits = text[start..].iter().take(16).take_while(is_digit).count();
    let end = start + digits;
    match character(&text[start..end], base) {
        _ if end == text.len() => Unit::CutOff,
        Some(byte) => Unit::Escape(byte, end + usize::from(text[end] == b';')),
        None => Unit::Plain,
    }
}

/// The unit that begins with backslashes, however often each was escaped.
fn escape(text: &[u8]) -> Unit {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let escaped = |byte: Option<u8>, length: usize| match byte {
        Some(0 | b'\r' | b'\n') => Unit::LeftOut(slashes + length),
        Some(byte) => Unit::Escape(byte, slashes + length),
        None => Unit::Plain,
    };
    match &text[slashes..] {
        [b'u', b'{', rest @ ..] => match rest.iter().take(8).position(|byte| *byte == b'}') {
            Some(end) => escaped(character(&rest[..end], 16), end + 3),
            None if rest.len() < 8 => Unit::CutOff,
            None => Unit::Plain,
        },
        [b'u', rest @ ..] => match rest.get(..4) {
            Some(digits) => escaped(character(digits, 16), 5),
            None => Unit::CutOff,
        },
        [b'x', rest @ ..] => match rest.get(..2) {
            Some(digits) => escaped(character(digits, 16), 3),
            None => Unit::CutOff,
        },
        [b'n' | b'r', ..] => escaped(Some(b'\n'), 1),
        [b't', ..] => escaped(Some(b'\t'), 1),
        [byte, ..] if byte.is_ascii() => escaped(Some(*byte), 1),
        [] => Unit::CutOff,
        _ => Unit::Plain,
    }
}

/// The ASCII character with this number.
fn character(digits: &[u8], base: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u32::from_str_radix(digits, base).ok().and_then(|number| u8::try_from(number).ok()).filter(u8::is_ascii)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(token: &str, text: &str, is_cut: bool) -> String {
        let mut secrets = Secrets::default();
        secrets.add(token);
        secrets.mask(text, is_cut).into_owned()
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    fn json(text: &str) -> String {
        let text = serde_json::Value::from(text).to_string();
        text[1..text.len() - 1].to_owned()
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn wrapped(text: &str) -> String {
        text.as_bytes()
            .chunks(7)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect::<Vec<_>>()
            .join("\r\n")
    }

    /// How services echo what they were sent.
    const ENCODINGS: [fn(&str) -> String; 20] = [
        str::to_owned,
        json,
        |token| json(&json(token)),
        |token| json(&json(&json(token))),
        |token| token.bytes().map(|byte| format!("\\u{byte:04X}")).collect(),
        |token| token.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
        percent,
        |token| percent(&percent(token)),
        |token| json(&percent(token)),
        |token| percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC).to_string(),
        |token| token.bytes().map(|byte| format!("&#{byte};")).collect(),
        |token| token.bytes().map(|byte| format!("&#x{byte:X};")).collect(),
        |token| token.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;"),
        |token| STANDARD_NO_PAD.encode(token),
        |token| json(&wrapped(&STANDARD_NO_PAD.encode(token))),
        |token| percent(&URL_SAFE_NO_PAD.encode(token)),
        |token| URL_SAFE_NO_PAD.encode(format!("x:{token}")),
        |token| STANDARD_NO_PAD.encode(format!("Bearer {token}, and more")).replace('/', "\\/"),
        hex,
        |token| hex(token).to_uppercase(),
    ];

    /// All that a text may be read as: an oracle that knows of encodings, and of no mask.
    fn readings(text: &str) -> Vec<String> {
        let mut all = vec![text.to_owned()];
        let mut next = text.to_owned();
        for _ in 0..4 {
            let unquoted =
                serde_json::from_str::<String>(&format!("\"{}\"", next.replace('"', "\\\""))).unwrap_or(next.clone());
            for entity in [&unquoted, &next] {
                let mut plain = percent_encoding::percent_decode_str(entity).decode_utf8_lossy().into_owned();
                for byte in 33..127_u8 {
                    let forms = [
                        format!("&#{byte};"),
                        format!("&#x{byte:X};"),
                        format!("\\x{byte:02x}"),
                        format!("\\u{byte:04X}"),
                    ];
                    for form in forms {
                        plain = plain.replace(&form, &char::from(byte).to_string());
                    }
                }
                all.push(
                    plain.replace("&lt;", "<").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&"),
                );
            }
            next = all.last().cloned().unwrap_or_default();
        }
        for text in all.clone() {
            let text = text.replace(['\r', '\n'], "").replace("\\/", "/").replace('-', "+").replace('_', "/");
            for run in text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))) {
                for start in 0..run.len().min(4) {
                    let run = &run[start..];
                    let whole = run.len() - usize::from(run.len() % 4 == 1);
                    let engine = base64::engine::general_purpose::GeneralPurpose::new(
                        &base64::alphabet::STANDARD,
                        base64::engine::GeneralPurposeConfig::new()
                            .with_decode_allow_trailing_bits(true)
                            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
                    );
                    let bytes = engine.decode(&run[..whole]).unwrap_or_default();
                    all.push(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
            for run in text.split(|c: char| !c.is_ascii_hexdigit()) {
                for start in 0..run.len().min(2) {
                    let bytes = run.as_bytes()[start..].chunks_exact(2);
                    let bytes = bytes.filter_map(|pair| character(pair, 16)).collect::<Vec<_>>();
                    all.push(String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_token_is_in_no_text_however_it_is_encoded_and_cut(
            token in prop_oneof!["[A-Za-z0-9_.~+/=-]{8,48}", "[!-~]{8,24}", "[a-f0-9]{40}", "[ -~]{1}[!-~]{6}[!-~]{1}".prop_filter("white space ends it", |token| token.trim().len() == 8)],
            encoding in 0..ENCODINGS.len(),
            before in "[ a-z{}\":,]{0,9}",
            behind in "[ a-z{}\":,]{0,9}",
            cut in 0..400_usize,
        ) {
            let token = token.trim();
            let echo = ENCODINGS[encoding](token);
            let whole = format!("{before}{echo}{behind}");
            let masked = mask(token, &whole, false);
            for reading in readings(&masked) {
                prop_assert!(!reading.contains(token), "{token:?} as {echo:?} in {masked:?}: {reading:?}");
            }
            let cut = whole.chars().take(cut.min(before.len() + echo.len())).collect::<String>();
            let masked = mask(token, &cut, true);
            for reading in readings(&masked) {
                // More than eight characters of a beginning are never left.
                let begun = &token[..token.len().min(9)];
                prop_assert!(!reading.contains(begun), "{token:?} as {echo:?} cut in {masked:?}: {reading:?}");
            }
        }

        #[test]
        fn what_holds_no_token_stays_what_it_is(text in "\\PC{0,200}", is_cut: bool) {
            prop_assert_eq!(mask("s3cret-t0ken", &text, is_cut), text);
        }
    }

    #[test]
    fn a_backslash_of_html_escapes_nothing() {
        assert_eq!(mask("<!aaAAA\\", "&lt;!aaAAA\\a", false), "***a");
        assert_eq!(mask("<!aaAA%41", "&lt;!aaAA%41", false), "***");
    }

    #[test]
    fn a_mask_takes_no_more_than_the_token() {
        for (text, is_cut, expected) in [
            ("a s3cret-t0ken b", false, "a *** b"),
            ("{\"a\":\n\"s3cret-t0ken\"\n}", false, "{\"a\":\n\"***\"\n}"),
            ("s3cret-t0ken\n\nx", false, "***\n\nx"),
            ("\\n\\u0073\\u0033cret-t0ken\\n", false, "\\n***\\n"),
            ("%2Fs3cret%2Dt0ken%2F", false, "%2F***%2F"),
            ("s3cret-t0ke", true, "***"),
            ("a s3cret-t", true, "a ***"),
            ("a s3cre", true, "a s3cre"),
            ("a s3cret-t", false, "a s3cret-t"),
            ("a s3cret%2Dt%", true, "a ***"),
            ("\\ns3cret-t\\u00", true, "\\n***"),
            ("\\nczNjcmV0LXQwa2Vu\\n", false, "\\n***\\n"),
        ] {
            assert_eq!(mask("s3cret-t0ken", text, is_cut), expected, "{text:?}");
        }
    }
}
