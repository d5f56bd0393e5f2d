"""The topic files, their examples and the promise that no event changes under its readers."""

import copy
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.contracts.base import EVENT_TYPES, Envelope, Example, Undecodable, UnknownType, decode
from services.contracts.catalog_items import ItemRetired
from services.contracts.topics import all_topics
from tests.contracts.compatibility import breaking_changes
from tests.contracts.snapshots import FOLDER, current, write

TOPICS = all_topics()
EXAMPLES = [(topic.topic, example) for topic in TOPICS.values() for example in topic.examples]


def _envelope(example: Example) -> Envelope:
    data = EVENT_TYPES[example.type].model_validate(example.data)
    return Envelope("1", "urn:tongban:x", example.subject, 3, datetime(2026, 11, 9, tzinfo=UTC), data, "")


@pytest.mark.parametrize(("topic", "example"), EXAMPLES, ids=lambda v: getattr(v, "type", v))
def test_every_example_goes_through_its_model_and_over_the_wire(topic: str, example: Example) -> None:
    envelope = _envelope(example)
    assert envelope.topic == topic
    assert decode(envelope.headers(), envelope.value(), example.subject.encode()) == envelope


def test_every_event_type_has_an_example_and_every_topic_its_file() -> None:
    assert {example.type for _, example in EXAMPLES} == set(EVENT_TYPES)
    assert {model.topic for model in EVENT_TYPES.values()} == set(TOPICS)


def test_names_tell_topic_and_version() -> None:
    for name, model in EVENT_TYPES.items():
        owner = TOPICS[model.topic].owner
        assert name.startswith(f"cn.tongban.{owner}.") and name.rsplit(".", 1)[1].startswith("v")


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_schema_is_the_one_that_was_agreed_on(name: str) -> None:
    path = FOLDER / f"{name}.json"
    kept = path.read_text("utf-8") if path.is_file() else "null"
    assert json.loads(kept) == json.loads(current()[name]), "run `python -m tests.contracts.snapshots`"


def test_snapshots_are_not_written_over_a_breaking_change(tmp_path: Path) -> None:
    assert write(tmp_path) == []
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        f"{name}.json": text for name, text in current().items()
    }
    path = tmp_path / "cn.tongban.cases.returned.v1.json"
    before = json.loads(path.read_text("utf-8"))
    before["properties"]["gaps"]["minimum"] = 0
    path.write_text(json.dumps(before), "utf-8")
    assert write(tmp_path) == ["cn.tongban.cases.returned.v1: gaps: minimum was 0, is 1"]
    assert json.loads(path.read_text("utf-8")) == before


def test_no_event_type_disappears() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} <= set(EVENT_TYPES)


def _changed(change: Any) -> list[str]:
    old = json.loads(current()["cn.tongban.cases.accepted.v1"])
    new = copy.deepcopy(old)
    change(new)
    return breaking_changes(old, new)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["properties"].pop("officer"), "officer: removed"),
        (lambda s: s["properties"]["number"].update(type="integer"), "number: type"),
        (lambda s: s["required"].remove("officer"), "officer: no longer required"),
        (lambda s: s["$defs"]["CaseItem"]["properties"].pop("code"), "item.code: removed"),
        (lambda s: s["properties"]["status"]["enum"].append("lost"), "enum changed"),
        (lambda s: s["properties"]["number"].update(minLength=1), "number: minLength"),
        (lambda s: s["properties"]["number"].update(pattern="^[0-9]+$"), "number: pattern"),
        (lambda s: s["properties"]["occurred_at"].pop("format"), "occurred_at: format"),
        (lambda s: s["$defs"]["CaseItem"]["properties"]["version"].update(maximum=9), "item.version: maximum"),
        (lambda s: s["$defs"]["Text"]["properties"]["en"].update(default=""), "name.en: default"),
        (lambda s: s["$defs"]["Text"].update(additionalProperties=False), "name: additionalProperties"),
        (lambda s: s["properties"].update(x={"type": "string"}) or s["required"].append("x"), "x: newly required"),
    ],
)
def test_the_comparison_sees_a_breaking_change(change: Any, word: str) -> None:
    assert any(word in found for found in _changed(change))


def test_the_comparison_lets_an_optional_field_in() -> None:
    assert _changed(lambda s: s["properties"].update(x={"type": "string"})) == []
    old, new = ({"properties": {"limits": {"default": d}}} for d in ({"a": None}, {"a": None, "b": None}))
    assert breaking_changes(old, new) == []
    assert breaking_changes(new, old) != []


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    example = EXAMPLES[0][1]
    envelope = _envelope(example)
    value = json.dumps(example.data | {"new": 1}).encode()
    assert decode(envelope.headers(), value, None).data == envelope.data


def test_bytes_that_are_no_event_are_told_from_events_unknown_here() -> None:
    headers = dict(_envelope(EXAMPLES[0][1]).headers())
    with pytest.raises(UnknownType):
        decode(list((headers | {"ce_type": b"cn.tongban.other.v9"}).items()), b"{}", None)
    for broken in (
        {"ce_id": b"x" * 65},
        {"ce_id": b"a\0"},
        {"ce_type": b"x" * 201},
        {"ce_type": b"a\0"},
        {"ce_subject": b"x" * 201},
        {"ce_subject": b"a\0"},
        {"ce_aggregateversion": b"0"},
        {"ce_aggregateversion": b"2147483648"},
        {"ce_time": b"2026-11-09T10:00:00"},
        {"ce_aggregateversion": b"x"},
        {"ce_id": b""},
        {"ce_type": b"\xff"},
    ):
        with pytest.raises(Undecodable) as caught:
            decode(list((headers | broken).items()), b"{}", None)
        assert not isinstance(caught.value, UnknownType)
    with pytest.raises(Undecodable, match="key"):
        decode(list(headers.items()), b"{}", b"another key")


def test_what_cannot_be_read_still_tells_its_place() -> None:
    envelope = _envelope(EXAMPLES[0][1])
    headers = dict(envelope.headers())
    for value in (b"{}", None):
        with pytest.raises(Undecodable) as caught:
            decode(list(headers.items()), value, None)
        assert caught.value.heading == envelope.heading
    with pytest.raises(UnknownType) as other:
        decode(list((headers | {"ce_type": b"cn.tongban.other.v9"}).items()), b"{}", None)
    assert other.value.heading == dataclasses.replace(envelope.heading, type="cn.tongban.other.v9")
    with pytest.raises(Undecodable, match="tombstone") as empty:
        decode([], None, b"key")
    assert empty.value.heading is None


def test_an_item_is_retired_at_a_time_with_a_zone() -> None:
    with pytest.raises(ValidationError):
        ItemRetired(code="1", item_version=1, retired_at=datetime(2026, 11, 9), reason="x")  # noqa: DTZ001 (the point)


def test_a_cause_never_quotes_what_was_sent() -> None:
    headers = _envelope(EXAMPLES[0][1]).headers()
    with pytest.raises(Undecodable) as caught:
        decode(headers, b'{"account_id": 1, "realm": "51160219900101123X"}', None)
    assert "51160219900101123X" not in str(caught.value)
