"""A value held against a JSON Schema, of which only the words that our descriptions use are known: any other is an error."""

import json
from collections.abc import Mapping
from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "object": (dict,), "array": (list,),
}  # fmt: skip
_KNOWN = {
    "$ref",
    "anyOf",
    "enum",
    "type",
    "properties",
    "required",
    "items",
    "title",
    "description",
    "additionalProperties",
    "contentMediaType",
    "contentSchema",
}
Schema = Mapping[str, Any]


def of_answer(content: Mapping[str, Any], body: bytes) -> tuple[Schema, Any]:
    """-> (schema, value) of an answer; `content`: how its media type is described. Of a stream, `body` is one message."""
    if "itemSchema" not in content:
        return content["schema"], json.loads(body)
    fields = dict(line.partition(": ")[::2] for line in body.decode().splitlines() if line)
    return content["itemSchema"], fields


def faults(schema: Schema, value: Any, whole: Schema, where: str = "$") -> list[str]:
    """Where `value` is not as `schema` says. `whole`: the document that its references lead into."""
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    if "$ref" in schema:
        return faults(_at(whole, schema["$ref"]), value, whole, where)
    if "anyOf" in schema:
        tried = [faults(each, value, whole, where) for each in schema["anyOf"]]
        return [] if [] in tried else [f"{where}: none of {len(tried)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} not in enum"]
    if "type" in schema and not _is(schema["type"], value):
        return [f"{where}: {value!r} is no {schema['type']}"]
    found: list[str] = []
    if "contentSchema" in schema:
        assert schema["contentMediaType"] == "application/json"
        found += faults(schema["contentSchema"], json.loads(value), whole, f"{where}>")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        found += [f"{where}: {name} missing" for name in schema.get("required", ()) if name not in value]
        found += [f"{where}: {name} is not described" for name in value if name not in known]
        for name in known:
            if name in value:
                found += faults(known[name], value[name], whole, f"{where}.{name}")
    if isinstance(value, list):
        for place, each in enumerate(value):
            found += faults(schema.get("items", {}), each, whole, f"{where}[{place}]")
    return found


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _at(whole: Schema, reference: str) -> Schema:
    place: Any = whole
    for name in reference.removeprefix("#/").split("/"):
        place = place[name]
    assert isinstance(place, dict)
    return place
