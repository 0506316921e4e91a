"""`make bench [ONLY=name]`: every figure, one JSON line each."""

import asyncio

import click

from benchmarks import (
    append,
    backlog,
    bridge,
    camera,
    capture,
    document,
    ingest,
    install,
    latency,
    law,
    memory,
    sealing,
    size,
    throughput,
    writers,
)
from benchmarks.figure import text

MEASURES = {
    "throughput": throughput.measure,
    "append": append.measure,
    "backlog": backlog.measure,
    "bridge": bridge.measure,
    "camera": camera.measure,
    "capture": capture.measure,
    "document": document.measure,
    "ingest": ingest.measure,
    "install": install.measure,
    "latency": latency.measure,
    "law": law.measure,
    "memory": memory.measure,
    "size": size.measure,
    "sealing": sealing.measure,
    "writers": writers.measure,
}


@click.command()
@click.option("--only", type=click.Choice(list(MEASURES)), help="One measurement.")
def main(only: str | None) -> None:
    """Measure and print."""
    for name, measure in MEASURES.items():
        if only in {None, name}:
            asyncio.run(_print(measure))


async def _print(measure: object) -> None:
    async for figure in measure():  # type: ignore[operator]
        click.echo(text(figure))


if __name__ == "__main__":
    main()
