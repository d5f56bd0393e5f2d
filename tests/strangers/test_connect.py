"""docs/connect.md, "In ten minutes": its steps lead to a signed-in user."""

import json
import re
import ssl
import sys

import httpx

from tests.harness.platform import ROOT, quiet_ports
from tests.strangers.installed import APPS
from tests.strangers.provider import Application, Provider
from tests.strangers.test_servers import in_and_out

DOCUMENTED = "http://localhost:3000"


def _metadata(name: str) -> str:
    """What the guide posts to /register."""
    block = re.search(r"<<END\n(.*?)\n *END\n", (ROOT / "docs" / name).read_text("utf-8"), re.DOTALL)
    assert block is not None
    return block[1]


def test_both_languages_show_the_same_registration() -> None:
    english, chinese = (json.loads(_metadata(name)) for name in ("connect.md", "connect.zh-CN.md"))
    assert english == chinese


def test_from_registration_to_a_signed_in_user(provider: Provider) -> None:
    made = provider.platform.tongban("clients", "token", "--realm", "citizen")
    assert made.returncode == 0, made.stderr
    (port,) = quiet_ports(1)
    app = Application("registered", port=port)
    answer = httpx.post(
        provider.issuer + "/register",
        content=_metadata("connect.md").replace(DOCUMENTED, app.url),
        headers={"Authorization": f"Bearer {made.stdout.strip()}", "Content-Type": "application/json"},
        verify=ssl.create_default_context(cafile=str(provider.ca)),
    )
    assert answer.status_code == 201, answer.text
    app.client_id, app.secret = answer.json()["client_id"], answer.json()["client_secret"]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    provider.run(app, command, cwd=APPS / "python", SESSION_SECRET="s" * 32)
    in_and_out(provider, app)
