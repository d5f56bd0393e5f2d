"""The staff's API of the catalogue, shortened for tests."""

from collections.abc import Callable
from typing import Any

import httpx

from services.kit.auth import Principal
from tests.catalog.contents import REGISTRATION
from tests.catalog.people import CHEN, ZHOU

CODE = REGISTRATION.code
ITEM = f"/items/{CODE}"


class Desk:
    """The staff's API, shortened."""

    def __init__(self, signed_in: Callable[[Principal], httpx.AsyncClient]) -> None:
        self.at = signed_in

    @staticmethod
    def content(**changes: Any) -> dict[str, Any]:
        return REGISTRATION.model_dump(mode="json") | changes

    async def draft(self, who: Principal = CHEN, *, content: Any = None, **fields: Any) -> dict[str, Any]:
        body = {
            "kind": "implementation",
            "code": CODE,
            "reason": "改一改",
            "content": content or self.content(visits=1),
        }
        answer = await self.at(who).post("/revisions", json=body | fields)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/revisions/{answer.json()['id']}"
        return dict(answer.json())

    async def edit(self, who: Principal, revision: dict[str, Any], **changes: Any) -> httpx.Response:
        body = {"content": revision["content"] | changes, "reason": "再改"}
        headers = {"If-Match": f'"{revision["version"]}"'}
        return await self.at(who).put(f"/revisions/{revision['id']}", json=body, headers=headers)

    async def act(self, who: Principal, act: str, revision: dict[str, Any], **body: Any) -> httpx.Response:
        headers = {"If-Match": f'"{revision["version"]}"'}
        path = f"/revisions/{revision['id']}/{act}"
        return await self.at(who).post(path, json={"reason": "有理由"} | body, headers=headers)

    async def submitted(self, who: Principal = CHEN, **fields: Any) -> dict[str, Any]:
        answer = await self.act(who, "submit", await self.draft(who, **fields))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def stand(self, who: Principal, act: str, code: str = CODE, **body: Any) -> httpx.Response:
        return await self.at(who).post(f"/items/{code}/{act}", json={"reason": "有理由"} | body)

    async def revision(self, revision: dict[str, Any], who: Principal = CHEN) -> dict[str, Any]:
        return dict((await self.at(who).get(f"/revisions/{revision['id']}")).json())

    async def history(self, code: str = CODE) -> list[tuple[str, str, int | None]]:
        page = (await self.at(ZHOU).get(f"/items/{code}/history?limit=100")).json()
        return [(each["act"], each["actor_name"], each["version"]) for each in reversed(page["items"])]


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:tongban:problem:")
