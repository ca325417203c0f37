# METADATA
# title: Words
# description: Counts and names as a person would say them.
package rollproof.lib.text

# A count with what it counts.
plural(1, one, _) := sprintf("1 %s", [one])

plural(n, _, many) := sprintf("%d %s", [n, many]) if n != 1

tenants_are(n) := words if words := plural(n, "tenant is", "tenants are")

# The first ten names.
names(list) := concat(", ", list) if count(list) <= 10

names(list) := sprintf("%s and %d more", [concat(", ", array.slice(list, 0, 10)), count(list) - 10]) if count(list) > 10

# Text that says something: no other type, and not blank.
is_given(value) if {
	is_string(value)
	trim_space(value) != ""
}
