"""The page of all states has every component there is: one that is added and not shown there fails here."""

import re
from importlib.resources import files

import pytest

from common.core.state import Light, Link
from tests import gallery

KITS = {"parts.html": "parts", "correction_parts.html": "dossier"}
INSIDE = {"rule_pills", "paper"}
"""Shown by the component around them."""


@pytest.mark.parametrize("kit", KITS)
def test_every_component_stands_on_the_page_of_states(kit: str) -> None:
    source = (files("central.web") / "templates" / kit).read_text("utf-8")
    shown = set(re.findall(rf"\b{KITS[kit]}\.(\w+)\(", gallery._TEMPLATE.read_text("utf-8")))
    assert set(re.findall(r"{% macro (\w+)\(", source)) - INSIDE == shown


def test_it_shows_every_light_and_every_state_of_a_line() -> None:
    html = gallery.page()
    for light in Light:
        assert f'class="lamp" data-v="{light.value}"' in html
    for link in Link:
        assert f'class="link" data-v="{link.value}"' in html
