"""The rendered manifests: what schemas cannot see."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.render import FOLDER, OVERLAYS, ManifestError, objects, render, validate
from services.cli import registry
from services.gateway.settings import GatewaySettings
from services.kit.settings import SERVICES, ServiceSettings, known_names
from tests.harness.platform import ROOT

Object = dict[str, Any]
ROLES = ("api", "worker")
OF_THE_STORE = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT"}
"""What `kit.storage` has its library read."""


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> list[Object]:
    return objects(render(request.param))


@pytest.fixture(scope="module")
def given_secrets() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load((FOLDER / "secrets.yaml").read_text("utf-8"))
    return found


def _of(manifests: list[Object], *kinds: str) -> list[Object]:
    return [one for one in manifests if one["kind"] in kinds]


def _name(one: Object) -> str:
    return str(one["metadata"]["name"])


def _workloads(manifests: list[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Name, pod template and only container of every Deployment and Job."""
    for one in _of(manifests, "Deployment", "Job"):
        template = one["spec"]["template"]
        (container,) = template["spec"]["containers"]
        yield _name(one), template, container


def _matches(selector: Object, labels: dict[str, str]) -> bool:
    found = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In"
        found = found and labels.get(rule["key"]) in rule["values"]
    return found


def _pods(manifests: list[Object]) -> list[dict[str, str]]:
    return [template["metadata"]["labels"] for _, template, _ in _workloads(manifests)]


def test_every_object_fits_the_schemas(manifests: list[Object]) -> None:
    for one in manifests:
        validate(one)


def test_an_unknown_field_is_found(manifests: list[Object]) -> None:
    spoilt = {**_of(manifests, "Service")[0], "bogus": 1}
    with pytest.raises(ManifestError, match="bogus"):
        validate(spoilt)


def test_each_service_has_each_role_a_service_a_migration_and_a_budget(manifests: list[Object]) -> None:
    assert {_name(one) for one in _of(manifests, "Deployment")} == {f"{s}-{r}" for s in SERVICES for r in ROLES}
    assert {_name(one) for one in _of(manifests, "PodDisruptionBudget")} == {
        f"{s}-{r}" for s in SERVICES for r in ROLES
    }
    assert {_name(one) for one in _of(manifests, "Service")} == {f"{s}-http" for s in SERVICES}
    assert len([one for one in _of(manifests, "Job") if "-migrate-" in _name(one)]) == len(SERVICES)


def test_the_command_of_each_workload_names_its_own_service_and_role(manifests: list[Object]) -> None:
    for name, template, container in _workloads(manifests):
        service = template["metadata"]["labels"]["app.kubernetes.io/name"]
        if "migrate" in name:
            assert container["args"] == ["migrate", service]
        elif service == "topics":
            assert container["args"] == ["topics", "apply", "--replication", "3"]
        else:
            role = template["metadata"]["labels"]["tongban/role"]
            assert name == f"{service}-{role}"
            assert container["args"] == ["serve", service, "--role", role]


def test_jobs_carry_the_release(manifests: list[Object]) -> None:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))["project"]
    suffix = "-" + project["version"].replace(".", "-")
    assert all(_name(one).endswith(suffix) for one in _of(manifests, "Job"))


def test_selectors_match_exactly_what_they_are_for(manifests: list[Object]) -> None:
    pods = _pods(manifests)
    for one in _of(manifests, "Deployment"):
        assert _matches(one["spec"]["selector"], one["spec"]["template"]["metadata"]["labels"])
        assert sum(_matches(one["spec"]["selector"], labels) for labels in pods) == 1, _name(one)
    for one in _of(manifests, "PodDisruptionBudget"):
        assert sum(_matches(one["spec"]["selector"], labels) for labels in pods) == 1, _name(one)
    for one in _of(manifests, "Service"):
        chosen = [labels for labels in pods if _matches({"matchLabels": one["spec"]["selector"]}, labels)]
        service = _name(one).removesuffix("-http")
        assert [(p["app.kubernetes.io/name"], p["tongban/role"]) for p in chosen] == [(service, "api")]
    for one in _of(manifests, "NetworkPolicy"):
        assert any(_matches(one["spec"]["podSelector"], labels) for labels in pods), _name(one)


def test_nothing_is_reached_that_no_policy_allows(manifests: list[Object]) -> None:
    (deny,) = [one for one in _of(manifests, "NetworkPolicy") if _name(one) == "deny-all"]
    assert "ingress" not in deny["spec"] and "egress" not in deny["spec"]
    assert sorted(deny["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    assert all(_matches(deny["spec"]["podSelector"], labels) for labels in _pods(manifests))
    (door,) = [one for one in _of(manifests, "NetworkPolicy") if _name(one) == "front-door"]
    open_to_all = [p["app.kubernetes.io/name"] for p in _pods(manifests) if _matches(door["spec"]["podSelector"], p)]
    assert sorted(open_to_all) == ["gateway", "identity"]


def _allows(manifests: list[Object], side: str, ours: dict[str, str], theirs: dict[str, str]) -> bool:
    """Whether a policy lets the pods `ours` be reached by (ingress) or reach (egress) the pods `theirs` over HTTP."""
    there = {"ingress": "from", "egress": "to"}[side]
    for one in _of(manifests, "NetworkPolicy"):
        if not _matches(one["spec"]["podSelector"], ours):
            continue
        for rule in one["spec"].get(side, []):
            peers = rule.get(there)
            named = peers is None or any("podSelector" in p and _matches(p["podSelector"], theirs) for p in peers)
            if named and any(port["port"] == "http" for port in rule["ports"]):
                return True
    return False


def test_inside_the_network_has_the_edges_of_the_code_and_no_other(manifests: list[Object]) -> None:
    addresses = set(GatewaySettings.model_fields) - set(ServiceSettings.model_fields)
    called = {name.removesuffix("_url") for name in addresses if name.endswith("_url")}
    assert called < set(SERVICES)
    edges = {(("gateway", "api"), (name, "api")) for name in called}
    for name in SERVICES:
        if any(
            "TokenVerifier(settings)" in path.read_text("utf-8") for path in (ROOT / "services" / name).glob("*.py")
        ):
            edges.add(((name, "api"), ("identity", "api")))
    assert len(edges) == 6
    pods = {(p["app.kubernetes.io/name"], p["tongban/role"]): p for p in _pods(manifests)}
    found = {
        (source, target)
        for source in pods
        for target in pods
        if _allows(manifests, "egress", pods[source], pods[target])
        and _allows(manifests, "ingress", pods[target], pods[source])
    }
    assert found == edges


def _ports_outside(manifests: list[Object], labels: dict[str, str]) -> set[int]:
    """Ports outside of the cluster that pods with these labels reach."""
    found = set()
    for one in _of(manifests, "NetworkPolicy"):
        for rule in one["spec"].get("egress", []):
            if _matches(one["spec"]["podSelector"], labels) and any("ipBlock" in peer for peer in rule["to"]):
                found |= {port["port"] for port in rule["ports"]}
    return found


def test_outside_each_pod_reaches_what_it_needs(manifests: list[Object]) -> None:
    for name, template, _ in _workloads(manifests):
        labels = template["metadata"]["labels"]
        service, role = labels["app.kubernetes.io/name"], labels["tongban/role"]
        wanted = {"migrate": {5432}, "topics": {9093}}.get(role, {5432, 9093})
        # Files; the issuer; back-channel logout; departments' endpoints, checked when subscribed and called later.
        if (service, role) in {("gateway", "api"), ("identity", "worker")} or (
            service in ("cases", "notify") and role in ROLES
        ):
            wanted = wanted | {443}
        assert _ports_outside(manifests, labels) == wanted, name


def test_pods_get_no_variables_of_services(manifests: list[Object]) -> None:
    """A Service named tongban-… would put TONGBAN_… names into every pod, and an unknown one is an error."""
    for name, template, _ in _workloads(manifests):
        assert template["spec"]["enableServiceLinks"] is False, name


def test_who_speaks_to_kafka_has_its_certificate(manifests: list[Object]) -> None:
    for name, _, container in _workloads(manifests):
        if container["args"][0] != "migrate":
            path = _environment(manifests, name)["TONGBAN_KAFKA_CA_FILE"]
            assert str(Path(path).parent) in {mount["mountPath"] for mount in container["volumeMounts"]}, name


def test_a_changed_setting_changes_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Job that is there cannot be changed: applying the manifests again must not try to."""
    monkeypatch.setattr("deploy.render.FOLDER", tmp_path)
    jobs = []
    for issuer in ("id.example.org", "sso.example.org"):
        shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        overlay = tmp_path / "overlays" / "production" / "kustomization.yaml"
        overlay.write_text(overlay.read_text("utf-8").replace("https://id.example.org", f"https://{issuer}"), "utf-8")
        kafka = overlay.with_name("kafka.env")
        kafka.write_text(kafka.read_text("utf-8").replace("kafka-1", issuer), "utf-8")
        found = objects(render("production"))
        assert any(issuer in str(one) for one in _of(found, "ConfigMap"))
        jobs.append(_of(found, "Job"))
    assert jobs[0] == jobs[1]


def test_ports_that_are_named_exist(manifests: list[Object]) -> None:
    containers = {
        (t["metadata"]["labels"]["app.kubernetes.io/name"], t["metadata"]["labels"]["tongban/role"]): c
        for _, t, c in _workloads(manifests)
    }
    for container in containers.values():
        names = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                assert container[probe]["httpGet"]["port"] in names
    for one in _of(manifests, "Service"):
        ports = containers[_name(one).removesuffix("-http"), "api"]["ports"]
        for port in one["spec"]["ports"]:
            assert port["targetPort"] in {found["name"] for found in ports}
    listened = _environment(manifests, "cases-api")
    numbers = {port["name"]: str(port["containerPort"]) for port in containers["cases", "api"]["ports"]}
    assert numbers == {"http": listened["TONGBAN_PORT"], "management": listened["TONGBAN_MANAGEMENT_PORT"]}


def test_liveness_touches_no_dependency_and_readiness_does(manifests: list[Object]) -> None:
    for name, _, container in _workloads(manifests):
        if "livenessProbe" in container:
            assert container["livenessProbe"]["httpGet"]["path"] == "/livez", name
            assert container["startupProbe"]["httpGet"]["path"] == "/livez", name
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name


def test_volumes_that_are_mounted_exist_and_the_root_is_read_only(manifests: list[Object]) -> None:
    for name, template, container in _workloads(manifests):
        volumes = {volume["name"] for volume in template["spec"]["volumes"]}
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == volumes, name
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_pods_are_restricted(manifests: list[Object]) -> None:
    (namespace,) = _of(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, template, container in _workloads(manifests):
        pod, own = template["spec"]["securityContext"], container["securityContext"]
        assert pod["runAsNonRoot"] is True and pod["runAsUser"] > 0, name
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert own["allowPrivilegeEscalation"] is False and own["readOnlyRootFilesystem"] is True, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        assert template["spec"]["automountServiceAccountToken"] is False, name


def test_requests_are_within_limits(manifests: list[Object]) -> None:
    for name, _, container in _workloads(manifests):
        resources = container["resources"]
        assert _mebibytes(resources["requests"]["memory"]) <= _mebibytes(resources["limits"]["memory"]), name


def _mebibytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)(Mi|Gi)", text)
    assert match
    return int(match[1]) * (1024 if match[2] == "Gi" else 1)


def test_every_pod_ends_later_than_its_pause_and_its_shutdown(manifests: list[Object]) -> None:
    drain = registry.settings_class("cases").model_fields["shutdown_seconds"].default
    for name, template, container in _workloads(manifests):
        if "livenessProbe" in container:
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert template["spec"]["terminationGracePeriodSeconds"] > pause + 2 * drain, name


def test_config_maps_and_secrets_that_are_named_exist(
    manifests: list[Object], given_secrets: dict[str, list[str]]
) -> None:
    maps = {_name(one) for one in _of(manifests, "ConfigMap")}
    used = set()
    for name, _, container in _workloads(manifests):
        for source in container["envFrom"]:
            if "configMapRef" in source:
                assert source["configMapRef"]["name"] in maps, name
            else:
                used.add(source["secretRef"]["name"])
    assert used == set(given_secrets)
    assert not _of(manifests, "Secret"), "no secret is part of the manifests"


def test_every_setting_is_one_that_is_read(manifests: list[Object], given_secrets: dict[str, list[str]]) -> None:
    known = known_names(registry.settings_classes()) | OF_THE_STORE
    for one in _of(manifests, "ConfigMap"):
        assert set(one.get("data", {})) <= known, _name(one)
    for name, keys in given_secrets.items():
        assert set(keys) <= known, name


def test_no_config_map_holds_a_secret(manifests: list[Object]) -> None:
    for one in _of(manifests, "ConfigMap"):
        for name, value in one.get("data", {}).items():
            assert not re.search("PASSWORD|_KEY|SECRET|DATABASE_URL", name)
            assert "@" not in value


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_all_that_it_requires(
    manifests: list[Object], given_secrets: dict[str, list[str]], service: str
) -> None:
    cls = registry.settings_class(service)
    for role in ROLES:
        told = set(_environment(manifests, f"{service}-{role}")) | set(given_secrets[service])
        fields = cls.required + {"identity": ("clients",)}.get(service, ())  # asked for by who serves
        for field in fields:
            assert told & set(cls.environment_names(field)), f"{service}-{role}: {field}"


def test_no_service_is_told_the_secrets_of_another(given_secrets: dict[str, list[str]]) -> None:
    for name, keys in given_secrets.items():
        owner = name.removesuffix("-owner").upper()
        for other in SERVICES:
            if other.upper() != owner:
                assert not [key for key in keys if key.startswith(f"TONGBAN_{other.upper()}_")], name
        assert name.endswith("-owner") == any("MIGRATION" in key for key in keys), name


def test_addresses_inside_are_services_that_exist(manifests: list[Object]) -> None:
    services = {(_name(one), port["port"]) for one in _of(manifests, "Service") for port in one["spec"]["ports"]}
    inside = []
    for one in _of(manifests, "ConfigMap"):
        for value in one.get("data", {}).values():
            parts = urlsplit(value)
            if parts.scheme == "http":
                inside.append((parts.hostname, parts.port))
    assert inside
    assert set(inside) <= services


def _environment(manifests: list[Object], workload: str) -> dict[str, str]:
    """What a workload is told by ConfigMaps."""
    maps = {_name(one): one.get("data", {}) for one in _of(manifests, "ConfigMap")}
    (container,) = [found for name, _, found in _workloads(manifests) if name == workload]
    told: dict[str, str] = {}
    for source in container["envFrom"]:
        told |= maps.get(source.get("configMapRef", {}).get("name"), {})
    return told


def test_the_image_is_built_from_locked_packages_and_runs_without_root() -> None:
    text = (FOLDER / "Dockerfile").read_text("utf-8")
    assert re.search(r"^ARG BASE_IMAGE", text, re.MULTILINE)
    for line in text.splitlines():
        if "pip install" in line or "pip wheel" in line:
            assert "--require-hashes" in line or "--no-deps" in line or "pip wheel" in line, line
    final = text.rpartition("\nFROM ")[2]
    for index in ("PIP_INDEX_URL", "NPM_CONFIG_REGISTRY"):
        assert f"\nARG {index}\n" in text, "an index may be named, and none is by default"
    user = re.search(r"^USER (\d+):\d+$", final, re.MULTILINE)
    assert user and int(user[1]) > 0


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    text = (FOLDER / "Dockerfile").read_text("utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in sent
    assert sorted(f"!{name}" for names in copied for name in names) == sorted(x for x in sent if x.startswith("!"))


def test_only_this_folder_names_the_overlay_addresses() -> None:
    for path in Path(FOLDER / "base").rglob("*.yaml"):
        assert "example.org" not in path.read_text("utf-8"), path


def test_files_go_to_a_store_that_the_cases_service_may_enter(
    manifests: list[Object], given_secrets: dict[str, list[str]]
) -> None:
    for role in ROLES:
        told = set(_environment(manifests, f"cases-{role}")) | set(given_secrets["cases"])
        assert told >= OF_THE_STORE | {"TONGBAN_STORAGE_URL"}
    assert not [name for name, keys in given_secrets.items() if name != "cases" and set(keys) & OF_THE_STORE]
