//! What a rule of findings may make: a message, or an object with the keys of a finding. A wrong key would be noticed
//! only when the rule speaks for the first time.

use crate::declared::bundled::reserved;
use crate::declared::names::{RULES, is_ours};
use crate::lint::type_checker::TypeChecker;
use crate::lint::types::{Kinds, Type};
use crate::rego::syntax::{Expr, Rule};
use crate::text::suggest::nearest;

/// The keys of a finding, and what each may hold.
const KEYS: [(&str, Kinds); 6] = [
    ("at", Kinds::STRING),
    ("code", Kinds::STRING),
    ("expected", Kinds::ALL),
    ("message", Kinds::STRING),
    ("observed", Kinds::ALL),
    ("tenants", Kinds::ARRAY.or(Kinds::SET)),
];

/// Keys of other tools, and the key of a finding that means the same.
const OTHER_TOOLS_KEYS: [(&str, &str); 4] =
    [("msg", "message"), ("details", "observed"), ("metadata", "observed"), ("actual", "observed")];

/// Checks what a definition of a set adds to it.
pub fn check(walker: &mut TypeChecker<'_, '_>, rule: &Rule, expr: &Expr, of: &Type) {
    if !RULES.contains(&&*rule.name) {
        return;
    }
    let Type::Known(known) = of else { return };
    if !known.kinds.meets(Kinds::STRING.or(Kinds::OBJECT)) {
        let what = format!("{} says {}, which is no finding", rule.name, known.kinds);
        let remedy =
            "a finding is a message, or an object with code, message and perhaps tenants, observed, expected, at";
        return walker.add(expr.place, what, remedy);
    }
    if known.kinds != Kinds::OBJECT {
        return;
    }
    let mut meant = Vec::new();
    for (key, field) in &known.fields {
        let Some((_, allowed)) = KEYS.into_iter().find(|(name, _)| name == key) else {
            let alike = OTHER_TOOLS_KEYS.into_iter().find(|(name, _)| name == key).map(|(_, known)| known);
            let near = alike.or_else(|| nearest(key, KEYS.into_iter().map(|(name, _)| name)));
            meant.extend(near);
            let remedy = near.map_or_else(
                || "the keys are code, message, tenants, observed, expected and at".into(),
                |near| format!("did you mean {near:?}?"),
            );
            walker.add(expr.place, format!("a finding has no key {key:?}"), remedy);
            continue;
        };
        if !field.ty.kinds().meets(allowed) {
            let what = format!("a finding's {key} is {allowed}, and this is {}", field.ty.kinds());
            walker.add(expr.place, what, format!("give it {allowed}"));
        }
    }
    for key in ["code", "message"] {
        // Where a key is misspelt, that it is missing follows.
        if known.rest.is_none() && !known.fields.contains_key(key) && !meant.contains(&key) {
            walker.add(expr.place, format!("this finding has no {key}"), "a finding has at least code and message");
        }
    }
    if !is_ours(&walker.module.package)
        && let Some(Type::Known(code)) = known.fields.get("code").map(|field| &field.ty)
    {
        for code in code.words.iter().flatten() {
            if let Some(prefix) = reserved(code) {
                let what = format!("the code {code:?} begins as those of the bundled policies do");
                walker.add(expr.place, what, format!("begin it with a name of your own, not with {prefix:?}"));
            }
        }
    }
}
