"""mod_auth_openidc, the module of the Apache web server, as Debian has it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.machine import missing
from tests.strangers.installed import APPS
from tests.strangers.provider import Application, Provider
from tests.strangers.test_servers import told_of_the_end

MODULES = Path("/usr/lib/apache2/modules")
SERVER = "/usr/sbin/apache2"
PAGE = "/private/index.html"


@pytest.fixture(scope="module")
def apache(provider: Provider) -> Iterator[Application]:
    """A server of the test's own in a folder that the web server's user can read."""
    if not (MODULES / "mod_auth_openidc.so").is_file():
        missing("mod_auth_openidc is not installed (Debian: apt-get install apache2-bin libapache2-mod-auth-openidc)")
    app = provider.applications["apache"]
    folder = Path(tempfile.mkdtemp(prefix="tongban-apache-"))
    folder.chmod(0o711)
    shutil.copytree(APPS / "apache" / "pages", folder / "pages")
    shutil.copy(provider.ca, folder / "ca.pem")
    root = os.getuid() == 0
    provider.run(
        app,
        [SERVER, "-D", "FOREGROUND", "-f", str(APPS / "apache" / "httpd.conf")],
        FOLDER=str(folder),
        MODULES=str(MODULES),
        RUN_USER="www-data" if root else "#-1",
        RUN_GROUP="www-data" if root else "#-1",
        APP_CONFIG=str(APPS / "apache" / "openid.conf"),
        SESSION_SECRET="s" * 32,
        CA_FILE=str(folder / "ca.pem"),
    )
    yield app
    shutil.rmtree(folder, ignore_errors=True)


def test_in_and_out(provider: Provider, apache: Application) -> None:
    with provider.person() as person:
        page = person.go(apache.url + PAGE)
        assert page.status_code == 200, page.text
        assert "name=林晓梅" in page.text
        assert person.seen[0] == "sign in"
        left = person.go(f"{apache.url}/private/callback?logout={apache.url}/goodbye.html")
        assert "Goodbye" in left.text
        again = person.http.get(apache.url + PAGE)
        assert str(again.url).startswith(provider.issuer)


def test_signing_out_elsewhere_ends_the_session_here(provider: Provider, apache: Application) -> None:
    """OpenID Connect Back-Channel Logout §2.5: the module takes our logout token and forgets the person."""
    told_of_the_end(provider, apache.url + PAGE)
