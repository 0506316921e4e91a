"""One figure = one JSON line: the value, and its ratio to a peer or limit measured in the same run."""

import statistics
from collections.abc import Sequence

import msgspec
from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """`ratio` is value / peer_value; `runs` how many measurements the value is the median of."""

    figure: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float
    runs: int


def line(figure: str, value: float, unit: str, peer: tuple[str, float], runs: int) -> Figure:
    name, other = peer
    return Figure(
        figure=figure,
        value=round(value, 3),
        unit=unit,
        peer=name,
        peer_value=round(other, 3),
        ratio=float(f"{value / other:.3g}") if other else 0.0,
        runs=runs,
    )


def text(figure: Figure) -> str:
    return msgspec.json.encode(figure).decode()


def percentile(values: Sequence[float], percent: int) -> float:
    """Of a hundred parts; at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
