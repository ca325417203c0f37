//! Completions and manual pages, as a shell and `man` would meet them.

use std::process::Command;

use crate::support::{Case, read, run};

#[test]
fn bash_completes_commands_formats_and_shells() {
    let case = Case::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = case.run(["completions", shell]);
        assert!(ran.code == 0 && ran.stdout.contains("verify"), "{shell}: {}", ran.stderr);
        case.file(&format!("rollproof.{shell}"), ran.stdout);
    }
    for (words, wanted) in [("rollproof ver", "verify"), ("rollproof verify --format sa", "sarif")] {
        let script = format!(
            "source rollproof.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _rollproof rollproof \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        let ran = run(Command::new("bash").args(["--norc", "-c", &script]).current_dir(case.path("")));
        assert_eq!(ran.stdout.trim(), wanted, "{words}: {}", ran.stderr);
    }
    assert_eq!(case.run(["completions", "tcsh"]).code, 2);
}

#[test]
fn every_command_has_a_page_and_says_its_exit_codes() {
    let case = Case::new();
    let page = case.run(["man"]).stdout;
    assert!(page.contains(".TH rollproof 1") && page.contains("inconclusive: the evidence cannot decide"), "{page}");
    assert_eq!(case.run(["man", "pages/man1"]).code, 0);
    for name in ["rollproof", "rollproof-verify", "rollproof-run", "rollproof-drill-serve", "rollproof-policy-check"] {
        let page = read(&case.path(&format!("pages/man1/{name}.1")));
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
    let taken = case.file("file", "");
    let ran = case.run(["man", &taken.display().to_string()]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot write"), "{}", ran.stderr);
}
