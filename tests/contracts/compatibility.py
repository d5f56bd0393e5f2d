"""Which changes of an event's JSON Schema break its readers."""

from typing import Any

_WORDS = {"title", "description", "examples", "deprecated", "$comment", "$defs", "$ref"}
"""What only people read, and what is followed rather than compared."""
_STRUCTURE = {"properties", "required", "enum", "items", "additionalProperties", "anyOf", "oneOf", "prefixItems"}
_NOTHING = object()


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Changes from `old` to `new` that break a reader of the old or a writer's stored events; empty when none.

    Breaking: a field gone, a field newly required, a field no longer required (readers rely on it), a type changed, an
    enumeration widened (readers do not know the value) or narrowed (old events no longer load). Likewise a bound, a
    length, a pattern, a default or any other rule that is not for people only: tighter, old events no longer load;
    looser, readers of the old refuse new ones.
    """
    return _compare(old, new, old.get("$defs", {}), new.get("$defs", {}), "")


def _resolve(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]] | beside
    return schema


def _compare(
    old: dict[str, Any], new: dict[str, Any], old_defs: dict[str, Any], new_defs: dict[str, Any], where: str
) -> list[str]:
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    found = [
        f"{where or 'event'}: {name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted((old.keys() | new.keys()) - _WORDS - _STRUCTURE)
        if not _same(old.get(name, _NOTHING), new.get(name, _NOTHING))
    ]
    if sorted(map(str, old.get("enum", []))) != sorted(map(str, new.get("enum", []))):
        found.append(f"{where}: enum changed")
    for name, schema in old.get("properties", {}).items():
        place = f"{where}.{name}".lstrip(".")
        if name not in new.get("properties", {}):
            found.append(f"{place}: removed")
        else:
            found += _compare(schema, new["properties"][name], old_defs, new_defs, place)
    was, is_now = set(old.get("required", [])), set(new.get("required", []))
    found += [f"{where}.{name}".lstrip(".") + ": newly required" for name in sorted(is_now - was)]
    found += [f"{where}.{name}".lstrip(".") + ": no longer required" for name in sorted(was - is_now)]
    for name in ("items", "additionalProperties"):
        if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
            found += _compare(old[name], new[name], old_defs, new_defs, f"{where}[]")
        elif old.get(name) != new.get(name):
            found.append(f"{where or 'event'}: {name} changed")
    for name in ("anyOf", "oneOf", "prefixItems"):
        if len(old.get(name, [])) != len(new.get(name, [])):
            found.append(f"{where}: {name} changed")
        for first, second in zip(old.get(name, []), new.get(name, []), strict=False):
            found += _compare(first, second, old_defs, new_defs, where)
    return found


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):  # the default of a part to which an optional field was added
        return all(name in new and _same(value, new[name]) for name, value in old.items())
    return bool(old == new)
