//! Bundled policies and scenarios are embedded: the crate is built anew when one changes.

fn main() {
    println!("cargo::rerun-if-changed=policies");
    println!("cargo::rerun-if-changed=scenarios");
}
