"""The engines side by side: each with its own table, clerks and agent, at the same time."""

import asyncio

from provisioning.core.identity import Box
from tests import services
from tests.hazard import run as one
from tests.hazard.run import Outcome
from tests.hazard.store import MariaDbStore, PostgreSqlStore, SqliteStore, Store

BOXES = {
    engine: Box(f"s{number:02}", 1) for number, engine in enumerate(("mariadb", "postgresql", "sqlite"), 1)
}


async def side_by_side(
    seed: int,
    secs: float,
    kills: int,
    config: str = "",
    *,
    dlt: bool = False,
    acts: bool = False,
) -> list[Outcome]:
    """`config`: the `[capture]` of agent.toml; empty: as in every test. `dlt`: beside the plain cursors."""
    async with (
        services.mosquitto(list(BOXES.values())) as broker,
        services.mariadb() as mariadb,
        services.postgresql() as postgresql,
    ):
        homes = {engine: broker.box(box.name) for engine, box in BOXES.items()}
        stores: list[Store] = [
            MariaDbStore(mariadb, homes["mariadb"]),
            PostgreSqlStore(postgresql, homes["postgresql"]),
            SqliteStore(homes["sqlite"]),
        ]

        async def named(store: Store) -> Outcome:
            try:
                return await one.run(
                    store,
                    broker,
                    BOXES[store.engine],
                    seed,
                    secs,
                    config=config,
                    kills=kills,
                    dlt=dlt,
                    acts=acts,
                )
            except Exception as error:
                ended = [
                    type(server).__name__ for server in (mariadb, postgresql, broker) if server.has_ended()
                ]
                error.add_note(f"seed {seed}, {store.engine}; servers that have ended by themselves: {ended}")
                raise

        return list(await asyncio.gather(*map(named, stores)))
