//! The committed schemas are the generated ones, and what is written is valid against them.

use rollproof::internal::{Name, generate};

use crate::judged;
use crate::support::{golden, root};

#[test]
fn committed_schemas_are_generated() {
    for name in Name::ALL {
        golden(&root().join("schemas").join(name.file()), &format!("{:#}\n", generate(name)));
    }
}

#[test]
fn what_is_written_is_valid() {
    let validator = |name: Name| jsonschema::validator_for(&name.schema()).expect("it compiles");
    let (documents, reports) = (validator(Name::Document), validator(Name::Report));
    for judged in judged::all() {
        for (validator, value) in [(&reports, &judged.report), (&documents, &judged.document)] {
            let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", judged.name);
        }
    }
}
