# METADATA
# title: Modes
# description: >-
#   Computes which policies are in report mode. Their denials become warnings, and they do not halt. The configuration
#   sets this mode, or the policy itself for rollouts before the day on which it becomes effective.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.modes

import data.rollproof.lib.waivers

# The packages in report mode, each with the reason or with the day from which it denies.
reporting := object.union(not_yet_effective, configured) if {
	configured := {package_name: object.filter(mode, ["reason"]) |
		some package_name, mode in object.get(settings, "configured", {})
		mode.mode == "report"
	}
	not_yet_effective := {package_name: {"effective_from": day} |
		some package_name, day in object.get(settings, "effective_from", {})
		waivers.rollout_day < day
	}
}

default settings := {}

settings := given if given := data.rollproof.given.modes
