# METADATA
# title: Build
# description: Every proven tenant says itself that it runs the rollout's commit, where builds were probed.
# schemas:
#   - input: schema["document.schema"]
package rollproof.build

import data.rollproof.lib.fleet
import data.rollproof.lib.gates
import data.rollproof.lib.proof
import data.rollproof.lib.text

# Builds say something only of a rollout that came to its end: not of a dry run, nor behind a halt, nor where a newer
# job took over.
is_asserted if {
	not input.rollout.dry_run
	input.rollout.outcome in {"completed", "unknown"}
	not is_superseded
}

is_superseded if gates.head.state == "superseded"

# The cohorts that are probed: stragglers are known not to run the build, quarantined or not.
expected contains i if {
	is_asserted
	some i in (fleet.asserted & proof.proven)
}

# Whom the driver asks next: at first every cohort that is expected, by its index in input.cohorts.
fresh contains i if {
	count(input.probes) == 0
	some i in expected
}

# Afterwards whoever does not answer with the commit, by the index in input.probes.
awaited contains i if {
	some i, _ in input.probes
	not i in on_target
}

# What was seen, by the index in input.probes. Nothing but HTTP 200 with an answer that can be read is an answer.
answered contains i if {
	some i, probe in input.probes
	probe.status == 200
	not probe.error
}

commits := {i: lower(trim_space(sha)) | some i in answered; sha := input.probes[i].git_sha; is_string(sha)}

on_target contains i if {
	aim := lower(trim_space(input.rollout.target_sha))
	some i, commit in commits
	not i in unwired
	is_same(commit, aim)
}

# A build stamp that is not wired says nothing of the build: no commit, an empty one, "dev", or zeros alone.
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

# Two commits are the same if the shorter one, of at least seven digits, is how the other begins.
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
# description: These tenants answer with another commit than the rollout's.
# custom:
#   codes: [build.stale]
#   remedy: Look at what runs on these boxes; the control plane calls them proven, and they say something else.
deny contains finding if {
	some words, indices in alike(stale)
	finding := {
		"code": "build.stale",
		"message": sprintf("%s stale: /buildinfo says %s", [text.tenants_are(size(indices)), words]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"git_sha": target},
		"at": place(indices),
	}
}

# METADATA
# title: Unreachable build
# description: These tenants gave no answer that names a build.
# custom:
#   codes: [build.unreachable]
#   remedy: Find out what stands between here and their /buildinfo; nothing is known of their build until it answers.
deny contains finding if {
	some words, indices in alike(unreachable)
	finding := {
		"code": "build.unreachable",
		"message": sprintf("%s unreachable: %s", [text.tenants_are(size(indices)), words]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"status": 200, "git_sha": target},
		"at": place(indices),
	}
}

# METADATA
# title: Forgotten tenants
# description: These tenants are proven, and the document does not say that they were probed.
# custom:
#   codes: [build.unreachable]
#   remedy: Probe the document again by `rollproof probe`.
deny contains finding if {
	count(forgotten) > 0
	finding := {
		"code": "build.unreachable",
		"message": sprintf("%s unreachable: nobody asked", [text.tenants_are(count(forgotten))]),
		"tenants": forgotten,
	}
}

# METADATA
# title: Unwired build
# description: These tenants answer, and their build stamp is none.
# custom:
#   codes: [build.unwired]
#   remedy: Have the build write its commit where /buildinfo reads it; until then it proves nothing.
deny contains finding if {
	some words, indices in alike(unwired)
	finding := {
		"code": "build.unwired",
		"message": sprintf("%s unwired: /buildinfo says %s", [text.tenants_are(size(indices)), words]),
		"tenants": tenants(indices),
		"observed": observed(indices),
		"expected": {"git_sha": target},
		"at": place(indices),
	}
}

# METADATA
# title: Nothing probed
# description: Builds were to be probed, and nobody was.
# custom:
#   codes: [build.nothing_probed]
#   waivable: false
#   remedy: Find out why no tenant is proven; where some are, probing never began, so probe the document by `rollproof probe`.
deny contains finding if {
	is_asserted
	count(input.probes) == 0
	finding := {
		"code": "build.nothing_probed",
		"message": sprintf("builds were to be probed, and nobody was: %s proven", [text.tenants_are(fleet.size(expected))]),
		"observed": {"probed": 0},
		"expected": {"probed_at_least": 1},
	}
}

default target := "the rollout names no commit"

target := sha if sha := input.rollout.target_sha

# Proven tenants that no entry names.
forgotten contains tenant if {
	count(input.probes) > 0
	named := {tenant | some probe in input.probes; some tenant in probe.tenants}
	some i in expected
	some tenant in input.cohorts[i].tenants
	not tenant in named
}

# Entries in which the same was seen, by what was seen in words.
alike(indices) := {words: same |
	is_asserted
	some words in {said | some i in indices; said := seen[i]}
	same := {i | some i in indices; seen[i] == words}
}

seen := {i: words |
	some i, said in object.union_n([failures, stamps, others])
	words := counted(said, input.probes[i].asked)
}

counted(said, 0) := said

counted(said, times) := words if {
	times > 0
	words := sprintf("%s; asked %s", [said, text.plural(times, "time", "times")])
}

# No raw text of an answer, but a commit, is part of a message: it is in what was observed.
failures := {i: words | some i in unreachable; words := failure(input.probes[i])}

stamps := {i: words | some i in unwired; words := stamp(object.get(commits, i, null))}

others := {i: words | some i in stale; words := sprintf("%s, not %s", [said_commit(commits[i]), target])}

failure(probe) := "the slug cannot stand in a URL, so nobody asked" if {
	probe.asked == 0
	probe.error
} else := "probing ended before any answer" if {
	probe.asked == 0
} else := "no answer came" if {
	not probe.status
} else := sprintf("HTTP %d", [probe.status]) if {
	probe.status != 200
} else := "HTTP 200, and no build can be read from the answer"

stamp(commit) := "no commit" if {
	commit == null
} else := "an empty commit" if {
	commit == ""
} else := "the commit dev" if {
	commit == "dev"
} else := "a commit of zeros"

said_commit(commit) := commit if is_commit(commit)

said_commit(commit) := "something that is no commit" if not is_commit(commit)

size(indices) := sum([count(input.probes[i].tenants) | some i in indices])

tenants(indices) := [tenant |
	some i in indices
	some tenant in input.probes[i].tenants
]

observed(indices) := [said |
	some i in indices
	said := object.filter(input.probes[i], ["url", "asked", "status", "git_sha", "error"])
]

place(indices) := sprintf("/probes/%d", [min(indices)])

not_applicable := "not probed" if not input.probes
