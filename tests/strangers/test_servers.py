"""Web applications that know the issuer and their own client, and find the rest by discovery."""

import json
import shutil
import sys
import time
from collections.abc import Sequence

from tests.harness.machine import missing
from tests.strangers.applications import FAPI_KEY
from tests.strangers.installed import APPS, GO_APPLICATIONS, NODE_MODULES, program
from tests.strangers.provider import Application, Provider


def in_and_out(
    provider: Provider, app: Application, leaving: str = "/signout", meanwhile: Sequence[str] = ()
) -> list[str]:
    """Sign in, see the user info, leave, and be asked to sign in again; consent is remembered.

    `meanwhile`: pages of the application that end at the user info too. What the provider asked until then.
    """
    with provider.person() as person:
        for path in ("/", *meanwhile):
            page = person.go(app.url + path)
            assert page.status_code == 200, page.text
            assert page.json()["name"] == "林晓梅"
        assert person.seen[:2] == ["sign in", "consent"]
        seen = len(person.seen)
        goodbye = person.go(app.url + leaving)
        if str(goodbye.url) == app.url + leaving:
            goodbye = person.press(goodbye)  # an application that asks before it lets people go
        assert goodbye.status_code == 200, goodbye.text
        assert str(goodbye.url).startswith(app.url + app.goodbye), goodbye.url
        assert person.go(app.url).json()["name"] == "林晓梅"
        assert person.seen[seen:] == (["logout/confirm"] if app.asked_to_leave else []) + ["sign in"]
        return person.seen[:seen]


def told_of_the_end(provider: Provider, page: str) -> None:
    """Sign in at an application's page, sign out at the provider: the application forgets the person by itself."""
    with provider.person() as person:
        assert person.go(page).status_code == 200
        person.go(provider.issuer + "/logout")
        assert person.seen[-1] == "logout/confirm"
        deadline = time.monotonic() + 60
        while person.http.get(page, follow_redirects=False).status_code == 200:
            assert time.monotonic() < deadline, "the session outlives the sign-out"
            time.sleep(0.1)


def test_authlib_and_starlette(provider: Provider) -> None:
    """Python, client_secret_basic."""
    app = provider.applications["authlib"]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(app.port)]
    provider.run(app, command, cwd=APPS / "python", SESSION_SECRET="s" * 32)
    in_and_out(provider, app)


def test_openid_client(provider: Provider) -> None:
    """Node, client_secret_post; refreshed, signed in again for something that matters, refreshed."""
    app = provider.applications["openid-client"]
    provider.run(app, _node("app.mjs"))
    asked = in_and_out(provider, app, meanwhile=("/refresh", "/again", "/refresh"))
    assert asked == ["sign in", "consent", "sign in"]


def test_openid_client_of_the_fapi2_profile(provider: Provider) -> None:
    """Node, FAPI 2.0 Security Profile: pushed request, private_key_jwt, DPoP with our nonces."""
    app = provider.applications["fapi"]
    provider.run(app, _node("fapi.mjs"), CLIENT_KEY=json.dumps(FAPI_KEY.as_dict(private=True)))
    in_and_out(provider, app, meanwhile=("/refresh",))


def _node(name: str) -> list[str]:
    node = program("node")
    if node is None or not NODE_MODULES.is_dir():
        missing("openid-client is not installed (make strangers)")
    # Node looks for packages beside the file.
    return [node, shutil.copy(APPS / "node" / name, NODE_MODULES.parent)]


def test_go_oidc(provider: Provider) -> None:
    """Go, client_secret_basic with a secret that the form-encoding of RFC 6749 §2.3.1 changes."""
    app = provider.applications["go-oidc"]
    provider.run(app, _go("go"))
    in_and_out(provider, app)


def test_zitadel_oidc(provider: Provider) -> None:
    """Go, a relying party of another make."""
    app = provider.applications["zitadel"]
    provider.run(app, _go("zitadel"), SESSION_SECRET="s" * 32)
    in_and_out(provider, app)


def _go(name: str) -> list[str]:
    if not GO_APPLICATIONS[name].is_file():
        missing("relying parties in Go are not installed (make strangers)")
    return [str(GO_APPLICATIONS[name])]
