//! The page of `audit --against`: which verdicts flip, by what and of whom, and what the two sides judge by.

use serde_json::{Value, json};

use crate::audit::{Archives, GOOD};
use crate::html::{markup, plain};
use crate::markup::{is_balanced, own_markup, tags};
use crate::support::snapshot;

const BEHIND: [(&str, bool); 3] = [("acme", true), ("bolt", true), ("cove", false)];

/// A folder with a policy that denies a rollout in which one of these tenants is not proven.
fn policy(archives: &Archives, folder: &str, tenants: &[&str], message: &str) {
    std::fs::create_dir_all(archives.0.path(folder)).expect("a folder");
    let (tenants, message) = (json!(tenants), json!(message));
    archives.0.file(
        &format!("{folder}/strict.rego"),
        format!(
            "# METADATA\n# title: Strict\n# description: Some tenants are proven.\npackage strict\n\ndeny contains finding if {{\n\tsome cohort in input.cohorts\n\tcohort.rows[0].verified_on_target == false\n\tsome tenant in cohort.tenants\n\ttenant in {tenants}\n\tfinding := {{\"code\": \"strict.unproven\", \"message\": {message}, \"tenants\": [tenant]}}\n}}\n"
        ),
    );
}

fn two_policies() -> Archives {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 1, &GOOD).rollout("2026-07-02T10-00", 1, &BEHIND);
    policy(&archives, "old", &["nobody"], "it is not proven");
    policy(&archives, "new", &["cove"], "it is not proven");
    archives
}

fn page(archives: &Archives, args: &[&str]) -> String {
    let ran = archives.audit(&[args, &["--behind-for", "1000h", "--format", "html"]].concat());
    assert!(ran.code < 2, "{}", ran.stderr);
    ran.stdout
}

/// The section of a page, an element a line.
fn section(page: &str) -> String {
    let markup = markup(page);
    let (_, section) = markup.split_once("<section id=\"flips\"").expect("it is there");
    section.split("</section>").next().expect("it ends").to_owned()
}

#[test]
fn a_page_shows_which_verdicts_flip_by_what_and_of_whom() {
    let archives = two_policies();
    let shown = page(&archives, &["--policy", "new", "--against", "old"]);
    // The digests of the bundled policies are those of the version.
    let digest = |text: &str| {
        text.split("<code>")
            .map(|part| {
                let end = part.find("</code>").unwrap_or_default();
                let is_hash = end >= 12 && part[..end].chars().all(|c| c.is_ascii_hexdigit());
                if is_hash { format!("…{}", &part[end..]) } else { part.to_owned() }
            })
            .collect::<Vec<_>>()
            .join("<code>")
    };
    snapshot("audit-html-flips.txt", &digest(&section(&shown)));
    assert_eq!(shown, page(&archives, &["--policy", "new", "--against", "old"]));
    assert_eq!(shown.matches("<script").count(), 2);
    let found = tags(&own_markup(&shown)).expect("it can be read");
    is_balanced(&found).expect("every element ends");
    // It is a file beside the verdict as well.
    let args = ["--policy", "new", "--against", "old", "--behind-for", "1000h", "--report", "html=flips.html"];
    assert!(archives.audit(&args).stdout.contains("1 of 2 verdicts flips"));
    assert_eq!(std::fs::read_to_string(archives.0.path("flips.html")).expect("a page"), shown);
    // Without the question there is no answer.
    assert!(!page(&archives, &[]).contains("id=\"flips\""));
}

#[test]
fn a_page_has_every_flip_of_the_report() {
    let archives = two_policies();
    for day in 3..10 {
        archives.rollout(&format!("2026-07-0{day}T10-00"), 1, if day % 2 == 0 { &BEHIND } else { &GOOD });
    }
    let args = ["--policy", "new", "--against", "old"];
    let (_, report) = archives.report(&[&args[..], &["--behind-for", "1000h"]].concat());
    let page = plain(&section(&page(&archives, &args)));
    let flips = report["comparison"]["flips"].as_array().expect("flips");
    assert_eq!(flips.len(), 4);
    for flip in flips {
        let archive = flip["archive"].as_str().expect("a name");
        assert!(page.contains(&format!("<code>{archive}</code>")), "{archive}: {page}");
    }
    assert!(page.contains("<td>4</td>\n<td>1 tenant: cove</td>"), "{page}");
    assert_eq!(page.matches("<td>pass</td>\n<td>\n<strong>fail</strong>").count(), 4, "{page}");
}

/// A policy may say a thousand things of a rollout: a page and a comment stay small.
#[test]
fn of_many_reasons_the_first_are_told_and_the_others_counted() {
    let archives = two_policies();
    archives.0.file(
        "new/strict.rego",
        "# METADATA\n# title: Strict\n# description: Says much.\npackage strict\n\ndeny contains finding if {\n\tsome cohort in input.cohorts\n\tcohort.rows[0].verified_on_target == false\n\tsome n in numbers.range(11, 30)\n\tfinding := {\"code\": \"strict.many\", \"message\": sprintf(\"reason %d\", [n]), \"tenants\": cohort.tenants}\n}\n",
    );
    let args = ["--policy", "new", "--against", "old"];
    let page = section(&page(&archives, &args));
    assert_eq!(page.matches("reason 1").count(), 3, "{page}");
    assert!(page.contains("<p>and 17 more reasons</p>"), "{page}");
    let markdown = archives.audit(&[&args[..], &["--behind-for", "1000h", "--format", "markdown"]].concat()).stdout;
    let flips = markdown.split("### Verdicts that flip").nth(1).expect("it is there");
    assert!(flips.contains("and 17 more reasons") && flips.matches("reason 1").count() == 3, "{flips}");
}

#[test]
fn nothing_that_is_compared_becomes_markup() {
    let archives = two_policies();
    policy(&archives, "new", &["cove"], "<img src=x onerror=alert(1)></script><script>\u{202e}");
    let page = page(&archives, &["--policy", "new", "--against", "old"]);
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (2, 0), "{page}");
    assert!(section(&page).contains("&lt;img") && !page.contains('\u{202e}'), "{page}");
}

/// A configuration stands in the place of a configuration, and the policies stay what they are.
#[test]
fn a_configuration_is_compared_beside_the_same_policies() {
    let archives = two_policies();
    archives.0.file("strict.toml", "[params]\nmax_stragglers = 0\n");
    let args = ["--policy", "new", "--against", "strict.toml"];
    let (_, report) = archives.report(&[&args[..], &["--behind-for", "1000h"]].concat());
    let sides = &report["comparison"]["sides"];
    let packages = |side: &str| -> Vec<Value> {
        let policies = sides[side]["policies"].as_array().expect("policies");
        policies.iter().map(|policy| policy["package"].clone()).collect()
    };
    assert!(packages("before").contains(&json!("strict")));
    assert_eq!(packages("before"), packages("now"));
    assert_eq!((&sides["before"]["named"], &sides["now"]["named"]), (&json!(["new", "strict.toml"]), &json!(["new"])));
    // The policy of both denies the second rollout, whatever is tolerated.
    assert_eq!(report["comparison"]["flips"], json!([]));
    let page = plain(&section(&page(&archives, &args)));
    for words in [
        "0 of 2 verdicts flip against",
        "<code>max_stragglers</code>\n</th>\n<td>\n<code>0</code>",
        "The same on both sides: ",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
