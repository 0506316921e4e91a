"""A gateway's own words: its request filled in from a template, its answer and its receipts read by configured places.

A template is JSON with `{to}`, `{text}`, `{key}`, `{secret}`, `{at}` (seconds), `{sign}` in its texts. It is parsed first and
filled then, so nothing that a text holds can break out of its place.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from common.core.errors import ConfigError


def parsed(template: str, where: str) -> Any:
    """Raises ConfigError for a template that is no JSON."""
    try:
        return msgspec.json.decode(template.encode())
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"{where} 不是 JSON：{error}", hint='写法如  {"mobile": "{to}", "content": "{text}"}'
        ) from error


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """`template` with each `{name}` in its texts replaced; whatever else stands in braces stays."""
    if isinstance(template, dict):
        return {name: filled(item, values) for name, item in template.items()}
    if isinstance(template, list):
        return [filled(item, values) for item in template]
    return _text(template, values) if isinstance(template, str) else template


def _text(template: str, values: Mapping[str, str]) -> str:
    found, rest = "", template
    while rest:
        before, brace, after = rest.partition("{")
        name, closing, following = after.partition("}")
        if not brace:
            return found + before
        known = bool(closing) and name in values
        found += before + (values[name] if known else brace)
        rest = following if known else after
    return found


def signed(kind: str, template: str, values: Mapping[str, str]) -> str:
    """The field that proves who asks, as hex; `kind`: md5, sha256 or hmac-sha256 (under the secret); empty: none."""
    said = _text(template, values).encode()
    if kind == "hmac-sha256":
        return hmac.new(values["secret"].encode(), said, hashlib.sha256).hexdigest()
    if kind == "md5":  # what many a gateway asks for
        return hashlib.md5(said, usedforsecurity=False).hexdigest()
    return hashlib.sha256(said).hexdigest() if kind else ""


def at(answer: Any, path: str) -> str:
    """What stands at `a.b.0` of an answer, as text; empty where nothing does."""
    for name in filter(None, path.split(".")):
        if isinstance(answer, dict):
            answer = answer.get(name)
        elif isinstance(answer, list) and name.isdecimal() and int(name) < len(answer):
            answer = answer[int(name)]
        else:
            return ""
    if isinstance(answer, bool):
        return str(answer).lower()
    return str(answer) if isinstance(answer, str | int | float) else ""


def list_at(answer: Any, path: str) -> list[Any]:
    """The list at `path`; what is one object alone counts as a list of it."""
    for name in filter(None, path.split(".")):
        answer = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(answer, list):
        return answer
    return [answer] if isinstance(answer, dict) else []


class Receipt(Struct, frozen=True):
    """What a gateway says became of a message: by its own reference, or by our key."""

    ref: str
    is_delivered: bool
    detail: str
