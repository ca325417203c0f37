#!/usr/bin/env python3
"""What real programs say goes through the bundled mappings, and the samples are what those programs' published types allow.

    evidence.py [--jq PATH] [--rollproof PATH | --no-rollproof] [--ansible-wheel PATH]

Ansible runs tests/interop/evidence/*.yml with its JSON callback. The `aws` CLI asks moto's server, on loopback. Samples of Kubernetes are
validated by its schemas, those of Argo CD by its custom resource definition, those of AWS by the service models that its CLI is generated
from, and those of Nomad by the types of its Go client. The Python that runs this needs ansible-core, awscli, kubernetes-validate, moto[server]
and PyYAML. Exits with 1, and what is wrong, where something is not as expected.
"""

import argparse
import contextlib
import datetime
import json
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile

import botocore.loaders
import botocore.model
import jsonschema
import kubernetes_validate
import moto.ecs.models
import moto.moto_api
import moto.server
import moto.ssm.models
import moto.ssm.responses
import yaml

import mappings

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/interop/evidence"
BIN = pathlib.Path(sys.executable).parent
PLAN = ROOT / "mappings/argocd/samples/healthy.plan.json"
TARGET = mappings.target_of(PLAN)
IMAGE, OTHER = f"registry.example/platform:{TARGET['tag']}", "registry.example/platform:staging-1234567"

# The package that ships the collection with the callback; only that collection is taken from it.
COLLECTIONS = "ansible==12.3.0"
KUBERNETES = "1.37"
ARGOCD = ("github.com/argoproj/argo-cd/v3@v3.3.4", "h1:3dFCh1b8QaqHv78QZPaH59zdZnu6wRvUpQtXmklLfUY=")
# Who is proven when the play has run, of those that it may name.
PLAY = {"acme": True, "blix": False, "cove": False, "dune": False, "echo": False, "fern": False, "gale": False, "hull": False, "ivy": True}
# The play that names only hosts which are on the target.
HEALTHY = {"acme": True, "ivy": True}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--jq", default="jq")
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--no-rollproof", dest="rollproof", action="store_const", const=None, help="judge by jq only")
    options.add_argument("--ansible-wheel", type=pathlib.Path, help=f"{COLLECTIONS}, if it was downloaded before")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        checks = [
            *ansible(options, pathlib.Path(scratch)),
            *aws(options, pathlib.Path(scratch)),
            *kubernetes(),
            *argocd(),
            *aws_types(),
            *nomad(),
        ]
    failed = [name for name, wrong in checks if wrong]
    for name, wrong in checks:
        if wrong:
            print(f"{name}: {wrong}", file=sys.stderr)
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or len(checks) < 20 else 0


def judged(options, name, evidence, expected, fleet):
    """Rows as jq maps them, and the verdict of rollproof, against who is expected to be proven."""
    mapping = tomllib.loads((ROOT / f"mappings/{name}/mapping.toml").read_text())
    rows = mappings.mapped(options.jq, mapping, json.loads(evidence.read_text()), TARGET, False)["rows"]
    got = {row["row"]["slug"]: row["row"]["verified_on_target"] for row in rows}
    yield f"{name}: rows", got != expected and f"{got}, and not {expected}"
    enumerated = mappings.mapped(options.jq, mapping, json.loads(fleet.read_text()), TARGET, True)["fleet"]
    missing = set(expected) - {tenant["slug"] for tenant in enumerated}
    yield f"{name}: fleet", missing and f"lacks {sorted(missing)}"
    if not options.rollproof:
        return
    args = ["verify", str(evidence), "--map", name, "--fleet", str(fleet), "--fleet-map", name, "--plan", str(PLAN), "--format", "json"]
    done = subprocess.run([os.path.abspath(options.rollproof), *args], capture_output=True, text=True, cwd=ROOT)
    stragglers = {tenant["slug"] for tenant in enumerated if not expected.get(tenant["slug"])}
    report = json.loads(done.stdout)
    reported = {straggler["tenant"] for straggler in report.get("stragglers", [])}
    wrong = done.returncode != (1 if stragglers else 0) or reported != stragglers
    yield f"{name}: verdict", wrong and f"exit code {done.returncode}, {sorted(reported)}, and not {sorted(stragglers)}: {done.stdout}{done.stderr}"


def export(name, folder, environment, words=()):
    """Runs the commands of a mapping's README that export, in a folder."""
    readme = (ROOT / f"mappings/{name}/README.md").read_text()
    (commands, *_) = re.findall(r"```sh\n(.*?)```", readme, re.S)
    for word, value in words:
        if word not in commands:
            raise SystemExit(f"{name}: {word} is not in: {commands}")
        commands = commands.replace(word, value)
    environment = environment | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", commands], capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{name}: {commands}{done.stdout}{done.stderr}")


def ansible(options, scratch):
    wheel = options.ansible_wheel
    if not wheel:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest", str(scratch), COLLECTIONS]
        subprocess.run(pip, check=True)
        (wheel,) = scratch.glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(scratch, [name for name in packed.namelist() if name.startswith("ansible_collections/ansible/posix/")])
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(scratch), "ANSIBLE_HOME": str(scratch / "home")}
    for play, expected in ("play", PLAY), ("healthy", HEALTHY):
        folder = scratch / play
        shutil.copytree(HERE, folder)
        export("ansible", folder, environment, [("play.yml", f"{play}.yml"), ("play.json", "play.json; echo $? >code")])
        # 4: a host was unreachable. 0 says nothing of the hosts that the play does not name.
        code = (folder / "code").read_text().strip()
        yield f"ansible: exit code of {play}.yml", code != ("4" if play == "play" else "0") and f"{code}: {(folder / 'play.json').read_text()}"
        yield from judged(options, "ansible", folder / "play.json", expected, folder / "inventory.json")


@contextlib.contextmanager
def served():
    """The `aws` CLI against moto's server, and the environment in which it finds it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_PAGER": "",
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def run(*args):
        done = subprocess.run([str(BIN / "aws"), *args, "--output", "json"], capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(f"aws {' '.join(args)}: {done.stderr}")
        return json.loads(done.stdout or "{}")

    try:
        yield run, environment
    finally:
        server.stop()


def aws(options, scratch):
    # moto starts no container: services run as many tasks as this says.
    os.environ["MOTO_ECS_SERVICE_RUNNING"] = "2"
    with served() as (run, environment):
        yield from ssm(options, scratch, run, environment)
        yield from ecs(options, scratch, run, environment)


# What the command printed, for the instances in the order in which they are listed: moto runs no command.
PRINTED = [f"pulled\nrollproof-image={IMAGE}\n", f"rollproof-image={OTHER}\n", ""]


def list_command_invocations(self):
    """An action that moto lacks, made of what it keeps of a command."""
    asked = self._get_param("CommandId")
    (command,) = [command for command in self.ssm_backend._commands if command.command_id == asked]
    invocations = sorted(command.invocations, key=lambda one: one["InstanceId"])
    answer = [
        {
            "CommandId": asked,
            "InstanceId": invocation["InstanceId"],
            "DocumentName": invocation["DocumentName"],
            "RequestedDateTime": datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone.utc),
            "Status": invocation["Status"],
            "StatusDetails": invocation["StatusDetails"],
            "CommandPlugins": [
                {"Name": invocation["PluginName"], "Status": invocation["Status"], "ResponseCode": invocation["ResponseCode"], "Output": printed}
            ],
        }
        for invocation, printed in zip(invocations, PRINTED, strict=True)
    ]
    return moto.ssm.responses.ActionResult({"CommandInvocations": answer})


def describe_instance_information(self):
    """The same for what is registered: the instances of every command."""
    instances = sorted({instance for command in self.ssm_backend._commands for instance in command.instance_ids})
    registered = [{"InstanceId": instance, "PingStatus": "Online", "PlatformName": "Amazon Linux"} for instance in instances]
    return moto.ssm.responses.ActionResult({"InstanceInformationList": registered})


def ssm(options, scratch, run, environment):
    responses = moto.ssm.responses.SimpleSystemManagerResponse
    responses.list_command_invocations = list_command_invocations
    responses.describe_instance_information = describe_instance_information
    started = run("ec2", "run-instances", "--image-id", "ami-12c6146b", "--count", str(len(PRINTED)))
    instances = sorted(instance["InstanceId"] for instance in started["Instances"])
    sent = run("ssm", "send-command", "--document-name", "AWS-RunShellScript", "--instance-ids", *instances, "--parameters", 'commands=["deploy"]')
    export("aws-ssm", scratch, environment, [("COMMAND", sent["Command"]["CommandId"])])
    evidence, fleet = scratch / "invocations.json", scratch / "instances.json"
    # AWS says Success of all three.
    said = [one["Status"] for one in json.loads(evidence.read_text())["CommandInvocations"]]
    yield "aws-ssm: status", said != ["Success"] * 3 and said
    yield from judged(options, "aws-ssm", evidence, dict(zip(instances, [True, False, False])), fleet)


def ecs(options, scratch, run, environment):
    run("ecs", "create-cluster", "--cluster-name", "fleet")
    for name, image in ("acme", IMAGE), ("blix", OTHER), ("cove", IMAGE):
        container = {"name": "platform", "image": image, "memory": 64, "cpu": 10, "essential": True}
        run("ecs", "register-task-definition", "--family", name, "--container-definitions", json.dumps([container]))
        run("ecs", "create-service", "--cluster", "fleet", "--service-name", name, "--task-definition", name, "--desired-count", "2")
        run("ecs", "run-task", "--cluster", "fleet", "--task-definition", name, "--group", f"service:{name}", "--count", "2", "--launch-type", "FARGATE")
    # What a container agent would report: those of cove have not started.
    moto.moto_api.state_manager.set_transition("ecs::task", {"progression": "manual", "times": 100})
    backend = moto.ecs.models.ecs_backends["123456789012"]["eu-west-1"]
    for task in backend.tasks["fleet"].values():
        if not task.group.endswith("cove"):
            (container,) = task.containers
            container.last_status, container.image_digest = "RUNNING", "sha256:" + "0" * 64
    fleet = scratch / "services-fleet.json"
    listed = run("ecs", "list-services", "--cluster", "fleet")
    listed["serviceArns"].append(listed["serviceArns"][0].rsplit("/", 1)[0] + "/ghost")
    fleet.write_text(json.dumps(listed))
    asked = 'services="acme blix cove ghost"'
    export("aws-ecs", scratch, environment, [("services=$(aws ecs list-services --cluster fleet --query serviceArns --output text)", asked)])
    evidence = scratch / "services.json"
    described = json.loads(evidence.read_text())
    yield "aws-ecs: failures", [one["reason"] for one in described["failures"]] != ["MISSING"] and described["failures"]
    yield from judged(options, "aws-ecs", evidence, {"acme": True, "blix": False, "cove": False, "ghost": False}, fleet)


def samples(name):
    for path in mappings.samples_of(ROOT / "mappings" / name):
        yield path.relative_to(ROOT), json.loads(path.read_text())


def kubernetes():
    for path, sample in samples("kubernetes"):
        for index, item in enumerate(sample["items"]):
            try:
                kubernetes_validate.validate(item, KUBERNETES, strict=True)
                wrong = None
            except kubernetes_validate.ValidationError as error:
                wrong = error
            yield f"{path}: {index}", wrong


def argocd():
    module, checksum = ARGOCD
    done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, cwd="/")
    module = json.loads(done.stdout)
    if module.get("Sum") != checksum:
        raise SystemExit(f"another Argo CD than expected: {done.stdout}")
    definition = yaml.load(pathlib.Path(module["Dir"], "manifests/crds/application-crd.yaml").read_text(), yaml.CSafeLoader)
    validator = jsonschema.Draft7Validator(closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
    for path, sample in samples("argocd"):
        for index, item in enumerate(sample):
            yield f"{path}: {index}", [f"{error.json_path}: {error.message}" for error in validator.iter_errors(item)]


def closed(schema):
    """The same schema, which refuses the keys that it does not name, as an API server drops them."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    named = schema.get("properties")
    if isinstance(named, dict) and schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


def aws_types():
    loader = botocore.loaders.Loader()
    for name, service, shapes in [
        ("aws-ssm", "ssm", ["ListCommandInvocationsResult", "DescribeInstanceInformationResult"]),
        ("aws-ecs", "ecs", ["DescribeServicesResponse", "DescribeTasksResponse", "ListServicesResponse"]),
    ]:
        model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"))
        for path, sample in samples(name):
            for key, value in sample.items():
                shape = next((model.shape_for(one) for one in shapes if key in model.shape_for(one).members), None)
                yield f"{path}: {key}", "no answer has it" if shape is None else list(unlike(shape.members[key], value, key))


SCALARS = {"string": str, "boolean": bool, "integer": int, "long": int, "double": float, "timestamp": str}


def unlike(shape, value, at):
    """Where a value is not of a shape of AWS's service model, as its CLI prints it."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            yield f"{at} is no object"
            return
        for key, inner in value.items():
            if key not in shape.members:
                yield f"{at}.{key} is unknown"
            else:
                yield from unlike(shape.members[key], inner, f"{at}.{key}")
    elif shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from unlike(shape.member, inner, f"{at}[{index}]")
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from unlike(shape.value, inner, f"{at}.{key}")
    elif type(value) is not SCALARS[shape.type_name]:
        yield f"{at} is no {shape.type_name}"
    # An empty text stands for what is not set, also where the model has an enumeration.
    elif value != "" and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{at} is {value!r}, and not one of {shape.enum}"


def nomad():
    for path, _ in samples("nomad"):
        done = subprocess.run(["go", "run", "-mod=readonly", ".", str(ROOT / path)], capture_output=True, text=True, cwd=ROOT / "tests/interop/nomad")
        yield str(path), done.returncode and done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
