# METADATA
# title: Modes
# description: >-
#   Which policies only report: what they deny is a warning, and they halt nothing. Either the configuration says so, or
#   the policy itself, for rollouts before the day on which it becomes effective.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.modes

import data.rollproof.lib.waivers

# By package: why, or from which day on it denies.
reporting := object.union(early, configured) if {
	configured := {package_name: object.filter(mode, ["reason"]) |
		some package_name, mode in object.get(settings, "configured", {})
		mode.mode == "report"
	}
	early := {package_name: {"effective_from": day} |
		some package_name, day in object.get(settings, "effective_from", {})
		waivers.date < day
	}
}

default settings := {}

settings := given if given := data.rollproof.given.modes
