"""The search over HTTP: filters, facets, totals, pages, what is mended, what is noted, and who may see that."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.catalog.demo.organisations import EDUCATION, POLICE
from services.catalog.domain.items import Provenance
from services.catalog.handlers import publishing
from services.catalog.handlers.search import worth_noting
from services.catalog.indexer import Indexer
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.kit.auth import Grant, Principal, caller
from services.kit.service import Service
from tests.catalog.relevance import contents, fill


@pytest.fixture
async def indexer(catalog: Service) -> Indexer:
    return await fill(catalog.context)


def officer(catalog: Service, *roles: str) -> None:
    grants = tuple(Grant(role=role, org="*") for role in roles)
    principal = Principal(sub="7" * 32, client_id="desk", jti="1", exp=2**31, realm="staff", name="周洁", grants=grants)
    catalog.app.dependency_overrides[caller] = lambda: principal  # type: ignore[attr-defined]


async def found(client: httpx.AsyncClient, **query: str | int) -> dict[str, Any]:
    answer = await client.get("/items", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.usefixtures("indexer")
async def test_filters_facets_and_totals(client: httpx.AsyncClient) -> None:
    everything = await found(client, limit=100)
    assert everything["total"] == {"count": 26, "more": False}
    assert len(everything["items"]) == 26
    facets = everything["facets"]
    assert {each["value"]: each["count"] for each in facets["subject"]} == {"person": 17, "company": 9}
    assert facets["organisation"][0] == {
        "value": POLICE.id, "count": 24, "more": False, "label": {"zh": POLICE.name.zh, "en": POLICE.name.en},
    }  # fmt: skip
    [education] = [each for each in facets["topic"] if each["value"] == "education"]
    assert education["label"] == {"zh": "教育", "en": "Education"}
    for facet, values in facets.items():
        for value in values:
            given = value["value"]
            if given == "birth":
                continue  # a life event: it stands for more than what carries it itself
            narrowed = await found(client, **{facet: given, "limit": 100})
            assert narrowed["total"] == {"count": value["count"], "more": False}, (facet, given)
            assert len(narrowed["items"]) == value["count"]
    both = await found(client, q="登记", subject="company", free="true")
    assert {item["name"]["zh"] for item in both["items"]} == {"企业注销登记"}
    # A life event stands for its topics, and for items that carry it themselves; a province for its counties.
    assert {item["name"]["zh"] for item in (await found(client, topic="birth"))["items"]} == {
        "居住证办理", "居民身份证补领", "户口迁移登记", "出生登记", "结婚登记",
    }  # fmt: skip
    assert (await found(client, division="510000000000"))["total"]["count"] == 26
    assert (await found(client, division="520000000000"))["total"]["count"] == 0
    assert (await found(client, organisation=EDUCATION.id))["total"]["count"] == 2
    assert (await found(client, organisation="'; --|&"))["items"] == []


@pytest.mark.usefixtures("indexer")
async def test_what_is_mended_is_told(client: httpx.AsyncClient) -> None:
    assert (await found(client, q="居住正"))["did_you_mean"] == "居住证"
    assert (await found(client, q="residense permit"))["did_you_mean"] == "residence permit"
    # Nothing is proposed where something is found, nor what would find nothing.
    assert (await found(client, q="居住证"))["did_you_mean"] is None
    assert (await found(client, q="juzhuzheng"))["did_you_mean"] is None
    assert (await found(client, q="居住正", topic="education"))["did_you_mean"] is None
    assert (await found(client, q="护照"))["did_you_mean"] is None


@pytest.mark.usefixtures("indexer")
async def test_pages_of_words_hold_every_hit_once(client: httpx.AsyncClient) -> None:
    whole = await found(client, q="登记", limit=100)
    codes: list[str] = []
    cursor: dict[str, str | int] = {}
    while True:
        page = await found(client, q="登记", limit=4, **cursor)
        assert page["total"] == whole["total"]
        codes += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert codes == [item["code"] for item in whole["items"]]


async def test_a_common_word_costs_no_more(
    client: httpx.AsyncClient, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With bounds of a few: tiers by use, a total that says "more", facets that say so too."""
    from services.catalog.domain.search import documents, ranking
    from services.catalog.store.search import indexing

    assert documents.TIERS == (2_000, 8_000, 32_000, 128_000, 512_000)
    assert (ranking.CANDIDATES, ranking.COUNTED) == (500, 10_000)
    monkeypatch.setattr(indexing, "TIERS", (3, 6, 9, 12, 15))
    assert await indexer.retier() == 15
    assert await indexer.retier() == 0
    whole = await found(client, q="登记", limit=100)
    assert whole["total"] == {"count": 9, "more": False}
    # Opened guides move an item up: by use it comes before others that have the words as it has.
    last = (await found(client, q="登记", limit=100))["items"][-1]["code"]
    for _ in range(3):
        assert (await client.get(f"/items/{last}")).status_code == 200
    await client._transport.app.state.uses.write()  # type: ignore[attr-defined]
    async with Work(indexer._context, readonly=True) as work:
        uses = await work.execute(text("SELECT uses FROM items WHERE code = :code"), {"code": last})
        assert uses.scalar_one() == 3
    await indexer.retier()
    assert (await found(client, q="登记", limit=100))["total"] == {"count": 9, "more": False}


async def test_bulk_changes_wait_and_single_ones_do_not(
    client: httpx.AsyncClient, catalog: Service, indexer: Indexer
) -> None:
    many = [
        each.model_copy(update={"code": f"BULK-{number}-{each.code}", "name": Text(zh=f"第{number}类考古发掘")})
        for number, each in enumerate(contents())
    ]
    await publishing.publish_items(many, Provenance.IMPORT, Work(catalog.context))
    assert (await found(client, q="考古发掘"))["total"]["count"] == 0
    # One of them is changed before the worker comes to it: found at once, and as it is now.
    changed = many[0].model_copy(update={"name": Text(zh="水下考古发掘")})
    await publishing.publish_items([changed], Provenance.IMPORT, Work(catalog.context))
    assert [each["name"]["zh"] for each in (await found(client, q="考古发掘"))["items"]] == ["水下考古发掘"]
    assert await indexer.drain() == len(many)
    assert await indexer.drain() == 0
    names = {each["name"]["zh"] for each in (await found(client, q="考古发掘", limit=100))["items"]}
    assert names == {"水下考古发掘", *(each.name.zh for each in many[1:])}


@pytest.mark.usefixtures("indexer")
async def test_misses_are_noted_without_who(client: httpx.AsyncClient, catalog: Service) -> None:
    for words in (
        "护照",
        "护照",
        "林晓梅 511602199001011234",
        "１３８００１３８０００",
        "a@b.example",
        "xyzzy",
        "？！",
    ):
        assert (await found(client, q=words))["items"] == []
    await found(client, q="居住证", topic="education")  # found, but for the filter
    assert (await client.get("/search/misses")).status_code == 403
    officer(catalog, "reviewer")
    assert (await client.get("/search/misses")).status_code == 403
    officer(catalog, "editor")
    page = (await client.get("/search/misses", params={"limit": 1})).json()
    assert [(each["words"], each["count"]) for each in page["items"]] == [("护照", 2)]
    rest = (await client.get("/search/misses", params={"cursor": page["next"]})).json()
    assert [(each["words"], each["count"]) for each in rest["items"]] == [("xyzzy", 1)]
    assert (await client.get("/search/misses", params={"since": "2999-01-01"})).json()["items"] == []
    for bad in ("/search/misses?since=x", "/search/misses?cursor=WzFd"):
        assert (await client.get(bad)).status_code in (400, 422)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("护照", "护照"),
        ("  Passport ", "passport"),
        ("80岁 津贴", "80岁 津贴"),
        ("510111199001011234", None),
        ("五 138-0013-8000", None),
        ("138 0013 8000", None),
        ("某某 12345 6", None),
        ("12345", "12345"),
        ("x@y", None),
        ("…", None),
        ("护" * 80, "护" * 50),
    ],
)
def test_what_may_tell_who_searched_is_not_kept(words: str, kept: str | None) -> None:
    assert worth_noting(words) == kept


@pytest.mark.usefixtures("indexer")
async def test_the_registrar_keeps_the_synonyms(client: httpx.AsyncClient, catalog: Service) -> None:
    assert (await client.get("/search/synonyms")).status_code == 403
    officer(catalog, "registrar")
    answer = await client.get("/search/synonyms")
    assert answer.headers["etag"] == '"1"'
    assert {"word": "狗证", "means": "养犬登记"} in answer.json()["synonyms"]
    body = {"synonyms": [{"word": "汪汪证", "means": "犬类 准养"}], "reason": "窗口常有人这么问"}
    assert (await client.put("/search/synonyms", json=body)).status_code == 428
    assert (await client.put("/search/synonyms", json=body, headers={"If-Match": '"0"'})).status_code == 412
    wrong = body | {"synonyms": [{"word": "", "means": "a\u0007"}]}
    assert (await client.put("/search/synonyms", json=wrong, headers={"If-Match": '"1"'})).status_code == 422
    kept = await client.put("/search/synonyms", json=body, headers={"If-Match": '"1"'})
    assert (kept.status_code, kept.headers["etag"]) == (204, '"2"')
    assert [each["name"]["zh"] for each in (await found(client, q="汪汪证"))["items"]][:1] == ["犬类准养登记"]
    assert (await client.get("/search/synonyms")).json()["synonyms"] == body["synonyms"]
    officer(catalog, "editor")
    assert (await client.put("/search/synonyms", json=body, headers={"If-Match": '"2"'})).status_code == 403
    # What ships with the platform does not come back.
    await Indexer(catalog.context).load_synonyms()
    officer(catalog, "registrar")
    assert (await client.get("/search/synonyms")).headers["etag"] == '"2"'


@pytest.mark.usefixtures("indexer")
async def test_topics_and_life_events_tell_how_many(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/topics")).json()
    topics = {each["code"]: each for each in listed["topics"]}
    assert topics["household"] == {
        "code": "household", "name": {"zh": "户籍", "en": "Household registration"}, "subject": "person",
        "items": 5, "more": False,
    }  # fmt: skip
    assert (topics["tax"]["items"], topics["tax"]["subject"]) == (0, "company")
    events = {each["code"]: each["items"] for each in listed["life_events"]}
    assert (events["birth"], events["opening"]) == (5, 2)
