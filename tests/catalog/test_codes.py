"""Codes: check digits worked out by hand and really published codes, item codes of every form, minting, types."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog import errors
from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import DISTRICT, HEALTH, POLICE
from services.catalog.domain import codes
from services.catalog.domain.drafts import content_from
from services.catalog.domain.items import Provenance
from services.catalog.handlers.codes import NewCode, add_alias, drop_alias, mint
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.handlers.standing import found_item
from services.catalog.store.work import Work
from services.kit.auth import Grant, Principal
from services.kit.service import Service

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PUBLISHED = ["91350100M000100Y43", "11511301008778255F", "11511301MB1549994W", "12511301452260997J"]
LEADING_PAIRS = (
    "11 12 13 19 21 29 31 32 33 34 35 39 41 49 51 52 53 59 61 62 69 71 72 79 81 89 91 92 93 A1 A9 N1 N2 N3 N9 Y1"
)
REGISTRAR = Principal(
    sub="r",
    name="周洁",
    client_id="desk",
    realm="staff",
    grants=(Grant(org="*", role="registrar"),),
    jti="1",
    exp=2**31,
)


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_usccs_check(code: str) -> None:
    assert codes.uscc_problem(code) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (None, "absent"),
        ("", "absent"),
        ("1151130000877869M", "malformed"),  # 17 characters, as one bureau publishes it
        ("91350100m000100y43", "malformed"),  # lower case is for the caller to normalise
        ("9135010OM000100Y43", "malformed"),  # the letter O is not in the alphabet
        ("91350203M0001QKT19", "check"),  # really issued, and wrong all the same
        ("TE5116020105116050", "unknown_class"),
        ("1851130100877825 F", "malformed"),
        ("95350100M000100Y43", "unknown_class"),
        ("91350100M000100Y53", "organisation_check"),
        ("91350100M000100Y44", "check"),
    ],
)
def test_what_is_wrong_with_a_uscc(code: str | None, problem: str) -> None:
    assert codes.uscc_problem(code) == problem


def test_check_digits_by_hand() -> None:
    # M=22·3 + 1·5 + Y=34·2 = 139; 139 mod 11 = 7; 11 - 7 = 4.
    assert codes.organisation_check_digit("M000100Y") == "4"
    # S mod 11 = 1 gives X, S mod 11 = 0 gives 0 (GB 11714): 4·3 = 12, and eight zeros.
    assert codes.organisation_check_digit("40000000") == "X"
    assert codes.organisation_check_digit("00000000") == "0"
    assert codes.uscc_check_digit("91350100M000100Y4") == "3"


@given(st.sampled_from(PUBLISHED), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_never_checks(code: str, place: int, letter: str) -> None:
    mistyped = code[:place] + letter + code[place + 1 :]
    assert (codes.uscc_problem(mistyped) is None) == (mistyped == code)


@given(st.text(alphabet=ALPHABET, min_size=8, max_size=8))
def test_minted_usccs_check(organisation: str) -> None:
    assert codes.uscc_problem(codes.mint_uscc("11", "511602", organisation)) is None


def test_every_leading_pair_of_the_standard_and_no_other() -> None:
    admitted = [
        f"{first}{second}"
        for first in ALPHABET
        for second in ALPHABET
        if codes.uscc_problem(codes.mint_uscc(f"{first}{second}", "511602", "TB000001")) is None
    ]
    assert sorted(admitted) == sorted(LEADING_PAIRS.split())


def test_the_letters_that_are_no_part_of_a_uscc() -> None:
    for letter in "IOZSV":
        assert codes.uscc_problem(f"91350100M00010{letter}Y43") == "malformed"
    # Digits of other scripts are digits to Python, and none to the standard.
    assert codes.uscc_problem("91３50100M000100Y43") == "malformed"
    assert codes.uscc_problem("91٣50100M000100Y43") == "malformed"


@given(st.text(max_size=40) | st.text(alphabet=ALPHABET + "-_ .１", max_size=40))
def test_no_text_raises(text: str) -> None:
    codes.uscc_problem(text)
    codes.item_type(text, text)
    codes.base_in(text)
    codes.parse_base_code(text)
    found = codes.parse_item_code(text)
    # What was read once is read again as the same: codes are kept as they were read.
    assert found is None or codes.parse_item_code(found.code) == found


BASE = "510123002000"
USCC = "91350100M000100Y43"


@pytest.mark.parametrize(
    ("text", "system", "organisation"),
    [
        (BASE, "gb-12", None),
        (f"{USCC}4{BASE}", "gb-31", USCC),
        (f"{USCC}4{BASE}01", "gb-33", USCC),
        ("519923002000", "legacy", None),  # 99 is no item type
        (f"{USCC}8{BASE}", "legacy", None),  # 8 is no level
        (f"91350100M000100Y444{BASE}", "legacy", "91350100M000100Y44"),
        (
            "511A0138000000-511602000000-000-115113010833722043-1-00",
            "legacy",
            "115113010833722043",
        ),
        ("512C0110000001-511602000000-000-00877868-5-1-00", "legacy", "00877868-5"),
        ("E-000010-001-511602000000-000-11511301008778220W-1-00", "legacy", "11511301008778220W"),
        ("A-005818-5818-511602000000-000-115113010087783353-1-00", "legacy", "115113010087783353"),
        ("E-000021-001-1111111111111111", "legacy", None),
        ("GA-1234.5", "legacy", None),
    ],
)
def test_item_codes(text: str, system: str, organisation: str | None) -> None:
    found = codes.parse_item_code(text)
    assert found is not None
    assert (found.system, found.organisation) == (system, organisation)


def test_item_codes_are_normalised_where_that_is_beyond_doubt() -> None:
    found = codes.parse_item_code("  ５１０１23002000 ")
    assert found == codes.ItemCode(BASE, "gb-12", None)
    lower = codes.parse_item_code(f"{USCC}4{BASE}".lower())
    assert lower is not None
    assert lower.system == "gb-31"


@pytest.mark.parametrize("text", ["", "   ", "-", "a/b", "a b", "A" * 65, "事项", "A\x00B", "<b>"])
def test_what_is_no_item_code(text: str) -> None:
    assert codes.parse_item_code(text) is None


def test_minting_refuses_what_does_not_check() -> None:
    assert codes.implementation_code(USCC, 4, codes.base_code("51", "01", "23", 2)) == f"{USCC}4{BASE}"
    for uscc, level, base in [(USCC[:-1] + "4", 4, BASE), (USCC, 0, BASE), (USCC, 4, "519923002000")]:
        with pytest.raises(ValueError, match="USCC"):
            codes.implementation_code(uscc, level, base)
    for sequence in (0, 1000):
        with pytest.raises(ValueError, match="base code"):
            codes.base_code("51", "01", "23", sequence)
    for implementation, number in [(BASE, 1), (f"{USCC}4{BASE}", 0), (f"{USCC}4{BASE}", 100)]:
        with pytest.raises(ValueError, match="handling-item code"):
            codes.handling_code(implementation, number)


PARTS = st.tuples(
    st.sampled_from(["11", "44", "51", "82"]),
    st.sampled_from(sorted(codes.ITEM_TYPES)),
    st.integers(0, 99).map("{:02d}".format),
    st.integers(1, 999),
    st.integers(0, 999),
)


@settings(max_examples=50)
@given(PARTS, st.integers(1, 7), st.integers(1, 99))
def test_what_is_minted_is_read_as_it_was_made(parts: tuple[str, str, str, int, int], level: int, number: int) -> None:
    base = codes.base_code(*parts)
    assert codes.parse_base_code(base) == codes.BaseCode(*parts)
    implementation = codes.implementation_code(USCC, level, base)
    handling = codes.handling_code(implementation, number)
    assert codes.parse_item_code(implementation) == codes.ItemCode(implementation, "gb-31", USCC)
    assert codes.parse_item_code(handling) == codes.ItemCode(handling, "gb-33", USCC)
    assert codes.base_in(implementation) == codes.base_in(handling) == base
    assert [codes.code_above(code) for code in (handling, implementation, base)] == [implementation, base, None]


def test_provinces_add_item_types() -> None:
    guangdong, sichuan = "442102001000", "512102001000"
    assert codes.parse_item_code(guangdong) == codes.ItemCode(guangdong, "gb-12", None)
    assert codes.parse_item_code(sichuan) == codes.ItemCode(sichuan, "legacy", None)
    assert codes.item_type("21", "440106000000") == "21"
    assert codes.item_type("21") is codes.item_type("21", "511602000000") is None
    assert {"01", "20", "21"} <= set(codes.item_types("44")) > set(codes.ITEM_TYPES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", "01"),
        ("01", "01"),
        (" ２０", "20"),
        ("10", "10"),
        ("0", None),
        ("11", None),
        ("001", None),
        ("一", None),
        ("", None),
        ("1.0", None),
    ],
)
def test_item_types(text: str, found: str | None) -> None:
    assert codes.item_type(text) == found


def test_a_draft_has_an_item_type_of_its_province() -> None:
    body = DOG.model_dump(mode="json", exclude={"code", "code_system", "kind"})
    for item_type, division, problems in [
        ("01", DISTRICT, []),
        ("21", "440106000000", []),
        ("21", DISTRICT, [("item_type", "unknown")]),
        ("99", "440106000000", [("item_type", "unknown")]),
        ("1", DISTRICT, [("item_type", "format")]),
    ]:
        _, found = content_from(body | {"item_type": item_type, "division": division}, "implementation", DOG.code)
        assert [(each.field, each.reason) for each in found if each.field == "item_type"] == problems


@pytest.fixture
async def registered(catalog: Service) -> None:
    await register_organisations((HEALTH, POLICE), Provenance.DEMO, Work(catalog.context))


def new(kind: str, **fields: str) -> NewCode:
    known = {"organisation": HEALTH.id, "division": DISTRICT, "item_type": "01"}
    return NewCode(kind=kind, **{**known, **fields})  # type: ignore[arg-type]


async def taken(work: Callable[[], Work], wanted: NewCode) -> str:
    """Mint a code and let an item have it."""
    async with work() as unit:
        minted = await mint(wanted, unit)
        content = DOG.model_copy(
            update={"code": minted.code, "code_system": minted.system, "kind": wanted.kind, "base": wanted.base}
        )
        await publish_items([content], Provenance.DEMO, unit)
    return minted.code


async def test_codes_are_minted_once(registered: None, work: Callable[[], Work]) -> None:
    base = await taken(work, new("base", department="23"))
    assert base == "510123001000"
    # Of several at once each has its own.
    more = await asyncio.gather(*(taken(work, new("base", department="23")) for _ in range(3)))
    assert sorted(more) == ["510123002000", "510123003000", "510123004000"]
    assert await taken(work, new("base", department="09", item_type="20")) == "512009001000"
    assert await taken(work, new("base", sub_item_of=base)) == "510123001001"
    assert await taken(work, new("base", sub_item_of=base)) == "510123001002"
    implementation = await taken(work, new("implementation", base=base))
    assert implementation == f"{HEALTH.uscc}4{base}"
    for last in ("01", "02"):
        assert await taken(work, new("handling", base=implementation)) == f"{implementation}{last}"
    for number in ("0001", "0002"):
        async with work() as unit:
            bundle = await mint(new("bundle"), unit)
            assert bundle.code == f"YJS-511602-{number}"
            await unit.codes.add_aliases({bundle.code: base}, "any use of a code takes it", unit.now())


async def test_the_class_of_its_department_is_known_from_its_other_items(
    registered: None, work: Callable[[], Work]
) -> None:
    police = {"organisation": POLICE.id}
    async with work() as unit:
        with pytest.raises(errors.CodeNotMinted) as refused:
            await mint(new("base", **police), unit)
        assert [(each.field, each.reason) for each in refused.value.fields] == [("department", "required")]
    await publish_items([DOG], Provenance.DEMO, work())  # an implementation of 5107 09 …
    async with work() as unit:
        assert (await mint(new("base", **police), unit)).code == "510109003000"  # 002 is what the implementation holds


async def test_what_implements_a_base_item_is_known_by_its_code(registered: None, work: Callable[[], Work]) -> None:
    assert DOG.base is None
    await publish_items([DOG], Provenance.DEMO, work())
    async with work() as unit:
        [found] = await unit.revisions.implementations(DOG.code[19:], "", 10)
    assert found.code == DOG.code


async def test_what_cannot_be_minted_is_said(registered: None, work: Callable[[], Work]) -> None:
    base = await taken(work, new("base", department="23"))
    await taken(work, new("implementation", base=base))
    refused = [
        (new("base", department="2"), errors.CodeNotMinted, "department"),
        (new("base", department="23", item_type="99"), errors.CodeNotMinted, "department"),
        (new("base", sub_item_of="510123001001"), errors.CodeNotMinted, "sub_item_of"),
        (new("base", sub_item_of="事项"), errors.CodeNotMinted, "sub_item_of"),
        (new("implementation"), errors.CodeNotMinted, "base"),
        (new("implementation", base="GA-1"), errors.CodeNotMinted, "base"),
        (new("implementation", base=base, organisation="nobody"), errors.CodeNotMinted, "organisation"),
        (new("implementation", base=base), errors.CodeTaken, None),
        (new("handling", base=base), errors.CodeNotMinted, "base"),
    ]
    for wanted, error, field in refused:
        async with work() as unit:
            with pytest.raises(error) as found:
                await mint(wanted, unit)
        assert [each.field for each in found.value.fields] == ([field] if field else [])
    async with work() as unit:
        await unit.codes.add_aliases({"510123999000": base}, "the last number", unit.now())
        with pytest.raises(errors.CodesUsedUp):
            await mint(new("base", department="23"), unit)


async def test_other_codes_lead_to_the_item(catalog: Service, registered: None, work: Callable[[], Work]) -> None:
    await publish_items([DOG], Provenance.DEMO, work())
    legacy = "511a0138000000-511602000000-000-115113010833722043-1-00"
    await add_alias(DOG.code, legacy, "省平台的编码", REGISTRAR, work())
    await add_alias(DOG.code, legacy, "省平台的编码", REGISTRAR, work())
    assert (await found_item(f" {legacy} ", work())).content.code == DOG.code
    table = catalog.context.tables.outbox
    async with work() as unit:
        rows = (await unit.execute(table.select().where(table.c.key == DOG.code).order_by(table.c.id))).all()
    assert len(rows) == 2
    assert [legacy.upper() in row.value.decode() for row in rows] == [False, True]
    with pytest.raises(errors.CodeTaken):
        await add_alias(DOG.code, DOG.code, "itself", REGISTRAR, work())
    with pytest.raises(errors.CodeNotMinted):
        await add_alias(DOG.code, "事项", "no code", REGISTRAR, work())
    with pytest.raises(errors.ItemNotFound):
        await add_alias("X", "Y", "no item", REGISTRAR, work())
    await drop_alias(DOG.code, legacy, "写错了", REGISTRAR, work())
    with pytest.raises(errors.ItemNotFound):
        await found_item(legacy, work())
    with pytest.raises(errors.AliasNotFound):
        await drop_alias(DOG.code, legacy, "again", REGISTRAR, work())
