//! Counts with their noun.

/// How many there are of something whose plural ends with `s`: `1 tenant`, `2 tenants`.
pub fn plural(many: impl TryInto<u64> + std::fmt::Display + Copy, one: &str) -> String {
    let s = if matches!(many.try_into(), Ok(1)) { "" } else { "s" };
    format!("{many} {one}{s}")
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn one_has_no_s() {
        let counts = [plural(0_usize, "tenant"), plural(1_u64, "tenant"), plural(2_usize, "tenant")];
        assert_eq!(counts, ["0 tenants", "1 tenant", "2 tenants"]);
    }
}
