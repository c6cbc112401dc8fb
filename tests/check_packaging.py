"""Checks the files below packaging/ as far as that needs neither a container engine nor a cluster.

    "$(tests/setup-packaging-checks.sh)" tests/check_packaging.py

Says what it has seen to hold, and ends with 1 if something does not. A check whose tool is missing is skipped, and
says so.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = pathlib.Path(sys.executable).parent
CHART = ROOT / "packaging/helm/medialink"

# What operators choose, in the combinations that take every branch of the templates.
INGRESS = {"enabled": True, "className": "nginx", "host": "media.example.org", "tlsSecret": "media-tls"}
CHOICES = {
    "the defaults": {},
    "an ingress with TLS": {"ingress": INGRESS | {"annotations": {"example.org/buffering": "off"}}},
    "an ingress without TLS": {"ingress": INGRESS | {"className": "", "tlsSecret": ""}},
    "three replicas": {"replicas": 3, "persistence": {"enabled": False}},
    "a class of storage": {"persistence": {"storageClassName": "fast"}, "image": {"tag": "1.2.3"}},
}


class Missing(Exception):
    """A tool that a check needs is not there."""


def module(name):
    """The module of this name."""
    if importlib.util.find_spec(name) is None:
        raise Missing(f"no Python package {name}")
    return importlib.import_module(name)


def run(tool, *arguments):
    """What the tool prints; it has to end well within a minute."""
    program = TOOLS / tool
    if not program.exists():
        raise Missing(f"no {tool} in {TOOLS}")
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{tool}:\n{done.stdout}{done.stderr}"
    return done.stdout


def helm_accepts_the_chart():
    """Helm's own lints find nothing to warn of."""
    helm = module("helm_python")
    for name, values in CHOICES.items():
        report = helm.lint(CHART, values, strict=True)
        faults = [message for message in report["messages"] if message["severity"] >= 2]
        assert not faults and not report["errors"], f"{name}: {faults or report['errors']}"


def the_chart_is_of_this_version():
    """The image that the chart takes is the one of this version."""
    yaml = module("yaml")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version, f"appVersion {chart['appVersion']}, and Cargo.toml has {version}"


def resources(values):
    """What the chart makes of these values, by kind."""
    helm, yaml = module("helm_python"), module("yaml")
    with helm.Chart.load(CHART) as chart:
        rendered = chart.render(values, name="links", namespace="matrix")
    documents = [one for text in rendered.values() for one in yaml.safe_load_all(text) if one]
    return {kind: [one for one in documents if one["kind"] == kind] for kind in {one["kind"] for one in documents}}


def kubernetes_knows_every_field():
    """What the chart makes fits the schemas of Kubernetes, without a field that they do not know."""
    validate = module("kubernetes_validate")
    for name, values in CHOICES.items():
        for resource in sum(resources(values).values(), []):
            try:
                validate.validate(resource, "1.37", strict=True)
            except validate.ValidationError as error:
                raise AssertionError(f"{name}: {resource['kind']}: {error.message}") from error


def the_resources_of_the_chart_find_each_other():
    """Services select the pods and name their ports, the ingress names the public service, and volumes are there."""
    for name, values in CHOICES.items():
        made = resources(values)
        (deployment,) = made["Deployment"]
        pod = deployment["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        services = {service["metadata"]["name"]: service["spec"] for service in made["Service"]}
        for service in services.values():
            assert service["selector"].items() <= pod["metadata"]["labels"].items(), name
            assert all(ports[port["targetPort"]] == port["port"] for port in service["ports"]), name
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}, name
        claims = [claim["metadata"]["name"] for claim in made.get("PersistentVolumeClaim", [])]
        claimed = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]
                   if "persistentVolumeClaim" in volume]
        assert claims == claimed, f"{name}: {claimed} of {claims}"
        for ingress in made.get("Ingress", []):
            (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
            backend = path["backend"]["service"]
            names = {port["name"] for port in services[backend["name"]]["ports"]}
            assert names == {"public"} == {backend["port"]["name"]}, f"{name}: {backend}"
        assert ("Ingress" in made) == values.get("ingress", {}).get("enabled", False), name


def compose_understands_its_file():
    """Docker Compose reads the file, and it publishes neither the internal listener nor anything beyond loopback."""
    text = run("docker-compose", "--file", "packaging/compose/compose.yaml", "config", "--format", "json")
    services = json.loads(text)["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert {port["target"] for port in ports} == {8480, 8008}, ports
    assert all(port["host_ip"] == "127.0.0.1" for port in ports), ports
    assert services["medialink"]["read_only"] and services["medialink"]["cap_drop"] == ["ALL"], services["medialink"]


def ansible_understands_the_role():
    """Ansible reads the tasks and handlers of the role, and knows their modules."""
    with tempfile.TemporaryDirectory() as directory:
        play = pathlib.Path(directory) / "play.yaml"
        roles = str(ROOT / "packaging/ansible/roles/medialink")
        play.write_text(json.dumps([{"hosts": "localhost", "roles": [{"role": roles}]}]))
        run("ansible-playbook", "--inventory", "localhost,", "--syntax-check", play)


def hadolint_accepts_the_dockerfile():
    """The Dockerfile has none of the usual faults."""
    run("hadolint", "--no-color", "packaging/Dockerfile")


def shellcheck_accepts_the_scripts():
    """The scripts of the repository and of the package have none of the usual faults."""
    scripts = [path for folder in ("packaging", "tests", ".ci") for path in sorted((ROOT / folder).rglob("*"))
               if path.is_file() and path.read_bytes().startswith((b"#!/usr/bin/env bash", b"#!/bin/sh"))]
    assert len(scripts) > 20, scripts
    run("shellcheck", "--external-sources", *scripts)


CHECKS = [
    helm_accepts_the_chart,
    the_chart_is_of_this_version,
    kubernetes_knows_every_field,
    the_resources_of_the_chart_find_each_other,
    compose_understands_its_file,
    ansible_understands_the_role,
    hadolint_accepts_the_dockerfile,
    shellcheck_accepts_the_scripts,
]


def main():
    """Runs all checks, and counts those that fail."""
    failed = 0
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            check()
            print(f"holds    {name}")
        except Missing as missing:
            print(f"skipped  {name}: {missing}")
        except Exception as error:  # whatever a tool makes of a broken file, the other checks run
            failed += 1
            print(f"FAILS    {name}: {type(error).__name__}: {error}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
