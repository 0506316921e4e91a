"""dlt's incremental `sql_database` on the clerks' table, once a second: `python -m tests.hazard.rival ADDRESS`.

As its guide says: cursor on the time stamp, primary key, merged; rows without a stamp are asked for too. It sees what
`make soak WHAT=hazard` has installed in a folder that nobody else sees (`make`'s PEERS). Runs until its standard input
ends, looks once more, and then prints the rows it holds.
"""

import json
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable
from typing import Any

NAMES = ("SLBH", "SQR", "ZT", "BJSJ", "BLR")


def main() -> None:
    """The process."""
    import dlt
    from dlt.sources.sql_database import sql_table

    known: dict[int, list[Any]] = {}
    ended = threading.Event()
    threading.Thread(target=_await_end, args=(ended,), daemon=True).start()

    @dlt.destination(batch_size=1000, name="known")  # type: ignore[untyped-decorator]
    def merge(items: Iterable[dict[str, Any]], table: object) -> None:
        for item in items:
            row = {name.upper(): value for name, value in item.items()}
            known[int(row["ID"])] = [_plain(row.get(name)) for name in NAMES]

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("hazard", destination=merge, pipelines_dir=folder)
        is_last = False
        while not is_last:
            is_last = ended.is_set()
            began = time.monotonic()
            try:
                stamp = dlt.sources.incremental("XGSJ", on_cursor_value_missing="include")
                table = sql_table(
                    credentials=sys.argv[1], table="SP_YWSL", incremental=stamp, primary_key="ID"
                )
                pipeline.run(table, write_disposition="merge")
            except Exception:  # noqa: BLE001  the server is being restarted; the next look goes on
                traceback.print_exc()
                pipeline.drop_pending_packages()
            ended.wait(max(0.0, began + 1 - time.monotonic()))
    print(json.dumps([[key, *row] for key, row in known.items()]))


def _await_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _plain(value: Any) -> Any:
    """A time in the spelling of the clerks' journal."""
    return str(value).replace("T", " ")[:19] if hasattr(value, "isoformat") else value


if __name__ == "__main__":
    main()
