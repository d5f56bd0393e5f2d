"""Strangers whose set-up takes minutes: `make test-deep`."""

import os
import subprocess

import pytest

from tests.harness.machine import missing
from tests.strangers.installed import APPS, FOLDER, program
from tests.strangers.provider import Provider
from tests.strangers.test_servers import in_and_out, told_of_the_end

pytestmark = pytest.mark.deep
OAUTH2_PROXY = FOLDER / "oauth2-proxy" / "oauth2-proxy"
JAVA_APPLICATION = FOLDER / "java" / "app.jar"
RUST_APPLICATION = FOLDER / "rust" / "app"


def test_oauth2_proxy(provider: Provider) -> None:
    """A reverse proxy that signs people in; at its sign-out it ends the provider's session from behind."""
    if not OAUTH2_PROXY.is_file():
        missing("oauth2-proxy is not installed (make test-deep, with Go)")
    app = provider.applications["oauth2-proxy"]
    provider.run(
        app,
        [str(OAUTH2_PROXY), "--config", str(APPS / "oauth2-proxy" / "oauth2-proxy.cfg")],
        OAUTH2_PROXY_OIDC_ISSUER_URL=provider.issuer,
        OAUTH2_PROXY_CLIENT_ID=app.client_id,
        OAUTH2_PROXY_CLIENT_SECRET=app.secret,
        OAUTH2_PROXY_REDIRECT_URL=app.url + app.callback,
        OAUTH2_PROXY_COOKIE_SECRET="c" * 32,
        OAUTH2_PROXY_COOKIE_SECURE="false",
        OAUTH2_PROXY_HTTP_ADDRESS=f"127.0.0.1:{app.port}",
        OAUTH2_PROXY_UPSTREAMS="static://200",
        OAUTH2_PROXY_PROVIDER_CA_FILES=str(provider.ca),
        OAUTH2_PROXY_BACKEND_LOGOUT_URL=provider.issuer + "/logout?id_token_hint={id_token}",
    )
    with provider.person() as person:
        page = person.go(app.url)
        assert page.status_code == 200, page.text
        assert person.seen == ["sign in", "consent"]
        assert person.http.get(app.url + "/oauth2/userinfo").json()["preferredUsername"] == "lin"
        person.http.get(app.url + "/oauth2/sign_out", follow_redirects=False)
        assert person.http.get(app.url + "/oauth2/userinfo").status_code == 401
        person.go(app.url)
        assert person.seen == ["sign in", "consent", "sign in"]


def test_spring_security(provider: Provider) -> None:
    """Java: Spring Boot's OAuth 2 client, which reads the discovery document at its start and takes logout tokens."""
    java = program("java")
    if java is None or not JAVA_APPLICATION.is_file():
        missing("Spring Security is not installed (make test-deep, with Java and Maven)")
    store = provider.folder / "trusted.p12"
    make = ["keytool", "-importcert", "-noprompt", "-alias", "ca", "-storetype", "PKCS12", "-storepass", "changeit"]
    subprocess.run(
        [*make, "-file", str(provider.ca), "-keystore", str(store)], check=True, capture_output=True, env=os.environ
    )
    trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    app = provider.applications["spring"]
    provider.run(app, [java, *trust, "-jar", str(JAVA_APPLICATION)])
    in_and_out(provider, app, leaving="/logout")
    told_of_the_end(provider, app.url)


def test_openidconnect_crate(provider: Provider) -> None:
    """Rust."""
    if not RUST_APPLICATION.is_file():
        missing("the crate openidconnect is not installed (make test-deep, with Rust)")
    app = provider.applications["rust"]
    provider.run(app, [str(RUST_APPLICATION)])
    in_and_out(provider, app)
