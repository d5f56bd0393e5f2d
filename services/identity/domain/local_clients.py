"""The clients of the local and test profiles, made from the key files in the data folder."""

import json
from pathlib import Path
from typing import Any

from services.identity.domain.clients import EVERYWHERE, Realm
from services.kit.settings import BEHIND_GATEWAY

SERVICES = {
    "catalog": ("事项目录服务", "Catalogue service"),
    "cases": ("办件服务", "Case service"),
    "notify": ("消息服务", "Message service"),
    "gateway": ("网关", "Gateway"),
}
SURFACES = {
    "portal": (Realm.CITIZEN, "通办网上办事大厅", "Tongban portal"),
    "kiosk": (Realm.CITIZEN, "通办自助机", "Tongban kiosk"),
    "desk": (Realm.STAFF, "通办窗口工作台", "Tongban desk"),
}
DEPARTMENT = "dept-demo"
RESOURCES = tuple(f"urn:tongban:{name}" for name in ("identity", "catalog", "cases", "notify", "gateway"))


def local_clients(secrets: Path, origins: dict[str, str]) -> list[dict[str, Any]]:
    """Declarations for every key file that is there. `origins`: public origin of each surface."""
    found = []
    for name, (realm, zh, en) in SURFACES.items():
        if jwks := _public(secrets / f"{name}.jwk"):
            found.append(surface_client(name, realm, (zh, en), origins[name], jwks))
    for name, (zh, en) in SERVICES.items():
        if jwks := _public(secrets / f"{name}.jwk"):
            found.append(_machine(name, (zh, en), jwks))
    if jwks := _public(secrets / f"{DEPARTMENT}.jwk"):
        grants = [{"organisation": EVERYWHERE, "role": "integrator"}]
        # By their public addresses as well (RFC 9728 §1.2): strangers' software knows no others.
        resources = [*RESOURCES, *(f"{origins['portal']}/api/{name}" for name in BEHIND_GATEWAY)]
        department = _machine(DEPARTMENT, ("演示部门系统", "Demo department system"), jwks)
        found.append(department | {"grants": grants, "resources": resources})
    return found


def surface_client(
    name: str, realm: Realm, names: tuple[str, str], origin: str, jwks: dict[str, Any]
) -> dict[str, Any]:
    """The declaration of one surface of the gateway at `origin`."""
    return {
        "client_id": name,
        "client_name": {"zh": names[0], "en": names[1]},
        "first_party": True,
        "realm": realm.value,
        "grant_types": ["authorization_code", "refresh_token"],
        "jwks": jwks,
        "redirect_uris": [f"{origin}/signin/callback"],
        "post_logout_redirect_uris": [f"{origin}/signout/done"],
        "backchannel_logout_uri": f"{origin}/signin/backchannel-logout",
        "resources": list(RESOURCES),
        "client_uri": f"{origin}/",
    }


def _machine(name: str, names: tuple[str, str], jwks: dict[str, Any]) -> dict[str, Any]:
    return {
        "client_id": name,
        "client_name": {"zh": names[0], "en": names[1]},
        "grant_types": ["client_credentials"],
        "jwks": jwks,
        "resources": list(RESOURCES),
    }


def _public(path: Path) -> dict[str, Any] | None:
    try:
        key = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return {"keys": [{member: key[member] for member in ("kty", "crv", "x", "y", "kid", "alg") if member in key}]}
