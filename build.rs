//! Bundled policies are embedded: the crate is built anew when one changes.

fn main() {
    println!("cargo::rerun-if-changed=policies");
}
