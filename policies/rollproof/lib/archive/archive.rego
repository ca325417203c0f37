# METADATA
# title: Archive
# description: What an archived response says of itself.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.archive

# METADATA
# title: Whether the archive's error is a verdict on coverage, and no failed call
says_incomplete if {
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

# METADATA
# title: The tenants that the archive claims to be stragglers
# description: An archive that says ok and lists none claims that there is none; one that does neither claims nothing.
claimed_stragglers := claimed if {
	is_array(input.archive.stragglers)
	claimed := {tenant | some tenant in input.archive.stragglers}
} else := set() if {
	input.archive.ok == true
}
