//! The functions that a policy may call, beside its own: what each takes and gives. What is not here is refused, though
//! the engine may know it; what depends on anything but its arguments is refused by name.

use crate::lint::types::Kinds;

/// What a function takes and gives.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The kinds that each argument may be of.
    pub args: Vec<Kinds>,
    pub gives: Kinds,
}

/// Name, arguments and result; a letter is a kind: `n`umber, `s`tring, `b`oolean, `a`rray, `o`bject, se`t`, `*` any.
const TABLE: &[(&str, &str, &str)] = &[
    ("abs", "n", "n"),
    ("array.concat", "a a", "a"),
    ("array.reverse", "a", "a"),
    ("array.slice", "a n n", "a"),
    ("base64.decode", "s", "s"),
    ("base64.encode", "s", "s"),
    ("base64.is_valid", "s", "b"),
    ("bits.and", "n n", "n"),
    ("bits.negate", "n", "n"),
    ("bits.or", "n n", "n"),
    ("bits.rsh", "n n", "n"),
    ("bits.xor", "n n", "n"),
    ("ceil", "n", "n"),
    ("concat", "s at", "s"),
    ("contains", "s s", "b"),
    ("count", "saot", "n"),
    ("crypto.sha256", "s", "s"),
    ("endswith", "s s", "b"),
    ("floor", "n", "n"),
    ("format_int", "n n", "s"),
    ("glob.match", "s 0a s", "b"),
    ("glob.quote_meta", "s", "s"),
    ("graph.reachable", "o at", "t"),
    ("graph.reachable_paths", "o at", "t"),
    ("hex.decode", "s", "s"),
    ("hex.encode", "s", "s"),
    ("indexof", "s s", "n"),
    ("indexof_n", "s s", "a"),
    ("intersection", "t", "t"),
    ("is_array", "*", "b"),
    ("is_boolean", "*", "b"),
    ("is_null", "*", "b"),
    ("is_number", "*", "b"),
    ("is_object", "*", "b"),
    ("is_set", "*", "b"),
    ("is_string", "*", "b"),
    ("json.filter", "o aot", "o"),
    ("json.is_valid", "s", "b"),
    ("json.marshal", "*", "s"),
    ("json.patch", "* a", "*"),
    ("json.remove", "o aot", "o"),
    ("json.unmarshal", "s", "*"),
    ("lower", "s", "s"),
    ("max", "at", "*"),
    ("min", "at", "*"),
    ("net.cidr_contains", "s s", "b"),
    ("net.cidr_contains_matches", "saot saot", "t"),
    ("net.cidr_expand", "s", "t"),
    ("net.cidr_intersects", "s s", "b"),
    ("net.cidr_is_valid", "s", "b"),
    ("net.cidr_merge", "at", "t"),
    ("numbers.range", "n n", "a"),
    ("numbers.range_step", "n n n", "a"),
    ("object.filter", "o aot", "o"),
    ("object.get", "o * *", "*"),
    ("object.keys", "o", "t"),
    ("object.remove", "o aot", "o"),
    ("object.subset", "aot aot", "b"),
    ("object.union", "o o", "o"),
    ("object.union_n", "a", "o"),
    ("print", "*", "b"),
    ("product", "at", "n"),
    ("regex.find_n", "s s n", "a"),
    ("regex.is_valid", "s", "b"),
    ("regex.match", "s s", "b"),
    ("regex.replace", "s s s", "s"),
    ("regex.split", "s s", "a"),
    ("rego.metadata.chain", "", "a"),
    ("rego.metadata.rule", "", "o"),
    ("replace", "s s s", "s"),
    ("round", "n", "n"),
    ("semver.compare", "s s", "n"),
    ("semver.is_valid", "*", "b"),
    ("sort", "at", "a"),
    ("split", "s s", "a"),
    ("sprintf", "s a", "s"),
    ("startswith", "s s", "b"),
    ("strings.any_prefix_match", "sat sat", "b"),
    ("strings.any_suffix_match", "sat sat", "b"),
    ("strings.count", "s s", "n"),
    ("strings.replace_n", "o s", "s"),
    ("strings.reverse", "s", "s"),
    ("substring", "s n n", "s"),
    ("sum", "at", "n"),
    ("time.clock", "na", "a"),
    ("time.date", "na", "a"),
    ("time.diff", "na na", "a"),
    ("time.format", "na", "s"),
    ("time.parse_duration_ns", "s", "n"),
    ("time.parse_ns", "s s", "n"),
    ("time.parse_rfc3339_ns", "s", "n"),
    ("time.weekday", "na", "s"),
    ("to_number", "nsb0", "n"),
    ("trim", "s s", "s"),
    ("trim_left", "s s", "s"),
    ("trim_prefix", "s s", "s"),
    ("trim_right", "s s", "s"),
    ("trim_space", "s", "s"),
    ("trim_suffix", "s s", "s"),
    ("type_name", "*", "s"),
    ("union", "t", "t"),
    ("units.parse", "s", "n"),
    ("units.parse_bytes", "s", "n"),
    ("upper", "s", "s"),
    ("walk", "* a", "a"),
    ("yaml.is_valid", "s", "b"),
    ("yaml.unmarshal", "s", "*"),
];

/// What template strings become before they are read; no policy has such a name itself.
const GENERATED: [(&str, &str, &str); 1] = [("rollproof__template", "a", "s")];

/// What the engine knows and a policy may not call, with the reason.
#[cfg(test)]
const LEFT_OUT: &[(&str, &str)] = &[
    ("__builtin_sets.intersection", "internal to the engine"),
    ("__builtin_sets.union", "internal to the engine"),
    ("bits.lsh", "makes numbers of any size"),
    ("json.marshal_with_options", "the engines differ"),
    ("rand.intn", "not deterministic"),
    ("regex.find_all_string_submatch_n", "the engines differ"),
    ("regex.template_match", "the engines differ"),
    ("time.add_date", "the engines differ"),
    ("time.now_ns", "not deterministic"),
    ("trace", "its output goes nowhere"),
];

/// What depends on the clock, on chance, on the machine or on the network, and what to use instead.
const IMPURE: &[(&str, &str)] = &[
    (
        "time.now_ns",
        "the rollout's own times are in input.rollout and input.provenance, so that a replay gives the same verdict",
    ),
    ("rand.intn", "a verdict must be the same each time"),
    ("uuid.rfc4122", "a verdict must be the same each time"),
    ("opa.runtime", "a policy sees the document alone, no environment"),
    ("http.send", "a policy sees the document alone, no network; give facts beside it"),
    ("net.lookup_ip_addr", "a policy sees the document alone, no network; give facts beside it"),
    ("io.jwt.decode_verify", "it depends on the clock"),
];

/// What OPA has and a policy may not call here.
const ELSEWHERE: &[&str] = &[
    "all",
    "any",
    "array.flatten",
    "base64url.decode",
    "base64url.encode",
    "base64url.encode_no_pad",
    "bits.lsh",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "crypto.hmac.equal",
    "crypto.hmac.md5",
    "crypto.hmac.sha1",
    "crypto.hmac.sha256",
    "crypto.hmac.sha512",
    "crypto.md5",
    "crypto.parse_private_keys",
    "crypto.sha1",
    "crypto.x509.parse_and_verify_certificates",
    "crypto.x509.parse_and_verify_certificates_with_options",
    "crypto.x509.parse_certificate_request",
    "crypto.x509.parse_certificates",
    "crypto.x509.parse_keypair",
    "crypto.x509.parse_rsa_private_key",
    "graphql.is_valid",
    "graphql.parse",
    "graphql.parse_and_verify",
    "graphql.parse_query",
    "graphql.parse_schema",
    "graphql.schema_is_valid",
    "io.jwt.decode",
    "io.jwt.encode_sign",
    "io.jwt.encode_sign_raw",
    "io.jwt.verify_eddsa",
    "io.jwt.verify_es256",
    "io.jwt.verify_es384",
    "io.jwt.verify_es512",
    "io.jwt.verify_hs256",
    "io.jwt.verify_hs384",
    "io.jwt.verify_hs512",
    "io.jwt.verify_ps256",
    "io.jwt.verify_ps384",
    "io.jwt.verify_ps512",
    "io.jwt.verify_rs256",
    "io.jwt.verify_rs384",
    "io.jwt.verify_rs512",
    "json.marshal_with_options",
    "json.match_schema",
    "json.verify_schema",
    "providers.aws.sign_req",
    "regex.find_all_string_submatch_n",
    "regex.globs_match",
    "regex.template_match",
    "rego.parse_module",
    "set_diff",
    "strings.render_template",
    "strings.split_n",
    "time.add_date",
    "trace",
    "uri.is_valid",
    "uri.parse",
    "urlquery.decode",
    "urlquery.decode_object",
    "urlquery.encode",
    "urlquery.encode_object",
    "yaml.marshal",
];

/// Whether a function is one of OPA's that a policy may not call here.
pub fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.binary_search(&name).is_ok()
}

/// What is known of a function, if a policy may call it.
pub fn signature(name: &str) -> Option<Signature> {
    if let Some((_, args, gives)) = GENERATED.iter().find(|(known, ..)| *known == name) {
        return Some(Signature { args: args.split_whitespace().map(kinds).collect(), gives: kinds(gives) });
    }
    let at = TABLE.binary_search_by_key(&name, |(name, ..)| name).ok()?;
    let (_, args, gives) = TABLE[at];
    Some(Signature { args: args.split_whitespace().map(kinds).collect(), gives: kinds(gives) })
}

/// What to use instead of a function that is not deterministic.
pub fn impure(name: &str) -> Option<&'static str> {
    let listed = IMPURE.iter().find(|(known, _)| *known == name).map(|(_, remedy)| *remedy);
    let network = || name.starts_with("http.") || (name.starts_with("net.") && !name.starts_with("net.cidr"));
    listed.or_else(|| network().then_some("a policy sees the document alone, no network"))
}

/// What a function of other languages is called here.
pub fn name_in_rego(name: &str) -> Option<&'static str> {
    match name {
        "len" | "length" | "size" => Some("count"),
        "int" | "float" | "number" => Some("to_number"),
        "str" | "string" | "format" | "printf" => Some("sprintf"),
        "join" => Some("concat"),
        "has_prefix" | "starts_with" => Some("startswith"),
        "has_suffix" | "ends_with" => Some("endswith"),
        "tolower" | "lowercase" => Some("lower"),
        "toupper" | "uppercase" => Some("upper"),
        "strip" => Some("trim_space"),
        "keys" => Some("object.keys"),
        "merge" => Some("object.union"),
        "match" | "matches" | "re_match" => Some("regex.match"),
        "range" => Some("numbers.range"),
        "type" | "typeof" => Some("type_name"),
        _ => None,
    }
}

/// Every function that a policy may call.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, ..)| *name)
}

fn kinds(letters: &str) -> Kinds {
    letters.chars().fold(Kinds::NONE, |kinds, letter| {
        kinds.or(match letter {
            '0' => Kinds::NULL,
            'b' => Kinds::BOOLEAN,
            'n' => Kinds::NUMBER,
            's' => Kinds::STRING,
            'a' => Kinds::ARRAY,
            'o' => Kinds::OBJECT,
            't' => Kinds::SET,
            _ => Kinds::ALL,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rego::engine::functions::OPA_FUNCTIONS;

    /// What the engine has in another form.
    const LOWERED: [&str; 4] = ["print", "rego.metadata.chain", "rego.metadata.rule", "walk"];

    #[test]
    fn the_table_is_sorted_and_agrees_with_the_engine() {
        let names: Vec<_> = names().collect();
        assert!(names.is_sorted());
        let engine = crate::rego::engine::module::builtins();
        for name in &names {
            let arity = signature(name).expect("it is listed").args.len();
            let own = OPA_FUNCTIONS.iter().find(|(own, ..)| own == name).map(|(_, many, _)| usize::from(*many));
            let known = engine.get(name).copied().or(own);
            assert!(LOWERED.contains(name) || known == Some(arity), "{name}: {arity}, {known:?}");
            assert!(!is_elsewhere(name), "{name}");
        }
        for other in ["len", "int", "str", "join", "keys", "match", "range", "typeof", "merge", "strip", "has_prefix"] {
            assert!(name_in_rego(other).is_some_and(|name| names.contains(&name)), "{other}");
        }
        let listed: BTreeSet<_> = names.into_iter().chain(LEFT_OUT.iter().map(|(name, _)| *name)).collect();
        let forgotten: Vec<_> = engine.keys().filter(|name| !listed.contains(*name)).collect();
        assert!(forgotten.is_empty(), "{forgotten:?}");
    }
}
