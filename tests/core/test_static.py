"""The shipped style sheets and scripts: what an old browser parses, and red and yellow for legal lights alone."""

import math
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[2] / "central" / "web" / "static"
TEMPLATES = STATIC.parent / "templates"
SHEETS = sorted(STATIC.glob("*.css"))
SCRIPTS = sorted(STATIC.glob("*.js"))
BANNED_CSS = {
    ":is(": 88,
    ":where(": 88,
    ":has(": 105,
    "aspect-ratio": 88,
    "@container": 105,
    "@layer": 99,
    "color-mix(": 111,
    "accent-color": 93,
    "overflow: clip": 90,
    "dvh": 108,
}
BANNED_JS = [
    r"\?\?=",
    r"\|\|=",
    r"&&=",
    r"\.at\(",
    r"replaceAll",
    r"#[a-z]+\s*[=(;]",
    r"\d_\d",
    r"structuredClone",
    r"(?<![\w.])import\s",
    r"static\s*\{",
]
LIT = {
    "lamp",
    "pill",
    "tile",
    "kpi-yellow",
    "kpi-red",
    "row",
    "fresh",
    "key-yellow",
    "key-red",
    "bar-yellow",
    "bar-red",
    "why",
    "past",
    "days",
    "queue-list",
}


def _bare(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _rules(text: str) -> list[tuple[str, str]]:
    """(selector, declarations) of every innermost rule."""
    return [(found[1].strip(), found[2]) for found in re.finditer(r"([^{};]+)\{([^{}]*)\}", _bare(text))]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_style_sheets_parse_on_chromium_80(sheet: Path) -> None:
    text = _bare(sheet.read_text())
    assert [word for word in BANNED_CSS if word in text] == []
    assert re.search(r"[{;\s]inset\s*:", text) is None
    for selector, body in _rules(text):
        if "flex" in body and "grid" not in body:
            assert not re.search(r"[\s;]gap:", body), selector
        if re.search(r"[\s;]gap:", body):
            assert "grid-gap:" in body or "grid-column-gap:" in body, selector


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_as_es2020(script: Path) -> None:
    code = re.sub(r"//[^\n]*|\"[^\"\n]*\"", "", script.read_text())
    assert [pattern for pattern in BANNED_JS if re.search(pattern, code)] == []
    assert "Date.now" not in code
    assert "new Date()" not in code
    assert "innerHTML" not in code


def test_red_and_yellow_belong_to_the_law() -> None:
    users = [sheet.name for sheet in SHEETS if re.search(r"var\(--(red|yellow)", sheet.read_text())]
    assert users == ["lights.css"]
    for selector, body in _rules((STATIC / "lights.css").read_text()):
        if re.search(r"var\(--(red|yellow)", body) and not selector.startswith("50%"):
            for part in selector.split(","):
                first = re.match(r"(?:@[^{]*\{)?\s*\.([\w-]+)", part.strip())
                assert first is not None, selector
                assert first[1] in LIT | {"pill-red", "pill-yellow", "pill-rule"}, selector


def test_marks_of_the_doctor_have_shapes_of_their_own_and_no_lights_colour() -> None:
    shapes = (TEMPLATES / "shapes.html").read_text()
    assert all(f'id="m-{mark}"' in shapes for mark in ("ok", "warn", "fail", "skip"))
    marks = [body for selector, body in _rules((STATIC / "parts.css").read_text()) if ".mark" in selector]
    assert marks
    assert not any("red" in body or "yellow" in body for body in marks)


def test_every_shape_a_state_needs_is_drawn() -> None:
    from common.core.state import Light, Link

    shapes = (TEMPLATES / "shapes.html").read_text()
    assert all(f'id="k-{link}"' in shapes for link in Link)
    assert all(f'id="l-{light}"' in shapes for light in Light)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _tokens(theme: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("tokens.css", "lights.css"):
        for selector, body in _rules((STATIC / name).read_text()):
            if selector == ":root" or (
                theme == "dark" and 'data-theme="dark"' in selector and selector.endswith('"]')
            ):
                found |= dict(re.findall(r"(--[\w-]+):\s*(#[0-9A-F]{6})", body))
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("--text", "--surface", 7),
        ("--text-2", "--bg", 4.5),
        ("--text-2", "--surface-2", 4.5),
        ("--text-3", "--bg", 4.5),
        ("--accent", "--surface", 4.5),
        ("--on-accent", "--accent", 4.5),
        ("--red-ink", "--red-soft", 4.5),
        ("--red-ink", "--surface", 4.5),
        ("--yellow-ink", "--yellow-soft", 4.5),
        ("--yellow-ink", "--surface", 4.5),
        ("--blue-ink", "--blue-soft", 4.5),
        ("--grey-ink", "--grey-soft", 4.5),
        ("--green-ink", "--surface", 4.5),
        ("--green", "--surface", 3),
        ("--blue", "--surface", 3),
        ("--line-2", "--surface", 3),
        ("--hollow", "--surface", 3),
    ],
)
def test_text_and_graphics_have_the_contrast_that_eyes_need(
    theme: str, ink: str, ground: str, least: float
) -> None:
    tokens = _tokens(theme)
    assert _contrast(tokens[ink], tokens[ground]) >= least, (tokens[ink], tokens[ground])


# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB; and eyes that miss nothing.
EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE = (0.95047, 1.0, 1.08883)
CLOSEST = {"normal": 35, "protan": 20, "deutan": 25, "tritan": 15}
"""interface.md 3.2, measured on the dark set; shapes and words carry what these leave."""


def _times(matrix: Any, colour: list[float]) -> list[float]:
    return [sum(cell * part for cell, part in zip(row, colour, strict=True)) for row in matrix]


def _lab(colour: str, eyes: str) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of what such eyes see."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    seen = [min(1.0, max(0.0, part)) for part in _times(EYES[eyes], linear)]
    x, y, z = (
        part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29
        for part in (value / white for value, white in zip(_times(TO_XYZ, seen), WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("eyes", EYES)
def test_states_are_told_apart_by_eyes_that_miss_a_colour(eyes: str) -> None:
    tokens = _tokens("dark")
    colours = {name: _lab(tokens[f"--{name}"], eyes) for name in ("green", "yellow", "red", "blue", "grey")}
    colours["white"] = _lab(tokens["--text"], eyes)
    apart = {
        (one, other): math.dist(colours[one], colours[other])
        for one, other in combinations(sorted(colours), 2)
    }
    closest = min(apart, key=lambda pair: apart[pair])
    assert apart[closest] >= CLOSEST[eyes], (closest, apart[closest])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_bar_of_a_camera_is_read_without_its_colours(theme: str) -> None:
    rules = dict(_rules((STATIC / "pages.css").read_text()))
    tokens = _tokens(theme)
    fills = {
        sort: re.findall(r"fill: var\((--[\w-]+)\)", rules[f".camera-bar .{sort}"])[0]
        for sort in ("ok", "fail", "skip")
    }
    for one, other in combinations(fills.values(), 2):
        assert _contrast(tokens[one], tokens[other]) >= 2, (one, other)
