//! `sprintf` as OPA has it: Go's `fmt.Sprintf` over whole numbers, other numbers and texts; any other value is its text
//! in Rego.

use anyhow::{Result, bail};
use regorus::Value;

use crate::rego::engine::functions::args::string;
use crate::rego::engine::functions::text::{quote, write};

/// How wide a field, and how long a number's fraction, may be.
const MAX_WIDTH: usize = 1_000_000;

/// Formats values.
///
/// # Errors
/// Where the format is no text, or the values are no array.
pub fn sprintf(args: &[Value]) -> Result<Value> {
    let format: Vec<char> = string(args, 0)?.chars().collect();
    let Value::Array(values) = &args[1] else { bail!("argument 2 must be an array") };
    let values: Vec<Arg> = values.iter().map(Arg::new).collect();
    let mut printer =
        Printer { format: &format, at: 0, values: &values, next: 0, reordered: false, text: String::new() };
    printer.print();
    Ok(Value::from(printer.text))
}

/// A value as Go gets it.
enum Arg {
    Whole(String),
    Float(f64),
    Text(String),
}

impl Arg {
    fn new(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.to_string()),
            Value::Number(number) => {
                let digits = serde_json::to_string(value).unwrap_or_default();
                match number.as_f64() {
                    Some(float) if digits.contains(['.', 'e', 'E']) => Self::Float(float),
                    // In JSON, a number beyond 64 bits has an exponent.
                    _ => Self::Whole(number.format_decimal()),
                }
            }
            other => {
                let mut text = String::new();
                write(other, &mut text);
                Self::Text(text)
            }
        }
    }

    /// Whether it is a whole number that does not fit into 64 bits.
    fn is_large(&self) -> bool {
        matches!(self, Self::Whole(digits) if digits.parse::<i64>().is_err())
    }

    fn go_type(&self) -> &'static str {
        match self {
            Self::Whole(_) => {
                if self.is_large() {
                    "*big.Int"
                } else {
                    "int64"
                }
            }
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a character of the format")]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'f> {
    format: &'f [char],
    at: usize,
    values: &'f [Arg],
    next: usize,
    reordered: bool,
    text: String,
}

impl Printer<'_> {
    fn peek(&self) -> Option<char> {
        self.format.get(self.at).copied()
    }

    fn print(&mut self) {
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == '%' {
                self.verb();
            } else {
                self.text.push(c);
            }
        }
        if !self.reordered && self.next < self.values.len() {
            self.text += "%!(EXTRA ";
            let rest: Vec<String> = self.values[self.next..]
                .iter()
                .map(|arg| format!("{}={}", arg.go_type(), shown(arg, 'v', Flags::default())))
                .collect();
            self.text += &rest.join(", ");
            self.text.push(')');
        }
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let so_far: usize = number.unwrap_or_default();
            if so_far > MAX_WIDTH {
                // Go reads no further: nothing of the format is left for a verb.
                self.at = self.format.len();
                return None;
            }
            number = Some(so_far * 10 + digit as usize);
            self.at += 1;
        }
        number
    }

    /// `[n]`, which says whose turn it is; whether it is right.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return true;
        }
        self.reordered = true;
        let Some(length) = self.format[self.at..].iter().position(|c| *c == ']') else {
            self.at += 1;
            return false;
        };
        let digits: String = self.format[self.at + 1..self.at + length].iter().collect();
        self.at += length + 1;
        match digits.parse::<usize>() {
            Ok(number) if (1..=self.values.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            _ => false,
        }
    }

    /// A width or a precision that is a value.
    fn star(&mut self) -> Option<i64> {
        self.at += 1;
        let arg = self.values.get(self.next);
        self.next += usize::from(arg.is_some());
        match arg {
            Some(Arg::Whole(digits)) => digits.parse().ok().filter(|number: &i64| number.unsigned_abs() <= 1_000_000),
            _ => None,
        }
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    fn verb(&mut self) {
        let mut flags = self.flags();
        let mut right = self.index();
        if self.peek() == Some('*') {
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.text += "%!(BADWIDTH)",
            }
        } else {
            flags.width = self.number();
        }
        if self.peek() == Some('.') {
            self.at += 1;
            right &= self.index();
            if self.peek() == Some('*') {
                match self.star() {
                    Some(precision) => flags.precision = usize::try_from(precision).ok(),
                    None => self.text += "%!(BADPREC)",
                }
            } else {
                flags.precision = Some(self.number().unwrap_or_default());
            }
        }
        right &= self.index();
        let Some(verb) = self.peek() else {
            self.text += "%!(NOVERB)";
            return;
        };
        self.at += 1;
        if verb == '%' {
            self.text.push('%');
        } else if !right {
            self.text += &format!("%!{verb}(BADINDEX)");
        } else if let Some(arg) = self.values.get(self.next) {
            self.next += 1;
            self.text += &shown(arg, verb, flags);
        } else {
            self.text += &format!("%!{verb}(MISSING)");
        }
    }
}

fn shown(arg: &Arg, verb: char, flags: Flags) -> String {
    match (arg, verb) {
        (_, 'T') => padded(arg.go_type(), flags, false),
        // A number that is too large for a machine word is of another type in Go, which has verbs of its own.
        (Arg::Whole(digits), 's') if arg.is_large() => whole(digits, verb, flags),
        (Arg::Whole(digits), 'c' | 'q' | 'U') if arg.is_large() => format!("%!{verb}(big.Int={digits})"),
        (Arg::Whole(digits), 'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' | 'c' | 'q' | 'U') => whole(digits, verb, flags),
        (Arg::Float(float), 'v' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G') => number(*float, verb, flags),
        (Arg::Text(text), 'v' | 's' | 'q' | 'x' | 'X') => words(text, verb, flags),
        (Arg::Whole(digits), _) if arg.is_large() => format!("%!{verb}(big.Int={digits})"),
        _ => format!("%!{verb}({}={})", arg.go_type(), shown(arg, 'v', flags)),
    }
}

fn words(text: &str, verb: char, flags: Flags) -> String {
    let cut: String = flags.precision.map_or_else(|| text.to_owned(), |most| text.chars().take(most).collect());
    let made = match verb {
        'q' => {
            let mut quoted = String::new();
            quote(&cut, &mut quoted);
            quoted
        }
        'x' | 'X' => {
            let most = flags.precision.unwrap_or(usize::MAX);
            let hex: String = text.bytes().take(most).map(|byte| format!("{byte:02x}")).collect();
            if verb == 'X' { hex.to_uppercase() } else { hex }
        }
        _ => cut,
    };
    padded(&made, flags, false)
}

/// Text in a field; `numeric` where zeros may fill it.
fn padded(text: &str, flags: Flags, numeric: bool) -> String {
    let missing = flags.width.unwrap_or_default().saturating_sub(text.chars().count());
    if flags.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    if flags.zero {
        let sign = numeric && text.starts_with(['-', '+', ' ']);
        let (sign, digits) = text.split_at(usize::from(sign));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    format!("{}{text}", " ".repeat(missing))
}

const fn sign(negative: bool, flags: Flags) -> &'static str {
    match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn whole(digits: &str, verb: char, flags: Flags) -> String {
    let (negative, magnitude) = digits.strip_prefix('-').map_or((false, digits), |rest| (true, rest));
    let code = magnitude.parse::<u32>().ok();
    let character = || if negative { None } else { code.and_then(char::from_u32) }.unwrap_or('\u{fffd}');
    let (prefix, made) = match verb {
        'c' => return padded(&character().to_string(), flags, false),
        'q' => return padded(&format!("'{}'", character()), flags, false),
        'U' => return padded(&format!("U+{:0>4}", in_base(magnitude, 16).to_uppercase()), flags, false),
        'b' => (if flags.sharp { "0b" } else { "" }, in_base(magnitude, 2)),
        'o' => (if flags.sharp { "0" } else { "" }, in_base(magnitude, 8)),
        'O' => ("0o", in_base(magnitude, 8)),
        'x' => (if flags.sharp { "0x" } else { "" }, in_base(magnitude, 16)),
        'X' => (if flags.sharp { "0X" } else { "" }, in_base(magnitude, 16).to_uppercase()),
        _ => ("", magnitude.to_owned()),
    };
    let sign = sign(negative, flags);
    let mut least = flags.precision.unwrap_or_default();
    if flags.precision == Some(0) && magnitude == "0" {
        return padded("", Flags { zero: false, ..flags }, false);
    }
    if flags.zero && !flags.minus && flags.precision.is_none() {
        least = flags.width.unwrap_or_default().saturating_sub(sign.len());
    }
    let zeros = "0".repeat(least.saturating_sub(made.len()));
    padded(&format!("{sign}{prefix}{zeros}{made}"), Flags { zero: false, ..flags }, false)
}

/// A whole number of any size in another base, of at most 16.
fn in_base(decimal: &str, base: u64) -> String {
    /// How many decimal digits a limb holds.
    const DIGITS: usize = 9;
    const LIMB: u64 = 1_000_000_000;
    let digits = decimal.as_bytes();
    let limb = |part: &[u8]| part.iter().fold(0, |limb, digit| limb * 10 + u64::from(digit - b'0'));
    // The largest limb comes first.
    let mut limbs: Vec<u64> = digits.rchunks(DIGITS).rev().map(limb).collect();
    let mut made = Vec::new();
    loop {
        let mut rest = 0;
        for limb in &mut limbs {
            let value = rest * LIMB + *limb;
            (*limb, rest) = (value / base, value % base);
        }
        made.extend(u32::try_from(rest).ok().and_then(|digit| char::from_digit(digit, 16)));
        if limbs.iter().all(|limb| *limb == 0) {
            return made.into_iter().rev().collect();
        }
    }
}

fn number(float: f64, verb: char, flags: Flags) -> String {
    let magnitude = float.abs();
    let made = match verb {
        'e' | 'E' => exponent(&format!("{magnitude:.*e}", flags.precision.unwrap_or(6))),
        'f' | 'F' => format!("{magnitude:.*}", flags.precision.unwrap_or(6)),
        _ => general(magnitude, flags.precision),
    };
    let made = if matches!(verb, 'E' | 'G') { made.to_uppercase() } else { made };
    padded(&format!("{}{made}", sign(float.is_sign_negative(), flags)), flags, true)
}

/// An exponent of Rust's as Go writes it: with its sign and at least two digits.
fn exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `%g`: the shorter of `%e` and `%f`.
fn general(magnitude: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        Some(precision) => format!("{magnitude:.*e}", precision.max(1) - 1),
        None => format!("{magnitude:e}"),
    };
    let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_end_matches('0').len().max(1);
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let limit = precision.max(1);
            let whole = usize::try_from(power + 1).unwrap_or_default();
            if limit > significant && significant >= whole { significant } else { limit }
        }
    };
    if power < -4 || power >= i32::try_from(limit).unwrap_or(i32::MAX) {
        let digits = digits.trim_end_matches('0');
        let (first, rest) = digits.split_at(digits.len().min(1));
        let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        return exponent(&format!("{}{rest}e{power}", if first.is_empty() { "0" } else { first }));
    }
    if precision.is_none() {
        return format!("{magnitude}");
    }
    let fraction = usize::try_from(i32::try_from(significant).unwrap_or(i32::MAX) - 1 - power).unwrap_or_default();
    format!("{magnitude:.fraction$}")
}
