//! A parameter has a name that says what it is: no function takes a tuple. How many parameters there are at most,
//! `clippy.toml` says.

use syn::visit::Visit;

use super::sources;

/// The functions of a file that take a tuple.
#[derive(Default)]
struct Reader {
    found: Vec<String>,
}

fn is_tuple(argument: &syn::FnArg) -> bool {
    let syn::FnArg::Typed(argument) = argument else { return false };
    let mut kind = &*argument.ty;
    while let syn::Type::Reference(reference) = kind {
        kind = &reference.elem;
    }
    matches!(kind, syn::Type::Tuple(_))
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.inputs.iter().any(is_tuple) {
            self.found.push(signature.ident.to_string());
        }
        syn::visit::visit_signature(self, signature);
    }
}

fn takes_a_tuple(text: &str) -> Vec<String> {
    let mut reader = Reader::default();
    reader.visit_file(&syn::parse_file(text).expect("it is Rust"));
    reader.found
}

#[test]
fn no_function_takes_a_tuple() {
    let found = sources().into_iter().map(|(path, text)| (path, takes_a_tuple(&text)));
    assert_eq!(found.filter(|(_, found)| !found.is_empty()).collect::<Vec<_>>(), []);
}

#[test]
fn a_tuple_is_found_wherever_a_function_takes_one() {
    for text in [
        "fn f(x: (u8, u8)) {}",
        "fn f((a, b): (u8, u8)) {}",
        "impl S { fn f(&self, x: &mut (u8, u8)) {} }",
        "trait T { fn f(x: &(u8, u8)); }",
        "fn g() { fn f(x: (u8, u8)) {} }",
    ] {
        assert_eq!(takes_a_tuple(text), ["f"], "{text}");
    }
    assert!(takes_a_tuple("fn f(x: Vec<(u8, u8)>, y: impl Fn((u8, u8))) -> (u8, u8) { x[0] }").is_empty());
}
