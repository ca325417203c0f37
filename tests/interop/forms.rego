# Forms that the engine answers otherwise than OPA, or does not know, each with OPA's answer (null is undefined).
# forms.py writes the answers: it asks the real OPA. A block without an answer is there for all.
package forms

none := 1 if input.gone

nothing := "" if input.gone

every_ok if every e in input.gone { e }

f(v) := v

gone(v) := v.gone

xs := ["a", "b", "c"]

g(v) := v.l.t if v.l

x := input.r.tag
#= "x"

x := input.gone.tag
#= null

x := "a" if { input.gone } else := input.r.tag
#= "x"

x := input.gone if { true } else := 2 if { true }
#= 2

x := input.gone if { true } else := input.gone if { true } else := 3
#= 3

x := input.r.n + 1 if input.r.tag == "x"
#= 4

x := (input.r.n + 1) * 2 if { input.r.tag == "x" }
#= 8

x := [c.l.t | some c in input.cs]
#= ["gold", "tin", "gold"]

x := {"a": input.gone}
#= null

x contains c.l.t if some c in input.cs
#= ["gold", "tin"]

x contains c.l.t if { some c in input.cs }
#= ["gold", "tin"]

x contains {"a": c.l.t, "b": count(c.ts)} if { some c in input.cs }
#= [{"a": "gold", "b": 2}, {"a": "tin", "b": 0}]

x contains (c.n + 1) if { some c in input.cs }
#= [2]

x contains g(c) if { some c in input.cs }
#= ["gold", "tin"]

x[c.l.t] := 1 if { some c in input.cs }
#= {"gold": 1, "tin": 1}

x[c.l.t] := count(c.ts) if { some c in input.cs; count(c.ts) == 2 }
#= {"gold": 2}

x[c.l.t] := c.planned if some c in input.cs
#= {"gold": false, "tin": true}

x[c.l.t] if { some c in input.cs }
#= {"gold": true, "tin": true}

x[k] := input.w[k] if some k in ["gold", "tin"]
#= {"gold": 5}

x[k] contains t if { some c in input.cs; k := c.l.t; some t in c.ts }
#= {"gold": ["a", "b", "d", "e"]}

x[c.l.t] contains t if { some c in input.cs; some t in c.ts }
#= {"gold": ["a", "b", "d", "e"]}

x[c.l.t][c.planned] := i if { some i, c in input.cs }
#= {"gold": {"false": 0}, "tin": {"true": 2}}

x[c.l.t].of[t] := true if { some c in input.cs; some t in c.ts }
#= {"gold": {"of": {"a": true, "b": true, "d": true, "e": true}}}

x.deep[c.l.t] contains c.n if { some c in input.cs }
#= {"deep": {}}

x[c.l.t][t] if { some c in input.cs; some t in c.ts }
#= {"gold": {"a": true, "b": true, "d": true, "e": true}}

x := 1 in input.gone
#= null

x := 1 in [1, 2]
#= true

x := [1 | "k", 1 in {"k": 1}]
#= [1]

x := [1 in input.r, "a" in {"k": "a"}]
#= [false, true]

x := {"y": 3 in input.r, "z": input.gone in [1]}
#= null

x := [y | y := "n", 3 in input.r]
#= [true]

x := [t | some t in ["a", "q"]; b := t in input.cs[0].ts; b]
#= ["a"]

x := [y | some y in [1, 2]; (y in [1]) == true]
#= [1]

x if { y := 1 in input.gone; y == false }
#= null

x if not "a" in input.cs[0].ts
#= null

x if not "q" in input.cs[0].ts
#= true

x if { not "k", 1 in {"k": 2} }
#= true

x if { not "n", 4 in input.r }
#= true

x if { some c in input.cs; not startswith(c.l.t, "t") }
#= true

x := [i | some i, c in input.cs; not startswith(c.l.t, "t")]
#= [0, 3]

x := [i | some i, c in input.cs; not c.l.t == "gold"]
#= [1, 2]

x := [i | some i, c in input.cs; not c.l.t != "gold"]
#= [0, 3]

x := [i | some i, c in input.cs; not count(c.ts) > 1; not c.n]
#= [2]

x := [i | some i, c in input.cs; not c.l.t in {"gold"}]
#= [2]

x := [i | some i, c in input.cs; not g(c) == "gold"]
#= [2]

x := [i | some i, c in input.cs; not g(c)]
#= [1]

x := [i | some i, c in input.cs; not [c.l.t] == ["gold"]]
#= [2]

x := [i | some i, c in input.cs; not input.w[c.l.t]]
#= [2]

x := [i | some i, c in input.cs; not input.w[c.l.t] == 5]
#= [2]

x := [i | some i, c in input.cs; not 5 == input.w[c.l.t]]
#= [2]

x := [i | some i, c in input.cs; not input.w[lower(c.l.t)] == 5]
#= [2]

x := [i | some i, c in input.cs; not lower(c.l.t) == "gold"]
#= [2]

x := [i | some i, c in input.cs; not "gold" == lower(c.l.t)]
#= [2]

x := [i | some i, c in input.cs; not c.l.t == lower(c.l.t)]
#= []

x := [i | some i, c in input.cs; not c.l.t == c.gone]
#= [0, 1, 2, 3]

x if not input.w[none]
#= null

x if not startswith(nothing, "a")
#= null

x if not none > 1
#= null

x if not [none] == [1]
#= null

x if not input.gone == 1 with input as {"gone": 1}
#= null

x if not startswith(input.gone, "b") with input as {"gone": "a"}
#= true

x if not startswith(input.gone, "b") with input.gone as "a"
#= true

x if not startswith(input.gone, "b") with input as {}
#= null

x if { not (input.gone > 1) }
#= null

x if { not ((input.r.n + 1) > 7) }
#= true

x if not f(input.r).gone
#= true

x if not f(input.gone).gone
#= null

x if every c in input.cs { not startswith(c.l.t, "z") }
#= null

x if every c in input.cs { not c.l.t == "z" }
#= true

x if not -1 > input.r.n
#= true

x if not {1} & {2} == {1}
#= true

x if not {1} - input.gone == {1}
#= null

x := v if { v := g({"l": {"t": "q"}}) with input as {"cs": []} }
#= "q"

x := v if { v := none with input as {"gone": 1} }
#= 1

x := v if { v := [i | some i; input.cs[i].planned == false] with input.cs as [{"planned": false}, {"planned": false}] }
#= [0, 1]

x := [v, none] if { v := none with input.gone as 7; v == 1 }
#= null

x if { none with input.gone as 1; not none }
#= true

x := v if { v := xs with data.forms.xs as [1] }
#= [1]

x := [p | walk(input, [p, "gold"])]
#= [["cs", 0, "l", "t"], ["cs", 3, "l", "t"]]

x := [[p, v] | walk(input.r, [p, v])]
#= [[[], {"n": 3, "tag": "x"}], [["n"], 3], [["tag"], "x"]]

x := [[p, v] | [p, v] := walk(input.r)]
#= [[[], {"n": 3, "tag": "x"}], [["n"], 3], [["tag"], "x"]]

x := [p | v := 3; walk(input.r, [p, v])]
#= [["n"]]

x := [n | walk(input, [["cs", n, "l", "t"], "gold"])]
#= [0, 3]

x := [v | walk(input.w, [_, v]); is_number(v)]
#= [5]

x := {v | some [_, v] in [[1, 2]]; walk({"a": v}, [["a"], v])}
#= [2]

x := count([1 | walk(input, _)])
#= 29

x := [y | some y in [walk({"a": 1})]; y[0] == ["a"]]
#= [[["a"], 1]]

x := [p | walk({1, 2}, [p, 2])]
#= [[2]]

x := [p | walk(input.gone, [p, 2])]
#= []

x contains v if { walk(input, [path, v]); path[count(path) - 1] == "t" }
#= ["gold", "tin"]

x := $"a{input.r.tag}b{input.r.n}c{input.gone}d"
#= "axb3c<undefined>d"

x := $"{[1, "x", null, true, 1.5, {"a": "b"}, {1, 2}]}"
#= "[1, \"x\", null, true, 1.5, {\"a\": \"b\"}, {1, 2}]"

x := $"{"q"} {null} {true} {{"k": "v"}} {set()} {[]} {{}}"
#= "q null true {\"k\": \"v\"} set() [] {}"

x := $"lit \{ not } \n \" tab\t"
#= "lit { not } \n \" tab\t"

x := $`raw {input.r.tag} \{x \n "q"`
#= "raw x {x \\n \"q\""

x := [$"{y}-{z}" | some y in ["a", "b"]; z := $"<{y}>"]
#= ["a-<a>", "b-<b>"]

x := $""
#= ""

x := $"{[y | some y in [1,2]]} {1 + 2} {count([1])} {1 in [1]} {1 in input.gone}"
#= "[1, 2] 3 1 true <undefined>"

x := $"{upper("a")} {"in\"ner"} {$"deep {input.r.n}"}"
#= "A in\"ner deep 3"

x if not $"{input.gone}" == "q"
#= true

x contains $"{c.l.t}!" if some c in input.cs
#= ["<undefined>!", "gold!", "tin!"]

x := $"{input.cs[0].ts | input.gone}"
#= "<undefined>"

x := concat("", [$"{1}", $"{2}"])
#= "12"

x := {$"{k}": v | some k, v in input.w}
#= {"gold": 5}

x := crypto.sha256("abc")
#= "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

x := crypto.sha256("")
#= "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

x := hex.encode("hé")
#= "68c3a9"

x := hex.decode("6869")
#= "hi"

x := hex.decode("6")
#= "ERROR"

x := net.cidr_contains("10.0.0.0/8", "10.1.2.3")
#= true

x := net.cidr_contains("10.0.0.0/8", "10.1.0.0/16")
#= true

x := net.cidr_contains("10.1.0.0/16", "10.0.0.0/8")
#= false

x := net.cidr_contains("2001:db8::/32", "2001:db8::1")
#= true

x := net.cidr_contains("2001:db8::/32", "10.0.0.1")
#= false

x := net.cidr_contains("10.0.0.1/8", "::ffff:10.2.3.4")
#= true

x := net.cidr_contains("10.0.0.0/8", "nonsense")
#= "ERROR"

x := net.cidr_contains("10.0.0.0/33", "10.0.0.1")
#= "ERROR"

x := net.cidr_contains("::/80", "::/80")
#= true

x := net.cidr_contains("::ffff:10.0.0.0/104", "10.2.3.4")
#= true

x := net.cidr_contains("0.0.0.0/0", "1.2.3.4")
#= true

x := net.cidr_intersects("10.0.0.0/8", "10.1.0.0/16")
#= true

x := net.cidr_intersects("10.0.0.0/16", "10.1.0.0/16")
#= false

x := net.cidr_is_valid("10.0.0.0/8")
#= true

x := net.cidr_is_valid("10.0.0.0")
#= false

x := net.cidr_is_valid("010.0.0.0/8")
#= false

x := net.cidr_expand("192.168.0.5/30")
#= ["192.168.0.4", "192.168.0.5", "192.168.0.6", "192.168.0.7"]

x := net.cidr_expand("2001:db8::/127")
#= ["2001:db8::", "2001:db8::1"]

x := net.cidr_merge(["192.0.128.0/24", "192.0.129.0/24"])
#= ["192.0.128.0/23"]

x := net.cidr_merge(["10.0.0.0/24", "10.0.2.0/24", "10.0.1.0/24", "10.0.0.5/32"])
#= ["10.0.0.0/23", "10.0.2.0/24"]

x := net.cidr_merge({"10.0.0.0/8", "10.1.2.3/32"})
#= ["10.0.0.0/8"]

x := net.cidr_merge(["10.1.2.3", "192.168.1.1"])
#= ["10.1.2.3/8", "192.168.1.1/24"]

x := net.cidr_merge(["2001:db8::/33", "2001:db8:8000::/33", "10.0.0.0/8"])
#= ["10.0.0.0/8", "2001:db8::/32"]

x := net.cidr_merge(["0.0.0.0/0"])
#= ["0.0.0.0/0"]

x := net.cidr_merge([])
#= []

x := net.cidr_contains_matches("1.1.1.0/24", "1.1.1.128")
#= [["1.1.1.0/24", "1.1.1.128"]]

x := net.cidr_contains_matches([["1.1.0.0/22", "foo"], "1.1.1.0/24"], ["1.1.1.128", ["1.1.254.254", "bar"]])
#= [[0, 0], [1, 0]]

x := net.cidr_contains_matches({"a": "1.1.1.0/24"}, {"1.1.1.128", "1.2.3.4"})
#= [["a", "1.1.1.128"]]

x := yaml.unmarshal("a: 1\nb: [x, y]\nc: {d: null, e: true}\n")
#= {"a": 1, "b": ["x", "y"], "c": {"d": null, "e": true}}

x := yaml.unmarshal("- 1\n- 2.5\n- 'x'\n")
#= [1, 2.5, "x"]

x := yaml.unmarshal("")
#= null

x := yaml.unmarshal("a: [")
#= "ERROR"

x := yaml.unmarshal("a: yes\nb: no\nc: on\nd: ~\n")
#= {"a": "yes", "b": "no", "c": "on", "d": null}

x := yaml.unmarshal("a: 0x1f\nb: 1e3\nc: 010\nd: '1'\n")
#= {"a": 31, "b": 1000, "c": 8, "d": "1"}

x := yaml.unmarshal("a: 2020-01-01\nb: 12:30\n")
#= {"a": "2020-01-01", "b": "12:30"}

x := yaml.unmarshal("a: &x {k: 1}\nb: *x\n")
#= {"a": {"k": 1}, "b": {"k": 1}}

x := yaml.unmarshal("1: a\ntrue: b\n")
#= {"1": "a", "true": "b"}

x := yaml.unmarshal("a: |\n  text\n  more\nb: >-\n  x\n  y\n")
#= {"a": "text\nmore\n", "b": "x y"}

x := yaml.unmarshal("a: 1\na: 2\n")
#= {"a": 2}

x := yaml.is_valid("a: 1")
#= true

x := yaml.is_valid("a: [")
#= false

x := graph.reachable({"a": ["b"], "b": ["c", "a"], "c": [], "d": ["a"]}, ["a"])
#= ["a", "b", "c"]

x := graph.reachable({"a": {"b"}, "b": set()}, {"a", "z"})
#= ["a", "b"]

x := graph.reachable({"a": ["z"]}, ["a"])
#= ["a"]

x := graph.reachable_paths({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, ["a"])
#= [["a", "b", "d"], ["a", "c", "d"]]

x := graph.reachable_paths({"a": ["b"], "b": ["a"]}, ["a"])
#= [["a", "b"]]

x := graph.reachable_paths({"a": [], "b": ["q"]}, {"a", "b"})
#= [["a"], ["b"]]

x if not startswith(input.gone, "a")
#= null

x if not input.gone > 1
#= null

x if not is_null(input.gone)
#= null

x if not input.gone == 1
#= true

x if not input.gone != 1
#= null

x if not count(input.gone) == 1
#= null

x if not 1 == count(input.gone)
#= null

x if not 1 in input.gone
#= null

x if not input.gone in [1]
#= null

x if not [input.gone] == [1]
#= null

x if not {"a": input.gone} == {"a": 1}
#= null

x if not input.w[input.gone]
#= null

x if not input.w[input.r.tag]
#= true

x if not input.w[lower(input.gone)]
#= null

x if not [input.gone]
#= null

x if not input.gone = 1
#= true

x if not gone(input.gone)
#= null

x if not gone(input.r)
#= true

x if not gone(input.r) == 1
#= null

x if not 1 + input.gone > 2
#= null

x if not {1 | input.gone} == {1}
#= true

x if not input.w[input.gone] == 1
#= null

x if not data.p.none > 1
#= null

x if not none == 1
#= true

x if not f(gone(input.r))
#= null

x if not count([1 | input.gone]) > 1
#= true

x if not (input.gone in [1])
#= null

x if not (1 in input.gone) == true
#= null

x if not true == (1 in input.gone)
#= null

x if not -1 > input.gone
#= null

x if not [lower(input.gone)] == ["a"]
#= null

x if not input.gone == input.gone2
#= true

x if not input.r == {"tag": input.gone}
#= null

x if not every_ok
#= true

x if not "a" in {lower(input.gone)}
#= null

x if not $"{input.gone}" == "x"
#= true

x contains input.cs[i].l.t if true
#= ["gold", "tin"]

x contains input.cs[_].l.t
#= ["gold", "tin"]

x := [input.cs[_].l.t]
#= "ERROR"

x contains x if { x := xs[i] ; i > 1 }
#= ["c"]

x contains i if xs[i] == "b"
#= [1]

x[a][b] := n if { some a, c in input.cs; some b, n in c.ts }
#= {"0": {"0": "a", "1": "b"}, "1": {"0": "c"}, "3": {"0": "d", "1": "e"}}

x[a] contains n if { some a, c in input.cs; some n in c.ts }
#= {"0": ["a", "b"], "1": ["c"], "3": ["d", "e"]}

x[k] := 1 if { some k in [1,2] }
#= {"1": 1, "2": 1}

x[k] := v if { some v in [1,2]; k := "a" }
#= "ERROR"

x[k][j] := v if { some v in [1,2]; k := "a"; j := "b" }
#= "ERROR"

x.a[k] contains v if { some k, v in xs }
#= {"a": {"0": ["a"], "1": ["b"], "2": ["c"]}}

x[k].x := v if { some k, v in xs }
#= {"0": {"x": "a"}, "1": {"x": "b"}, "2": {"x": "c"}}

x := x if { x := [y | some i; y := xs[i]; not i == 1] }
#= ["a", "c"]

x := {k | some k; input.cs[k]}
#= [0, 1, 2, 3]

x if { some q; q = 1; q == 1 }
#= true

x := [q | some q; xs[q] = y; y == "b"]
#= [1]

x := [[q,y] | some q, y; xs[q] == xs[y]; q != y]
#= []

x := [v | xs[_] = v]
#= ["a", "b", "c"]

x := count(xs[_])
#= 1

x if startswith(xs[i], "b")
#= true

x := [i | startswith(xs[i], "b")]
#= [1]

x := [i | not startswith(xs[i], "b"); xs[i]]
#= [0, 2]

x := [i | every x in input.cs[i].ts { x > "b" }]
#= [1, 2, 3]

x := [i | some q in input.cs[i].ts; q == "b"]
#= [0]

x := [i | {"c": [1,2]}.c[i] == 2]
#= [1]

x := [x | x := xs[input.cs[i].n]]
#= ["b"]

x := [k | input.w[k]]
#= ["gold"]

x := [[k, v] | v := input.r[k]]
#= [["n", 3], ["tag", "x"]]

x := [[k, v] | input.r[k] = v]
#= [["n", 3], ["tag", "x"]]

x := [i | y := i + 1; xs[i] == "b"; y > 1]
#= [1]

x[q] contains y if { q := "a"; y := input.gone }
#= {}

x[q][y] contains 1 if { some q, c in input.cs; some y in c.ts }
#= {"0": {"a": [1], "b": [1]}, "1": {"c": [1]}, "3": {"d": [1], "e": [1]}}

x[q].k contains 1 if { some q, c in input.cs }
#= {"0": {"k": [1]}, "1": {"k": [1]}, "2": {"k": [1]}, "3": {"k": [1]}}

x := true if { xs[i]; i == 1 } else := [1]
#= true

x := f(xs[_])
#= "ERROR"

x := json.patch({"a": {"b": 1}}, [{"op": "add", "path": "/a/c", "value": 2}])
#= {"a": {"b": 1, "c": 2}}

x := json.patch({"a": [1,2]}, [{"op": "add", "path": "/a/-", "value": 3}])
#= {"a": [1, 2, 3]}

x := json.patch({"a": [1,2]}, [{"op": "add", "path": "/a/0", "value": 3}])
#= {"a": [3, 1, 2]}

x := json.patch({"a": [1,2]}, [{"op": "add", "path": "/a/7", "value": 3}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "remove", "path": "/b"}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "replace", "path": "/b", "value": 1}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "test", "path": "/a", "value": 2}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "test", "path": "/a", "value": 1}])
#= {"a": 1}

x := json.patch({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}])
#= {"b": 1}

x := json.patch({"a": 1}, [{"op": "copy", "from": "a", "path": ["b"]}])
#= {"a": 1, "b": 1}

x := json.patch({"a": {1,2}}, [{"op": "add", "path": ["a", 3], "value": 3}])
#= {"a": [1, 2, 3]}

x := json.patch({"a": {1,2}}, [{"op": "remove", "path": ["a", 1]}])
#= {"a": [2]}

x := json.patch({"a": 1}, [{"op": "add", "path": "/b/c", "value": 1}])
#= "ERROR"

x := json.patch({"a/b": 1, "c~d": 2}, [{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/c~0d"}])
#= {}

x := json.patch({"a": 1}, [{"op": "replace", "path": "", "value": 7}])
#= 7

x := json.patch({"a": 1}, [{"op": "foo", "path": "/a"}])
#= "ERROR"

x := json.patch({"a": 1}, [{"path": "/a"}])
#= "ERROR"

x := json.patch([1,2,3], [{"op": "remove", "path": "/1"}])
#= [1, 3]

x := json.patch([1,2,3], [{"op": "replace", "path": "/01", "value": 1}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "add", "path": "/a/b", "value": 1}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "add", "path": "x", "value": {"q": 1}}, {"op": "add", "path": "/x/y", "value": 1}])
#= {"a": 1, "x": {"q": 1, "y": 1}}

x := json.patch({"a": 1}, [])
#= {"a": 1}

x := json.patch({"a": 1}, [{"op": "add", "path": "/b"}])
#= "ERROR"

x := json.patch({"a": {1}}, [{"op": "add", "path": ["a", 3], "value": 4}])
#= "ERROR"

x := json.patch({"a": [1]}, [{"op": "add", "path": "/a/1", "value": 4}])
#= {"a": [1, 4]}

x := json.patch({"a": [1]}, [{"op": "remove", "path": "/a/1"}])
#= "ERROR"

x := json.patch({"a": [1]}, [{"op": "remove", "path": "/a/-"}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "move", "from": "/q", "path": "/b"}])
#= "ERROR"

x := json.patch({"a": 1}, [{"op": "test", "path": "/b", "value": 1}])
#= "ERROR"

x := sprintf("%g|%.3g|%e|%.2e|%G", [123456789.5, 1234.5678, 1234.5, 0.00012, 0.000001])
#= "1.234567895e+08|1.23e+03|1.234500e+03|1.20e-04|1E-06"

x := sprintf("%05d|%-5d|%5d|%+d|% d|%x|%X|%o|%b|%c|%q|%U|%#x|%.3d|%05.3d", [42, 42, 42, 42, 42, 255, 255, 8, 5, 65, 65, 65, 255, 7, 7])
#= "00042|42   |   42|+42| 42|ff|FF|10|101|A|'A'|U+0041|0xff|007|  007"

x := sprintf("%05s|%-5s|%5s|%.2s|%q|%x|%X", ["ab", "ab", "ab", "abcdef", "a\"b", "hi", "hi"])
#= "000ab|ab   |   ab|ab|\"a\\\"b\"|6869|6869"

x := sprintf("%d|%s|%f", ["a", 3, 3])
#= "%!d(string=a)|%!s(int64=3)|%!f(int64=3)"

x := sprintf("%d", [0.5])
#= "%!d(float64=0.5)"

x := sprintf("%s", [true])
#= "true"

x := sprintf("%d %d", [1])
#= "1 %!d(MISSING)"

x := sprintf("%d", [1, 2, "x"])
#= "1%!(EXTRA int64=2, string=x)"

x := sprintf("%", [1])
#= "%!(NOVERB)%!(EXTRA int64=1)"

x := sprintf("%[2]d %[1]d", [1, 2])
#= "2 1"

x := sprintf("%[3]d", [1])
#= "%!d(BADINDEX)"

x := sprintf("%*d|%-*d|%.*f", [5, 1, 5, 1, 2, 1.5])
#= "    1|1    |1.50"

x := sprintf("%6.2f|%-8.1f|%08.3f|%+.1f|%.0f|%f", [3.14159, 2.5, -3.14159, 2.25, 2.5, 1.5])
#= "  3.14|2.5     |-003.142|+2.2|2|1.500000"

x := sprintf("%z %!", [1])
#= "%!z(int64=1) %!!(MISSING)"

x := sprintf("%v %v %v %v", [null, [1, "a"], {"a": {1, 2}}, set()])
#= "null [1, \"a\"] {\"a\": {1, 2}} set()"

x := sprintf("%T %T %T", [1, 1.5, "a"])
#= "int64 float64 string"

x := sprintf("%t", [true])
#= "%!t(string=true)"

x := sprintf("%5d|%-7.1f", ["abc", "x"])
#= "%!d(string=  abc)|%!f(string=x      )"

x := sprintf("100%% %s", ["x"])
#= "100% x"

x := sprintf("%03d", [-5])
#= "-05"

x := sprintf("%5t|%5v|%-6v|", [true, true, null])
#= "%!t(string= true)| true|null  |"

x := sprintf("%6v|%-6v|%06v", [1.5, 1.5, 1.5])
#= "   1.5|1.5   |0001.5"

x := sprintf("%v", [1.0])
#= "1"

x := sprintf("%d", [4 / 2])
#= "2"

x := sprintf("%v %v", [7 / 2, 1 / 3])
#= "3.5 0.3333333333333333"

x := sprintf("%s|%v", ["é\u00a0\n", ["é\u00a0\n\u0001"]])
#= "\u00e9\u00a0\n|[\"\u00e9\\u00a0\\n\\x01\"]"

x := sprintf("%.2f%%", [12.345])
#= "12.35%"

x := sprintf("%5.1f|%5d", [99, 1])
#= "%!f(int64=   99)|    1"

x := sprintf("%g %g", [100000.5, 1000000.5])
#= "100000.5 1.0000005e+06"

x := sprintf("%-10s|%10s|", ["é", "é"])
#= "\u00e9         |         \u00e9|"

x := sprintf("%v", [1e3])
#= "1000"

x := sprintf("%d of %d (%.1f %%)", [3, 8, (3 * 100) / 8])
#= "3 of 8 (37.5 %)"

x := sprintf("%.1f", [(4 * 100) / 8])
#= "%!f(int64=50)"

x := sprintf("%U", ["a"])
#= "%!U(string=a)"

x := sprintf("%c", ["a"])
#= "%!c(string=a)"

x := sprintf("%08b|%o", [5, -8])
#= "00000101|-10"

x := v if { v := none with none as 1 }
#= 1

x := [v | v := count(xs) with xs as [1]]
#= [1]

x if not count(xs) > 2 with xs as [1]
#= true

x["eu"] := 1 if input.gone
#= {}

x["eu"] contains 1 if input.gone
#= {"eu": []}

x["eu"].y := 1 if input.gone
#= {"eu": {}}

x["eu"][k] := v if some k, v in input.gone
#= {"eu": {}}

x[1].y[k] contains v if some k, v in input.gone
#= {"1": {"y": {}}}

x.y[k] contains 1 if some k in input.gone
#= {"y": {}}

x.y[k] := 1 if some k in input.gone
#= {"y": {}}

x["a"] contains 1
x["b"] contains 2 if input.gone
x[k] contains 3 if some k in ["c"]
#= {"a": [1], "c": [3]}

x["a"].b := 1
x["a"][k] := 2 if some k in ["c", "d"]
#= {"a": {"b": 1, "c": 2, "d": 2}}

x := [[t] | input.cs[_].ts = [t, _]]
#= [["a"], ["d"]]

x[input.gone] contains 1
#= {}

x := [i | c := input.cs[_]; some i; input.cs[i].planned == c.planned]
#= [0, 2]
