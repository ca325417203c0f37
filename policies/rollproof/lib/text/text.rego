# METADATA
# title: Text
# description: Formats counts and lists of names for messages.
package rollproof.lib.text

# A count with the singular or the plural of what it counts.
plural(1, singular, _) := sprintf("1 %s", [singular])

plural(n, _, plural_form) := sprintf("%d %s", [n, plural_form]) if n != 1

tenants_are(n) := phrase if phrase := plural(n, "tenant is", "tenants are")

# A list of names; after ten, only the number of the others.
names(list) := concat(", ", list) if count(list) <= 10

names(list) := sprintf("%s and %d more", [concat(", ", array.slice(list, 0, 10)), count(list) - 10]) if count(list) > 10

# Whether a value is text that is not blank.
is_nonblank(value) if {
	is_string(value)
	trim_space(value) != ""
}
