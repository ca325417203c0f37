//! Whether a policy can see the fleet's order, the phases, and where mapped items stand: large fleets would pay for them
//! where none does.

/// The words without which none of them is read.
const WORDS: [&str; 4] = ["order", "in_order", "phases", "items"];

/// Whether a policy's text names one of these, or reads the whole document. It may say so where neither is
/// read, which costs a little time, and never the other way round.
pub fn is_seen(text: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let names_one = text.split(|character| !is_part(character)).any(|word| WORDS.contains(&word));
    let reads_whole = |(at, word): (usize, &str)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[at + word.len()..].trim_start();
        !before && !after.starts_with(is_part) && !after.starts_with('.') && !after.starts_with("[\"")
    };
    names_one || text.match_indices("input").any(reads_whole) || text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::is_seen;

    #[test]
    fn what_names_it_or_reads_everything_sees_it() {
        for text in
            ["fleet.in_order[0]", "input.order", "input[\"phases\"]", "count(input)", "some k, v in input", "input[k]"]
        {
            assert!(is_seen(text), "{text}");
        }
        assert!(is_seen(r#"input["\u006frder"]"#), "an escape may spell anything");
        for text in [
            "input.rollout.next",
            "some cohort in input.cohorts",
            "inputs[k]",
            "my_input",
            "border := 1",
            "input[\"calls\"]",
        ] {
            assert!(!is_seen(text), "{text}");
        }
    }
}
