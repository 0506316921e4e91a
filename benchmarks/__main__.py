"""`make bench [ONLY=name]`: every figure, one JSON line each."""

import asyncio
import sys

import click
import structlog

from benchmarks import (
    append,
    backlog,
    bridge,
    camera,
    capture,
    document,
    door,
    existence,
    faulty,
    ingest,
    install,
    latency,
    law,
    live,
    memory,
    pages,
    score,
    sealing,
    size,
    throughput,
    worker,
    writers,
)
from benchmarks.figure import text

MEASURES = {
    "throughput": throughput.measure,
    "append": append.measure,
    "backlog": backlog.measure,
    "bridge": bridge.measure,
    "camera": camera.measure,
    "live": live.measure,
    "capture": capture.measure,
    "document": document.measure,
    "door": door.measure,
    "existence": existence.measure,
    "faulty": faulty.measure,
    "ingest": ingest.measure,
    "install": install.measure,
    "latency": latency.measure,
    "law": law.measure,
    "memory": memory.measure,
    "pages": pages.measure,
    "score": score.measure,
    "size": size.measure,
    "sealing": sealing.measure,
    "worker": worker.measure,
    "writers": writers.measure,
}


@click.command()
@click.option("--only", type=click.Choice(list(MEASURES)), help="One measurement.")
def main(only: str | None) -> None:
    """Measure and print; what the measured programs say goes to the other stream."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for name, measure in MEASURES.items():
        if only in {None, name}:
            asyncio.run(_print(measure))


async def _print(measure: object) -> None:
    async for figure in measure():  # type: ignore[operator]
        click.echo(text(figure))


if __name__ == "__main__":
    main()
