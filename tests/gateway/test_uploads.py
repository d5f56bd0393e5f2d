"""Uploads through the portal: streamed, guarded by the form's token, refused in words."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.gateway.applications import DRAFT
from tests.gateway.conftest import Browser
from tests.gateway.world import Services, World, problem

PAGE = f"/apply/{DRAFT}/pages/who"
CHECK = f"/apply/{DRAFT}/check"
MATERIALS = f"/apply/{DRAFT}/materials"
PUT = f"/drafts/{DRAFT}/pages/who"


def multipart(token: str, content: bytes, filename: str = "照片.png", field: str = "_token") -> tuple[bytes, str]:
    """A form with the token first and a file after, as a browser sends it."""
    lines = [
        b"--b",
        f'Content-Disposition: form-data; name="{field}"'.encode(),
        b"",
        token.encode(),
        b"--b",
        f'Content-Disposition: form-data; name="file"; filename="{filename}"'.encode(),
        b"Content-Type: image/png",
        b"",
        content,
        b"--b--",
        b"",
    ]
    return b"\r\n".join(lines), "multipart/form-data; boundary=b"


async def send(person: Browser, body: bytes, kind: str) -> httpx.Response:
    return await person.http.post(f"{MATERIALS}/photo", content=body, headers={"content-type": kind})


def taking(services: Services) -> None:
    services.on("cases", "POST", f"/drafts/{DRAFT}/materials/photo", lambda _: httpx.Response(201, json={}))


async def test_a_file_streams_through(person: Browser, world: World) -> None:
    taking(world.services)
    content = b"\r\n--b-not-the-end" + bytes(range(256)) * 2000
    answer = await send(person, *multipart(await person.token(MATERIALS), content))
    assert answer.headers["location"] == f"{MATERIALS}#m-photo"
    call = world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")[0]
    assert call.body == content
    assert call.headers["content-disposition"] == "attachment; filename*=UTF-8''%E7%85%A7%E7%89%87.png"


@pytest.mark.parametrize("token", ["", "A" * 88])
async def test_a_file_without_the_forms_token_goes_nowhere(person: Browser, world: World, token: str) -> None:
    taking(world.services)
    await person.token(MATERIALS)
    assert (await send(person, *multipart(token, b"x" * 100_000))).status_code == 403
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


async def test_a_token_after_the_file_is_too_late(person: Browser, world: World) -> None:
    taking(world.services)
    token = await person.token(MATERIALS)
    body, kind = multipart("", b"x" * 200_000, field="other")
    late = body.removesuffix(b"--b--\r\n") + multipart(token, b"")[0]
    assert (await send(person, late, kind)).status_code in (400, 403)
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


@pytest.mark.parametrize(
    ("status", "words"), [(413, "太大"), (415, "格式"), (409, "已经够了"), (422, "换一个文件"), (503, "没有回应")]
)
async def test_a_refused_file_is_named_with_the_way_out(person: Browser, world: World, status: int, words: str) -> None:
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/materials/photo", lambda _: problem(status, "refused"))
    answer = await send(person, *multipart(await person.token(MATERIALS), b"x"))
    assert answer.status_code == 422
    assert "“照片.png”" in answer.text
    assert words in answer.text


async def test_no_file_chosen_is_said_so(person: Browser, world: World) -> None:
    taking(world.services)
    answer = await send(person, *multipart(await person.token(MATERIALS), b"", filename=""))
    assert answer.status_code == 422
    assert "请先选一个文件" in answer.text
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


@pytest.mark.parametrize("more_settings", [{"upload_bytes": 20_000}])
@pytest.mark.parametrize("told", [True, False], ids=["with its length", "without"])
async def test_an_upload_over_the_edges_limit_is_refused_in_words(person: Browser, world: World, told: bool) -> None:
    taking(world.services)
    body, kind = multipart(await person.token(MATERIALS), b"x" * 2_000_000)
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for read in range(0, len(body), 1000):
            yield body[read : read + 1000]

    headers = {"content-type": kind} | ({"content-length": str(len(body))} if told else {})
    answer = await person.http.post(f"{MATERIALS}/photo", content=chunks(), headers=headers)
    assert answer.status_code == 422
    assert answer.text.count("“照片.png”太大，这里最多收 20 KB") == 2, "in the summary and at the field"
    assert 'id="f-photo"' in answer.text, "the page is there to try again"
    assert 100_000 < read < 300_000, "read on for a while, so that the browser hears the answer, and not without end"
    if told:
        assert not world.services.made("cases", "POST", ".*"), "what says itself that it is too large goes nowhere"


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\nnonsense\r\n\r\n", b"\xff\xfe" * 50])
async def test_a_broken_upload_is_a_4xx(person: Browser, world: World, body: bytes) -> None:
    taking(world.services)
    answer = await send(person, body, "multipart/form-data; boundary=b")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("key", ["一", "a\nb", "a b", "é"])
async def test_a_key_of_other_letters_is_a_400(person: Browser, world: World, key: str) -> None:
    body, kind = multipart(await person.token(MATERIALS), b"x")
    part = f'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n{key}\r\n'.encode()
    assert (await send(person, part + body, kind)).status_code == 400
    assert not [call for call in world.services.calls if call.method != "GET"]
