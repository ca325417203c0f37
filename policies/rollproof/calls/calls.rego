# METADATA
# title: Calls
# description: Every call to the control plane succeeded. A call succeeds only if ok is exactly true.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
package rollproof.calls

import data.rollproof.lib.calls
import data.rollproof.lib.fleet
import data.rollproof.lib.gates
import data.rollproof.lib.proof
import data.rollproof.lib.text

# METADATA
# title: Failed call
# description: The archived response does not report success, and its error is not a verdict on coverage.
# custom:
#   codes: [calls.failed]
#   remedy: Find the failed call in the control plane's log. The tenants after it may not have been called.
deny contains finding if {
	archive := input.archive
	not archive.ok == true
	not says_nothing_of_calls
	finding := {
		"code": "calls.failed",
		"message": sprintf("the control plane does not call the rollout a success: ok is %s", [ok_text]),
		"observed": error_detail,
		"expected": {"ok": true},
	}
}

# METADATA
# title: Failed call
# description: A call did not end with HTTP 200 and ok exactly true, or its answer was malformed.
# custom:
#   codes: [calls.failed]
#   remedy: Find this call in the control plane's log. The tenants after it were not called.
deny contains finding if {
	some finding in failures_of({"other"})
}

# METADATA
# title: Halted rollout
# description: A policy stopped the rollout before every tenant was called.
# custom:
#   codes: [calls.halted]
#   remedy: Fix what halted the rollout, then roll out again. No tenant was called after the halt.
deny contains finding if {
	input.rollout.outcome == "halted"
	is_reported_here
	finding := {
		"code": "calls.halted",
		"message": sprintf("the rollout was halted: %s", [input.rollout.halted_because]),
	}
}

# METADATA
# title: Interrupted rollout
# description: The rollout was stopped from outside before every tenant was called.
# custom:
#   codes: [calls.interrupted]
#   remedy: Continue the rollout with `rollproof run --resume`.
deny contains finding if {
	input.rollout.outcome in {"interrupted", "running"}
	finding := {
		"code": "calls.interrupted",
		"message": sprintf("the rollout was interrupted after %s", [text.plural(count(input.calls), "call", "calls")]),
	}
}

# METADATA
# title: Control plane that cannot be reached
# description: A call got no answer, because no connection to the control plane could be made.
# custom:
#   codes: [calls.failed]
#   remedy: Check that the control plane runs, and that cp_url has its host and port. A firewall may be in between.
deny contains finding if some finding in failures_of({"refused", "unreachable"})

# METADATA
# title: Host name without an address
# description: A call got no answer, because the host name in cp_url cannot be resolved.
# custom:
#   codes: [calls.failed]
#   remedy: Check the host name in cp_url and the DNS of this machine. Nothing was called.
deny contains finding if some finding in failures_of({"unknown_host"})

# METADATA
# title: Proxy without a connection
# description: A call got no answer, because the proxy did not connect to the control plane.
# custom:
#   codes: [calls.failed]
#   remedy: Check HTTPS_PROXY and NO_PROXY, then the log of the proxy. The control plane received nothing.
deny contains finding if some finding in failures_of({"proxy"})

# METADATA
# title: Call without an answer in time
# description: A call was not answered within its time limit.
# custom:
#   codes: [calls.failed]
#   remedy: >-
#     Find this call in the control plane's log, because it may still be running. Raise rollout_http_timeout or
#     plan_timeout_seconds if it needs longer.
deny contains finding if some finding in failures_of({"timed_out"})

# METADATA
# title: Closed connection
# description: The connection was closed before the answer came.
# custom:
#   codes: [calls.failed]
#   remedy: >-
#     Find this call in the control plane's log, because it may have been carried out. A proxy may have closed the
#     connection.
deny contains finding if some finding in failures_of({"closed"})

# METADATA
# title: Expired certificate
# description: The certificate of the control plane has expired, or is not valid yet.
# custom:
#   codes: [calls.failed]
#   remedy: Renew the certificate of the control plane. If it is valid, correct the clock of this machine.
deny contains finding if some finding in failures_of({"certificate_expired"})

# METADATA
# title: Certificate for another name
# description: The certificate of the control plane is for another name than the one in cp_url.
# custom:
#   codes: [calls.failed]
#   remedy: Write a name in cp_url that the certificate is for, or issue a certificate for this name.
deny contains finding if some finding in failures_of({"certificate_name"})

# METADATA
# title: Certificate of an unknown authority
# description: The certificate of the control plane is not signed by an authority that this machine trusts.
# custom:
#   codes: [calls.failed]
#   remedy: If the authority is your own, name its certificate in ca_file of [http] in rollproof.toml, or in SSL_CERT_FILE.
deny contains finding if some finding in failures_of({"certificate_issuer"})

# METADATA
# title: Failed TLS connection
# description: No TLS connection to the control plane could be made.
# custom:
#   codes: [calls.failed]
#   remedy: >-
#     Check the certificate and the TLS settings of the control plane, for example with `openssl s_client -connect
#     HOST:PORT`.
deny contains finding if some finding in failures_of({"certificate", "tls"})

# METADATA
# title: Server without TLS
# description: The server at cp_url speaks no TLS.
# custom:
#   codes: [calls.failed]
#   remedy: Write http:// in cp_url. If the host is not loopback, add it to plain_http_hosts of [http] in rollproof.toml.
deny contains finding if some finding in failures_of({"no_tls"})

# METADATA
# title: Server without HTTP
# description: What answers at cp_url is no HTTP server.
# custom:
#   codes: [calls.failed]
#   remedy: Check the port and the scheme in cp_url.
deny contains finding if some finding in failures_of({"no_http"})

# METADATA
# title: Redirect
# description: A call was answered with a redirect, which is never followed, because the token would be sent elsewhere.
# custom:
#   codes: [calls.failed]
#   remedy: Write the URL of the control plane itself in cp_url.
deny contains finding if some finding in failures_of({"redirect"})

# METADATA
# title: Refused token
# description: The control plane refused the token of a call.
# custom:
#   codes: [calls.failed]
#   remedy: Check the token in CP_ADMIN_API_TOKEN, or in the file of --token-file. It may have expired.
deny contains finding if some finding in failures_of({"unauthorized"})

# METADATA
# title: Call that is not allowed
# description: The control plane, or something in front of it, did not allow a call.
# custom:
#   codes: [calls.failed]
#   remedy: Give the token the right to redeploy, or allow this machine in the firewall in front of the control plane.
deny contains finding if some finding in failures_of({"forbidden"})

# METADATA
# title: Path that does not exist
# description: There is no redeploy-fleet at cp_url.
# custom:
#   codes: [calls.failed]
#   remedy: Check the path in cp_url and the version of the control plane.
deny contains finding if some finding in failures_of({"not_found"})

# METADATA
# title: Too many requests
# description: The control plane refused a call, because it has received too many.
# custom:
#   codes: [calls.failed]
#   remedy: Roll out again after the time that the server names. Such a call is not sent again by itself.
deny contains finding if some finding in failures_of({"too_many_requests"})

# METADATA
# title: Answer that is no JSON
# description: A call was answered with something that is no JSON, such as a page for signing in.
# custom:
#   codes: [calls.failed]
#   remedy: Check cp_url, because something other than the control plane may answer there, such as a proxy.
deny contains finding if some finding in failures_of({"html", "no_json", "empty"})

# METADATA
# title: Compressed answer
# description: The answer to a call is compressed, which was not asked for.
# custom:
#   codes: [calls.failed]
#   remedy: Turn off compression of this path in the control plane, or in the proxy in front of it.
deny contains finding if some finding in failures_of({"compressed"})

# METADATA
# title: Answer in another encoding
# description: The answer to a call is not plain UTF-8, or begins with a byte-order mark.
# custom:
#   codes: [calls.failed]
#   remedy: Change the control plane, so that it answers in UTF-8 without a byte-order mark.
deny contains finding if some finding in failures_of({"encoding"})

# METADATA
# title: Answer that breaks off
# description: The answer to a call breaks off.
# custom:
#   codes: [calls.failed]
#   remedy: >-
#     Find this call in the control plane's log, because it may have been carried out. Check the limits of proxies in
#     between.
deny contains finding if some finding in failures_of({"cut_off"})

# METADATA
# title: Answer that is too large
# description: The answer to a call is larger than what is read.
# custom:
#   codes: [calls.failed]
#   remedy: Reduce batch_size in the plan, so that an answer has fewer rows.
deny contains finding if some finding in failures_of({"too_large"})

# METADATA
# title: Answer without ok
# description: The answer to a call has no key ok, so it does not report success.
# custom:
#   codes: [calls.failed]
#   remedy: Check that cp_url is the control plane, and that its version sends ok.
deny contains finding if some finding in failures_of({"no_ok"})

# METADATA
# title: Unreached tenants
# description: These tenants have no row, because no call named them, or because their call failed or has no recorded end.
# custom:
#   codes: [calls.unreached]
note contains finding if {
	unreached := fleet.planned & proof.in_state("unreached")
	some reason, phrase in {
		"not_called": "never called",
		"call_failed": "named by a call that failed",
		"in_flight": "named by a call that was never seen to end",
	}
	indices := {i |
		some i in unreached
		calls.unreached_reason(input.cohorts[i]) == reason
	}
	count(indices) > 0
	finding := {
		"code": "calls.unreached",
		"message": sprintf("%s %s", [text.plural(fleet.size(indices), "tenant was", "tenants were"), phrase]),
		"tenants": fleet.tenants(indices),
		"observed": {"reason": reason},
	}
}

# METADATA
# title: Retried calls
# description: These calls took more than one attempt.
# custom:
#   codes: [calls.retried]
note contains finding if {
	retried := [call | some call in input.calls; count(call.attempts) > 1]
	count(retried) > 0
	finding := {
		"code": "calls.retried",
		"message": sprintf("%s more than one attempt", [text.plural(count(retried), "call took", "calls took")]),
		"tenants": {tenant | some call in retried; some tenant in call.tenants},
	}
}

# METADATA
# title: Halt at a failed call
# description: No tenant is called after a call that failed.
# custom:
#   codes: [calls.failed]
halt contains failed.finding if some failed in failed_calls

# METADATA
# title: Success with an error
# description: A call ended with HTTP 200 and ok exactly true, and its answer has an error. Only ok decides, so this is a warning.
# custom:
#   codes: [calls.contradiction]
#   remedy: Check the control plane's log. What it reports as a success may have failed.
warn contains finding if {
	some i in calls.succeeded
	reported := calls.last_attempts[i].error
	text.is_nonblank(reported)
	call := input.calls[i]
	finding := {
		"code": "calls.contradiction",
		"message": sprintf("the %s call is called a success and reports an error", [call.purpose]),
		"tenants": call.tenants,
		"observed": reported,
		"at": sprintf("/calls/%d", [i]),
	}
}

# METADATA
# title: Success with an error
# description: The archived response has ok exactly true and an error. Only ok decides, so this is a warning.
# custom:
#   codes: [calls.contradiction]
#   remedy: Check the control plane's log. What it reports as a success may have failed.
warn contains finding if {
	input.archive.ok == true
	reported := input.archive.error
	text.is_nonblank(reported)
	finding := {
		"code": "calls.contradiction",
		"message": "the archived response is called a success and reports an error",
		"observed": reported,
		"at": "/archive/error",
	}
}

# Each kind of failure belongs to one rule, which has the remedy for it.
failures_of(kinds) := {failed.finding |
	some failed in failed_calls
	failed.kind in kinds
}

failed_calls contains {"kind": kind, "finding": finding} if {
	some i in calls.failed
	call := input.calls[i]
	attempt := calls.last_attempts[i]
	kind := failure_kind(attempt)
	attempts := text.plural(count(call.attempts), "attempt", "attempts")
	finding := {
		"code": "calls.failed",
		"message": sprintf("the %s call failed after %s: %s", [call.purpose, attempts, attempt_outcome(call, attempt)]),
		"tenants": call.tenants,
		"observed": object.union(attempt, object.filter(call, ["ok"])),
		"expected": {"status": 200, "ok": true},
		"at": sprintf("/calls/%d", [i]),
	}
}

# Older journals and documents have no kind. Their status may still tell it.
failure_kind(attempt) := kind if {
	kind := attempt.failure.kind
} else := "redirect" if {
	attempt.status >= 300
	attempt.status < 400
} else := kind if {
	some kind, status in kinds_of_statuses
	status == attempt.status
} else := "other"

kinds_of_statuses := {"unauthorized": 401, "forbidden": 403, "not_found": 404, "too_many_requests": 429}

# A halt at a gate before the first call is reported by rollproof.gates, or not denied at all if the job was superseded.
is_reported_here if count(input.calls) > 0

is_reported_here if not gates.stopped

attempt_outcome(call, attempt) := reason if {
	reason := attempt.failure.reason
} else := "no answer came" if {
	not attempt.status
} else := sprintf("HTTP %d", [attempt.status]) if {
	attempt.status != 200
} else := "HTTP 200, and the answer is malformed" if {
	attempt.malformed
} else := sprintf("HTTP 200, and ok is %v", [ok]) if {
	ok := call.ok
	ok != true
} else := "HTTP 200, and the answer is not ok or breaks off"

# The archive's error is a verdict on coverage, which rollproof.coverage evaluates again. No call failed.
is_coverage_verdict if {
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

default ok_text := "absent"

ok_text := word if word := sprintf("%v", [input.archive.ok])

# The first text that is not blank, else the value of ok: {"ok": false}, {"ok": null}, or {} if it is absent.
error_detail := reported if {
	reported := input.archive.error
	text.is_nonblank(reported)
} else := reported if {
	reported := input.archive.message
	text.is_nonblank(reported)
} else := reported if {
	reported := object.filter(input.archive, ["ok"])
}

not_applicable := "none made" if {
	count(object.get(input, "calls", [])) == 0
	not input.archive
}

# A verdict on coverage says nothing of the calls, and neither does another system's output, which a mapping reads.
says_nothing_of_calls if is_coverage_verdict

says_nothing_of_calls if input.mapping
