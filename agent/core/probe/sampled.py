"""A table as the probe has seen it: its catalogue entry, and a profile of each column that was read."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from agent.core.catalogue import CatalogTable
from agent.core.probe.profile import Profile, profiled


class Sampled(Struct, frozen=True):
    """`rows`: how many were read; `whole`: the table has no others."""

    table: CatalogTable
    profiles: dict[str, Profile]
    rows: int
    whole: bool

    def unique(self, columns: Sequence[str]) -> bool:
        """No two rows of the sample agree in `columns`, and none lacks one."""
        if not columns or any(name not in self.profiles for name in columns):
            return False
        keys = list(zip(*(self.profiles[name].texts for name in columns), strict=True))
        return (
            bool(keys) and len(set(keys)) == len(keys) and not any(None in key or "" in key for key in keys)
        )


def sampled(
    table: CatalogTable,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    whole: bool,
    asked_raw: Collection[str] = (),
) -> Sampled:
    """`rows` with their values in the order of `names`; `asked_raw`: columns whose bytes were asked for."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    profiles = {
        name: profiled(values, asked_raw=name in asked_raw)
        for name, values in zip(names, columns, strict=True)
    }
    return Sampled(table, profiles, len(rows), whole)
