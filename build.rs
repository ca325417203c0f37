//! Builds the crate again when a bundled policy, scenario or mapping changes, and writes the table of bundled mappings.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=policies");
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=mappings");
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name));
    let mappings = mappings(&variable("CARGO_MANIFEST_DIR")?.join("mappings"))?;
    fs::write(variable("OUT_DIR")?.join("mappings.rs"), mappings)
}

/// A table of the mappings in a folder: each subfolder's name, and the text of its `mapping.toml`. READMEs and samples are
/// not embedded.
fn mappings(folder: &Path) -> io::Result<String> {
    let mut folders = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    folders.retain(|folder| folder.join("mapping.toml").is_file());
    folders.sort();
    let mut table = String::from("/// Name and text of each bundled mapping.\nconst BUNDLED: &[(&str, &str)] = &[\n");
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        table.push_str(&format!(
            "    ({name:?}, include_str!({:?})),\n",
            folder.join("mapping.toml").display().to_string()
        ));
    }
    Ok(table + "];\n")
}
