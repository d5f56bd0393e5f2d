"""Typing help: names that complete what is typed, by Chinese, pinyin, initials or English."""

from collections.abc import Callable

import httpx
import pytest

from services.catalog.domain.items import Provenance
from services.catalog.handlers import publishing
from services.catalog.store.work import Work
from services.kit.service import Service
from tests.catalog.relevance import contents, fill

TYPED = {
    "居": {"居住证办理", "居民身份证补领"},
    "居住": {"居住证办理"},
    "j": {"居住证办理", "居民身份证补领", "机动车驾驶证换领", "教师资格认定", "结婚登记"},
    "juzhu": {"居住证办理"},
    "ju zhu": {"居住证办理"},
    "jzz": {"居住证办理"},
    "JZZ": {"居住证办理"},
    "dlhw": {"道路货物运输驾驶员从业资格"},
    "resid": {"居住证办理"},
    "Residence P": {"居住证办理"},
    "食品经营": {"食品经营许可", "食品经营许可变更"},
    "公共场所卫生许可（新": {"公共场所卫生许可（新办）"},
    "证": set(),
    "%": set(),
    "_": set(),
    "": set(),
    "' OR 1=1": set(),
    "\U0010ffff": set(),
    "x" * 100: set(),
}


async def test_typing_help(catalog: Service, client: httpx.AsyncClient, work: Callable[[], Work]) -> None:
    await fill(catalog.context)
    found = {}
    for typed in TYPED:
        answer = await client.get("/suggest", params={"q": typed})
        assert answer.status_code == 200, answer.text
        found[typed] = {each["text"] for each in answer.json()["suggestions"]}
    assert found == TYPED
    [one] = (await client.get("/suggest", params={"q": "jzz"})).json()["suggestions"]
    assert one == {"text": "居住证办理", "code": "LEGACY-000"}
    # A name that several items have leads to the search, and one that none has any more to nowhere.
    twin = contents()[0].model_copy(update={"code": "LEGACY-900"})
    renamed = contents()[1].model_copy(update={"name": contents()[2].name})
    async with work() as unit:
        await publishing.publish_items([twin, renamed], Provenance.IMPORT, unit)
    assert (await client.get("/suggest", params={"q": "居"})).json() == {
        "suggestions": [{"text": "居住证办理", "code": None}]
    }


@pytest.mark.parametrize("path", ["/suggest?q=" + "x" * 101, "/suggest?q=%00", "/suggest?q=a&q=b", "/suggest?q=%ff"])
async def test_bad_input(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in (400, 422)
