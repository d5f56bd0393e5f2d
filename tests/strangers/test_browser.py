"""oidc-client-ts in a page of a real browser: CORS, renewal by refresh token and in a hidden frame, sign-out."""

import json
import os
import shutil
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect, sync_playwright

from tests.e2e.conftest import ARGUMENTS, PATIENCE
from tests.harness.machine import missing
from tests.strangers.installed import APPS, NODE_MODULES
from tests.strangers.provider import Application, Provider

LIBRARY = NODE_MODULES / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.getuid() == 0 else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def _serve(provider: Provider, name: str) -> Application:
    """The page's files at the application's address."""
    if not LIBRARY.is_file():
        missing("oidc-client-ts is not installed (make strangers)")
    app = provider.applications[name]
    folder = provider.folder / f"{name}-pages"
    shutil.copytree(APPS / "browser", folder)
    shutil.copy(LIBRARY, folder)
    settings = {"ISSUER": provider.issuer, "CLIENT_ID": app.client_id}
    words = "".join(f"export const {key} = {json.dumps(value)}\n" for key, value in settings.items())
    (folder / "settings.js").write_text(words, "utf-8")
    port = str(app.inner_port if app.https else app.port)
    provider.run(app, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), port])
    return app


def _window(browser: Browser, provider: Provider, app: Application) -> Page:
    """Somebody signed in at the page."""
    context = browser.new_context(ignore_https_errors=True, locale="zh-CN")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator("#state")).to_have_text("nobody", timeout=PATIENCE)
    page.click("#signin")
    page.fill('[name="username"]', "lin")
    page.fill('[name="password"]', provider.platform.password)
    page.press('[name="password"]', "Enter")
    page.click('button[value="allow"]')
    expect(page.locator("#state")).to_contain_text("林晓梅, until", timeout=PATIENCE)
    return page


def _renew(page: Page, provider: Provider) -> list[str]:
    """Renew, and say which of the provider's endpoints that went to."""
    asked: list[str] = []

    def note(response: Response) -> None:
        if response.url.startswith(provider.issuer) and response.request.method != "OPTIONS":
            asked.append(response.url.removeprefix(provider.issuer).partition("?")[0])

    page.on("response", note)
    page.click("#renew")
    expect(page.locator("#state")).to_contain_text("林晓梅, until", timeout=PATIENCE)
    page.remove_listener("response", note)
    return asked


def _leave(page: Page) -> None:
    page.click("#signout")
    expect(page.locator("#state")).to_have_text("nobody", timeout=PATIENCE)
    page.click("#signin")
    expect(page.locator('[name="password"]')).to_be_visible(timeout=PATIENCE)
    page.context.close()


def test_renewal_by_refresh_token(browser: Browser, provider: Provider) -> None:
    """Discovery, JWKS, token and userinfo are called by a script of the registered origin (Fetch, CORS protocol)."""
    page = _window(browser, provider, _serve(provider, "page"))
    assert "/token" in _renew(page, provider)
    _leave(page)


def test_renewal_in_a_hidden_frame(browser: Browser, provider: Provider) -> None:
    """OpenID Connect Core §3.1.2.1: prompt=none in a frame of a page of the same site, for a client that may."""
    page = _window(browser, provider, _serve(provider, "framed-page"))
    assert "/authorize" in _renew(page, provider)
    _leave(page)
