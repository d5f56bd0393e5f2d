"""Web applications that know the issuer and their own client, and find the rest by discovery."""

import shutil
import sys

from tests.harness.machine import missing
from tests.strangers.installed import APPS, GO_APPLICATION, NODE_MODULES, program
from tests.strangers.provider import Provider


def in_and_out(provider: Provider, name: str, before_leaving: str = "/", leaving: str = "/signout") -> None:
    """Sign in, see the user info, leave, and be asked to sign in again; consent is remembered."""
    app = provider.applications[name]
    with provider.person() as person:
        page = person.go(app.url)
        assert page.status_code == 200, page.text
        assert page.json()["name"] == "林晓梅"
        assert person.seen == ["sign in", "consent"]
        page = person.go(app.url + before_leaving)
        assert page.status_code == 200, page.text
        assert page.json()["name"] == "林晓梅"
        goodbye = person.go(app.url + leaving)
        if str(goodbye.url) == app.url + leaving:
            goodbye = person.press(goodbye)  # an application that asks before it lets people go
        assert goodbye.status_code == 200, goodbye.text
        assert str(goodbye.url).startswith(app.url + app.goodbye), goodbye.url
        page = person.go(app.url)
        assert page.json()["name"] == "林晓梅"
        assert person.seen == ["sign in", "consent", "sign in"]


def test_authlib_and_starlette(provider: Provider) -> None:
    """Python, client_secret_basic."""
    app = provider.applications["authlib"]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(app.port)]
    provider.run(app, command, cwd=APPS / "python", SESSION_SECRET="s" * 32)
    in_and_out(provider, app.client_id)


def test_openid_client(provider: Provider) -> None:
    """Node, client_secret_post, a refresh in between."""
    app = provider.applications["openid-client"]
    node = program("node")
    if node is None or not NODE_MODULES.is_dir():
        missing("openid-client is not installed (make strangers)")
    # Node looks for packages beside the file.
    provider.run(app, [node, shutil.copy(APPS / "node" / "app.mjs", NODE_MODULES.parent)])
    in_and_out(provider, app.client_id, "/refresh")


def test_go_oidc(provider: Provider) -> None:
    """Go, client_secret_basic with a secret that the form-encoding of RFC 6749 §2.3.1 changes."""
    if not GO_APPLICATION.is_file():
        missing("coreos/go-oidc is not installed (make strangers)")
    app = provider.applications["go-oidc"]
    provider.run(app, [str(GO_APPLICATION)])
    in_and_out(provider, app.client_id)
