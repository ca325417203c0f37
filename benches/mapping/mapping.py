#!/usr/bin/env python3
"""Time `rollproof verify --map` on the output of another system, beside the real `jq` with the same filters, and beside rows of the contract.

    mapping.py [--rollproof PATH] [--jq PATH] [--items N ...] [--deployments N ...] [--rounds N]

The items are generated into a temporary folder. Reported are the best wall time of the rounds, processor time, and peak memory, of the process itself.
jq prints the rows and no more: it reads no fleet, joins nothing and evaluates no policy. Before a time is trusted, jq's rows and those of
`rollproof mapping try` on the first thousand items must be the same.

--deployments times the bundled mapping `kubernetes`, whose `index` finds the pods of each deployment: a cluster has a replica set and two pods for each,
and jq runs the mapping's own filters.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import subprocess
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = "staging-abcdef1"
FILTERS = {
    "slug": ".name",
    "verified_on_target": '.image == "registry.example/platform:" + $target.tag',
    "healthz_ok": '.health == "ok"',
    "running_image": ".image",
}
PLAN = {
    "enabled": True, "sha": "abcdef1" + "0" * 33, "short_sha": "abcdef1", "target_tag": TARGET, "cp_url": "https://cp.example",
    "body": {"target_tag": TARGET, "soak_seconds": 60, "batch_size": 100, "max_stragglers": 0, "dry_run": False, "confirm": True},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollproof", default=str(ROOT / "target/dist/rollproof"), help="the binary")
    parser.add_argument("--jq", default="jq", help="the real jq")
    parser.add_argument("--items", type=int, nargs="+", default=[1000, 100_000, 1_000_000], help="how many items")
    parser.add_argument("--deployments", type=int, nargs="+", default=[1000, 10_000], help="how many deployments are joined with their pods")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    options = parser.parse_args()
    options.rollproof = str(pathlib.Path(options.rollproof).resolve())
    print("| items | program | time | processor time | peak memory |\n|--:|---|--:|--:|--:|")
    for items in options.items:
        with tempfile.TemporaryDirectory() as folder:
            compare(options, items, pathlib.Path(folder))
    for deployments in options.deployments:
        with tempfile.TemporaryDirectory() as folder:
            join(options, deployments, pathlib.Path(folder))


def generate(items, folder):
    names = [f"tenant-{i:07}" for i in range(items)]
    images = [f"registry.example/platform:{TARGET if i != 7 else 'staging-0000000'}" for i in range(items)]
    item = lambda name, image: {"name": name, "image": image, "health": "ok", "owner": {"team": "a", "pager": "x"}, "zones": ["a", "b"]}
    write(folder / "apps.json", {"apps": [item(*both) for both in zip(names, images)]})
    row = lambda name, image: {"slug": name, "verified_on_target": image.endswith(TARGET), "healthz_ok": True, "running_image": image}
    write(folder / "response.json", {"ok": True, "results": [row(*both) for both in zip(names, images)]})
    write(folder / "first.json", {"apps": [item(*both) for both in list(zip(names, images))[:1000]]})
    write(folder / "plan.json", PLAN)
    (folder / "fleet.txt").write_text("\n".join(names))


def cluster(deployments, folder):
    items = []
    for i in range(deployments):
        image = f"registry.example/platform:{TARGET if i != 7 else 'staging-0000000'}"
        about = lambda name, **more: {"namespace": f"ns-{i % 17}", "name": f"{name}-{i}", "uid": f"{name}-{i}", "generation": 1, **more}
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
        wanted = {"containers": [{"name": "app", "image": f"registry.example/platform:{TARGET}"}]}
        items.append({"kind": "Deployment", "metadata": about("app"), "spec": {"replicas": 2, "template": {"spec": wanted}},
                      "status": {"observedGeneration": 1, **counts}})
        items.append({"kind": "ReplicaSet", "metadata": about("set", ownerReferences=[{"uid": f"app-{i}"}])})
        running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": "app", "ready": True, "imageID": "registry.example/platform@sha256:" + "a" * 64}]}
        items += [{"kind": "Pod", "metadata": about(f"pod-{pod}", ownerReferences=[{"uid": f"set-{i}"}]),
                   "spec": {"containers": [{"name": "app", "image": image}]}, "status": running} for pod in range(2)]
    write(folder / "apps.json", {"items": items})
    write(folder / "first.json", {"items": items[:400]})
    write(folder / "plan.json", PLAN)
    (folder / "fleet.txt").write_text("\n".join(f"ns-{i % 17}/app-{i}" for i in range(deployments)))


def join(options, deployments, folder):
    generating = multiprocessing.Process(target=cluster, args=(deployments, folder))
    generating.start()
    generating.join()
    mapping = tomllib.loads((ROOT / "mappings/kubernetes/mapping.toml").read_text())
    fields = ", ".join(f"{field}: ({text})" for field, text in mapping["row"].items())
    filters = f". as $input | ({mapping['index']}) as $index | {mapping['items']} | select(({mapping['skip']}) | not) | {{{fields}}} | del(.[] | nulls)"
    jq = [options.jq, "-c", "--argjson", "target", json.dumps({"tag": TARGET, "image": None}), filters]
    same_rows(options, jq, folder, "kubernetes")
    verify = [options.rollproof, "verify", "apps.json", "--map", "kubernetes", "--fleet", "fleet.txt", "--plan", "plan.json"]
    for name, command in {"rollproof verify --map kubernetes": verify, "jq": [*jq, "apps.json"]}.items():
        wall, cpu, memory = min(measure(command, folder, 0 if name == "jq" else 1) for _ in range(options.rounds))
        print(f"| {deployments:,} deployments | {name} | {shown(wall)} | {shown(cpu)} | {memory:,.0f} MB |", flush=True)


def compare(options, items, folder):
    # In a process of its own: what this one holds counts as the memory of those that it starts.
    generating = multiprocessing.Process(target=generate, args=(items, folder))
    generating.start()
    generating.join()
    mapping = "".join(f"{field} = '{text}'\n" for field, text in FILTERS.items())
    (folder / "apps.toml").write_text(f'format = "rollproof.mapping/v1"\ntitle = "Applications"\ninput = "json"\nitems = ".apps[]"\n\n[row]\n{mapping}')
    fields = ", ".join(f"{field}: ({text})" for field, text in FILTERS.items())
    jq = [options.jq, "-c", "--argjson", "target", json.dumps({"tag": TARGET}), f".apps[] | {{{fields}}}"]
    same_rows(options, jq, folder)
    with_fleet = ["--fleet", "fleet.txt", "--plan", "plan.json"]
    commands = {
        "rollproof verify, rows of the contract": [options.rollproof, "verify", "response.json", *with_fleet],
        "rollproof verify --map": [options.rollproof, "verify", "apps.json", "--map", "apps.toml", *with_fleet],
        "jq": [*jq, "apps.json"],
    }
    for name, command in commands.items():
        wall, cpu, memory = min(measure(command, folder, 0 if name == "jq" else 1) for _ in range(options.rounds))
        print(f"| {items:,} | {name} | {shown(wall)} | {shown(cpu)} | {memory:,.0f} MB |", flush=True)


def same_rows(options, jq, folder, mapping="apps.toml"):
    said = json.loads(subprocess.run([options.rollproof, "mapping", "try", mapping, "first.json", "--plan", "plan.json", "--format", "json"], cwd=folder, check=True, capture_output=True).stdout)
    ours = [one["row"] for one in said["rows"]]
    theirs = [json.loads(line) for line in subprocess.run([*jq, "first.json"], cwd=folder, check=True, capture_output=True).stdout.splitlines()]
    if ours != theirs:
        raise SystemExit("jq gives other rows than rollproof")


def measure(command, folder, expected):
    """Seconds, processor seconds and peak megabytes of a command."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stdin=subprocess.DEVNULL, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != expected:
        raise SystemExit(f"{command[0]} ends with {os.waitstatus_to_exitcode(status)}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def shown(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def write(path, value):
    path.write_text(json.dumps(value))


if __name__ == "__main__":
    main()
