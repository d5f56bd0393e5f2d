"""The kit's pages: languages, preferences, dates, rulers, assets, forms; and what holds for every template of ours."""

import gzip
import re
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.kit.errors import Malformed
from services.kit.pages import (
    AssetMissing,
    Assets,
    Form,
    Frame,
    Library,
    Pages,
    day_text,
    install_errors,
    negotiate,
    parse_form,
    ruler,
)
from services.kit.pages.assets import minify_css
from services.kit.pages.languages import Languages

SERVICES = Path("services")
PAGES = SERVICES / "kit" / "pages"
SERVICES_WITH_PAGES = ("identity", "gateway")
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def _texts(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        method = {".html": "jinja2.ext:babel_extract", ".py": "python"}.get(path.suffix)
        if method:
            for line, message, *_ in extract_from_file(method, path, keywords=KEYWORDS):
                found.setdefault(message if isinstance(message, str) else message[0], f"{path}:{line}")
    return found


def _translated(*folders: Path) -> set[str]:
    found = set()
    for path in [each for folder in folders for each in folder.rglob("locales/en.po")]:
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id and all(message.string if isinstance(message.string, tuple) else [message.string]):
                    found.add(message.id if isinstance(message.id, str) else message.id[0])
    return found


@pytest.mark.parametrize("service", SERVICES_WITH_PAGES)
def test_every_text_has_its_english(service: str) -> None:
    texts = _texts(SERVICES / service) | _texts(PAGES)
    chinese = {text: place for text, place in texts.items() if re.search(r"[\u3000-\u9fff\uff00-\uffef]", text)}
    missing = {text: chinese[text] for text in chinese.keys() - _translated(SERVICES / service, PAGES)}
    assert not missing
    assert len(chinese) > 20


def test_placeholders_are_the_same_in_both_languages() -> None:
    for path in SERVICES.rglob("locales/en.po"):
        with path.open("rb") as file:
            for message in read_po(file):
                source = message.id if isinstance(message.id, str) else message.id[0]
                for text in message.string if isinstance(message.string, tuple) else [message.string]:
                    names = [set(re.findall(r"%\((\w+)\)|\{(\w+)\}", each)) for each in (source, text)]
                    assert not source or names[0] == names[1], f"{path}: {source}"


@pytest.mark.parametrize(
    "path",
    [each for name in (*SERVICES_WITH_PAGES, "kit") for each in sorted((SERVICES / name).rglob("templates/**/*.html"))],
    ids=str,
)
def test_templates_have_nothing_inline(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=|javascript:|<style", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert "|safe" not in source.replace(" ", "")
    for form in re.findall(r"<form\b.*?</form>", source, re.DOTALL):
        # What goes on to somebody else's page must not carry our token there.
        if re.search(r'method="post"', form, re.IGNORECASE) and "data-goes-on" not in form:
            assert "token" in form, f"a form without its token: {form[:80]}"


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, "", "zh-CN"),
        (None, "en-GB,en;q=0.9,zh;q=0.1", "en"),
        (None, "fr, zh-TW;q=0.3, en;q=0.2", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("xx", "en", "en"),
        (None, "en;q=abc, zh", "zh-CN"),
    ],
)
def test_the_language_is_the_readers(cookie: str | None, accept: str, language: str) -> None:
    assert negotiate(cookie, accept) == language


def test_dates_read_as_people_write_them() -> None:
    languages = Languages([])
    languages.use("zh-CN")
    moment = datetime.fromisoformat("2019-11-22T16:30:00+00:00")
    assert day_text(moment) == "2019年11月23日 周六", "Shanghai is a day ahead"
    assert day_text(date(2019, 3, 2), weekday=False, year=False) == "3月2日"
    languages.use("en")
    assert day_text(moment) == "Saturday 23 November 2019"
    languages.use("zh-CN")
    with pytest.raises(ValueError, match="naive"):
        day_text(datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_long_ruler_uses_one_cell_for_five_days() -> None:
    short = ruler("uu-", {2: "今天"}, "x")
    assert [(c.style, c.flag) for c in short.cells] == [("u", ""), ("u", "今天"), ("", "")]
    long = ruler("u" * 10 + "-" * 50, {7: "今天", 60: "法定"}, "x")
    assert (len(long.cells), long.days_per_cell) == (12, 5)
    assert (long.cells[1].flag, long.cells[11].flag) == ("今天", "法定")


def test_assets_are_named_by_their_content_and_missing_ones_are_refused(tmp_path: Path) -> None:
    first, second = Assets(), Assets()
    first.add("a.js", b"1")
    second.add("a.js", b"2")
    assert first.address("a.js") != second.address("a.js")
    first.add_file("b.js", tmp_path / "b.js")
    with pytest.raises(AssetMissing, match=r"b\.js is not installed"):
        first.address("b.js")


def test_styles_are_made_smaller_and_mean_the_same() -> None:
    source = (
        '/* x */ .a > b , .c { width: calc( 1rem + 2px ) ; content: "a  ;  b" ; }\n@media (min-width: 60em) { a { } }'
    )
    assert minify_css(source) == '.a > b,.c{width:calc( 1rem + 2px );content:"a  ;  b"}@media (min-width:60em){a{}}'


def test_the_style_sheet_stays_within_its_limit() -> None:
    """visual.md: 25 kB, 8 kB gzip for what every page loads; the surfaces' own parts ride on top."""
    sheets = sorted(PAGES.glob("static/*.css"), key=lambda path: path.name != "tokens.css")
    small = minify_css("\n".join(path.read_text("utf-8") for path in sheets)).encode()
    assert len(small) <= 25_600
    assert len(gzip.compress(small, 9)) <= 8_192


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"&".join(b"a%d=1" % n for n in range(301))])
def test_a_form_that_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_form(body)


def test_a_form_drops_what_no_keyboard_types() -> None:
    form = Form([("a", "x\x00y\r\nz\x08"), ("b", "1"), ("b", "2")])
    assert form["a"] == "xy\nz"
    assert form.many("b") == ["1", "2"]
    with pytest.raises(Malformed):
        form.text("b")


@pytest.fixture
async def site() -> httpx.AsyncClient:
    library = Library([], Path("nowhere"))

    async def frame(_: Request) -> Frame:
        return Frame(brand="通办")

    pages = Pages(library, surface="test", origin="https://site.test", key=bytes(32), frame=frame)

    async def show(request: Request) -> Response:
        return PlainTextResponse(pages.forms.token(request))

    async def take(request: Request) -> Response:
        return PlainTextResponse((await pages.forms.read(request)).text("name"))

    app = Starlette(routes=[Route("/", show), Route("/", take, methods=["POST"])])
    pages.install(app)
    install_errors(app, pages)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://site.test")


@pytest.mark.parametrize("path", ["/?lang=en", "//evil.test/?lang=en", "/\\evil.test?mode=elder", "/a%0d%0ab?lang=en"])
async def test_a_preference_link_stays_on_the_site(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(httpx.URL("https://site.test").copy_with(raw_path=path.encode()))
    assert answer.status_code == 303
    assert re.match(r"/(?![/\\])", answer.headers["location"])
    assert "\r" not in answer.headers["location"]


async def test_a_preference_is_kept_and_leaves_the_address_clean(site: httpx.AsyncClient) -> None:
    answer = await site.get("/x?a=1&lang=en&b=%E4%B8%AD")
    assert answer.headers["location"] == "/x?a=1&b=%E4%B8%AD"
    assert '<html lang="en"' in (await site.get("/x")).text
    await site.get("/x?mode=elder")
    assert re.search(r'<html lang="en" class="[^"]*elder', (await site.get("/x")).text)
    await site.get("/x?lang=xx")
    assert '<html lang="en"' in (await site.get("/x")).text, "an unknown language changes nothing"


async def test_assets_are_compressed_and_kept_for_ever(site: httpx.AsyncClient) -> None:
    page = (await site.get("/x")).text
    address = re.search(r'href="(/assets/pages\.[0-9a-f]{12}\.css)"', page)
    assert address
    answer = await site.get(address[1], headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = await site.get(address[1], headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    assert (await site.get("/assets/../secret")).status_code == 404
