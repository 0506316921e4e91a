"""What somebody at the box asks of the camera worker: a file in the data folder, which holds a camera's id."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from agent.camera.talk import Clocked, Down, Learn, Vacant
from common.core.happening import Happening
from common.core.record import Event

LEARN, VACANT, CLOCK = "camera-learn", "camera-vacant", "camera-clock"
"""Names of the files: new references are wanted; nobody sits anywhere; the clock is to be looked at now."""
CLOCK_SET = "camera-clock-set"
"""What was done to a camera's clock, for the hall's list of events."""
_ORDERS: dict[str, Callable[[str], Down]] = {LEARN: Learn, VACANT: Vacant, CLOCK: Clocked}


def ask(path: Path, said: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(said, "utf-8")
    part.replace(path)


def taken(folder: Path) -> list[Down]:
    """What is asked for, once: the files are gone then."""
    found: list[Down] = []
    for name, order in _ORDERS.items():
        with suppress(OSError, UnicodeDecodeError):
            path = folder / name
            found.append(order(path.read_text("utf-8").strip()))
            path.unlink()
    return found


async def tell(note: Callable[[Event], Awaitable[None]], folder: Path) -> None:
    """Write down what was done to a clock: the file goes once that is kept. Raises BufferFullError."""
    path = folder / CLOCK_SET
    with suppress(OSError, UnicodeDecodeError):
        await note(Event(Happening.CAMERA_CLOCK_SET.value, path.read_text("utf-8")))
        path.unlink()
