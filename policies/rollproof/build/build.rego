# METADATA
# title: Build
# description: Every proven tenant reports at /buildinfo that it runs the rollout's commit, if builds were probed.
# schemas:
#   - input: schema["document.schema"]
package rollproof.build

import data.rollproof.lib.fleet
import data.rollproof.lib.gates
import data.rollproof.lib.proof
import data.rollproof.lib.text

# Builds are evaluated only if the rollout ended normally: not in a dry run, not after a halt or an interruption, and not
# for a superseded job.
is_asserted if {
	not input.rollout.dry_run
	input.rollout.outcome in {"completed", "unknown"}
	not is_superseded
}

is_superseded if gates.head.state == "superseded"

# The cohorts that are probed. Stragglers, quarantined or not, are known not to run the build.
cohorts_to_probe contains i if {
	is_asserted
	some i in fleet.asserted
	i in proof.proven
}

# The cohorts that the driver probes first, as indices into input.cohorts.
first_probe_cohorts contains i if {
	count(input.probes) == 0
	some i in cohorts_to_probe
}

# The probes that the driver repeats until they answer with the commit, as indices into input.probes.
probes_to_repeat contains i if {
	some i, _ in input.probes
	not i in on_target
}

# The probes that were answered, as indices into input.probes. Only HTTP 200 with a readable body is an answer.
answered contains i if {
	some i, probe in input.probes
	probe.status == 200
	not probe.error
}

commits := {i: lower(trim_space(sha)) | some i in answered; sha := input.probes[i].git_sha; is_string(sha)}

on_target contains i if {
	target_commit := lower(trim_space(input.rollout.target_sha))
	some i, commit in commits
	not i in unwired
	is_same(commit, target_commit)
}

# An unwired build stamp gives no information about the build: no commit, an empty one, "dev" or only zeros.
unwired contains i if {
	some i in answered
	not commits[i]
}

unwired contains i if {
	some i, commit in commits
	commit == "dev"
}

unwired contains i if {
	some i, commit in commits
	trim(commit, "0") == ""
}

stale := (answered - unwired) - on_target

unreachable := {i | some i, _ in input.probes} - answered

# Two commits are the same if the shorter one has at least seven digits and the longer one begins with it.
is_same(commit, other) if commit == other

is_same(commit, other) if {
	is_commit(commit)
	startswith(other, commit)
}

is_same(commit, other) if {
	is_commit(other)
	is_commit(commit)
	startswith(commit, other)
}

is_commit(commit) if regex.match(`^([0-9a-f]{7,40}|[0-9a-f]{64})$`, commit)

# METADATA
# title: Stale build
# description: These tenants report another commit than the rollout's.
# custom:
#   codes: [build.stale]
#   remedy: Check what these tenants run. The control plane reports them as proven, and they report another commit.
deny contains finding if {
	some message, indices in group_by_message(stale)
	finding := {
		"code": "build.stale",
		"message": sprintf("%s stale: /buildinfo says %s", [text.tenants_are(size(indices)), message]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"git_sha": target},
		"at": pointer(indices),
	}
}

# METADATA
# title: Unreachable build
# description: These tenants gave no answer that names a build.
# custom:
#   codes: [build.unreachable]
#   remedy: Find out why their /buildinfo cannot be reached or read. Their build is unknown until it answers.
deny contains finding if {
	some message, indices in group_by_message(unreachable)
	finding := {
		"code": "build.unreachable",
		"message": sprintf("%s unreachable: %s", [text.tenants_are(size(indices)), message]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"status": 200, "git_sha": target},
		"at": pointer(indices),
	}
}

# METADATA
# title: Tenants that were not probed
# description: These tenants are proven, and the document has no probe of them.
# custom:
#   codes: [build.unreachable]
#   remedy: Probe the document again with `rollproof probe`.
deny contains finding if {
	count(unprobed_tenants) > 0
	finding := {
		"code": "build.unreachable",
		"message": sprintf("%s unreachable: nobody asked", [text.tenants_are(count(unprobed_tenants))]),
		"tenants": unprobed_tenants,
	}
}

# METADATA
# title: Unwired build
# description: These tenants answer, and their build stamp names no commit.
# custom:
#   codes: [build.unwired]
#   remedy: Make the build write its commit to where /buildinfo reads it. Until then, /buildinfo proves nothing.
deny contains finding if {
	some message, indices in group_by_message(unwired)
	finding := {
		"code": "build.unwired",
		"message": sprintf("%s unwired: /buildinfo says %s", [text.tenants_are(size(indices)), message]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"git_sha": target},
		"at": pointer(indices),
	}
}

# METADATA
# title: Nothing probed
# description: Builds were to be probed, and no tenant was probed.
# custom:
#   codes: [build.nothing_probed]
#   waivable: false
#   remedy: If no tenant is proven, find out why. Otherwise probing never began, so run `rollproof probe` on the document.
deny contains finding if {
	is_asserted
	count(input.probes) == 0
	finding := {
		"code": "build.nothing_probed",
		"message": sprintf("builds were to be probed, and nobody was: %s proven", [text.tenants_are(fleet.size(cohorts_to_probe))]),
		"observed": {"probed": 0},
		"expected": {"probed_at_least": 1},
	}
}

default target := "the rollout names no commit"

target := sha if sha := input.rollout.target_sha

# The proven tenants that no probe names.
unprobed_tenants contains tenant if {
	count(input.probes) > 0
	named := {tenant | some probe in input.probes; some tenant in probe.tenants}
	some i in cohorts_to_probe
	some tenant in input.cohorts[i].tenants
	not tenant in named
}

# The given probes by their message.
group_by_message(indices) := {message: group |
	is_asserted
	some message in {found | some i in indices; found := messages[i]}
	group := {i | some i in indices; messages[i] == message}
}

messages := {i: message |
	some i, detail in object.union_n([unreachable_messages, unwired_messages, stale_messages])
	message := with_request_count(detail, input.probes[i].asked)
}

with_request_count(detail, 0) := detail

with_request_count(detail, requests) := message if {
	requests > 0
	message := sprintf("%s; asked %s", [detail, text.plural(requests, "time", "times")])
}

# A message has no raw text of an answer other than a commit. The raw text is in `observed`.
unreachable_messages := {i: message | some i in unreachable; message := failure_text(input.probes[i])}

unwired_messages := {i: message | some i in unwired; message := missing_stamp_text(object.get(commits, i, null))}

stale_messages := {i: message | some i in stale; message := sprintf("%s, not %s", [commit_text(commits[i]), target])}

failure_text(probe) := "the slug cannot stand in a URL, so nobody asked" if {
	probe.asked == 0
	probe.error
} else := "probing ended before any answer" if {
	probe.asked == 0
} else := reason if {
	reason := probe.failure.reason
	kind := probe.failure.kind
	not kind in quoting_kinds
} else := "no answer came" if {
	not probe.status
} else := sprintf("HTTP %d", [probe.status]) if {
	probe.status != 200
} else := "HTTP 200, and no build can be read from the answer"

# Kinds of failures whose reason quotes an answer.
quoting_kinds := {"html", "no_json"}

missing_stamp_text(commit) := "no commit" if {
	commit == null
} else := "an empty commit" if {
	commit == ""
} else := "the commit dev" if {
	commit == "dev"
} else := "a commit of zeros"

commit_text(commit) := commit if is_commit(commit)

commit_text(commit) := "something that is no commit" if not is_commit(commit)

size(indices) := sum([count(input.probes[i].tenants) | some i in indices])

tenants(indices) := [tenant |
	some i in indices
	some tenant in input.probes[i].tenants
]

observed(indices) := [probe |
	some i in indices
	probe := object.filter(input.probes[i], ["url", "asked", "status", "git_sha", "error", "failure"])
]

pointer(indices) := sprintf("/probes/%d", [min(indices)])

not_applicable := "not probed" if not input.probes

not_applicable := "not probed" if {
	count(input.probes) == 0
	count(cohorts_to_probe) == 0
}
