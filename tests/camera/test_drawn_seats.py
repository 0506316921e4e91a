"""Seats that were drawn at the hall and stand in no file of the box: a technician at the box sees them and can have them learned."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from agent import config
from agent.__main__ import cli
from agent.box import Box
from agent.camera.asked import VACANT, taken
from agent.camera.checks import LOOKS
from agent.camera.drawn import overlaid
from agent.camera.seating import news, seats_of
from agent.camera.talk import Look, Sat, Vacant
from agent.core.seat import State
from agent.core.votes import Standing
from common import process
from common.clock import Clock
from common.core.camera import Seat, View
from common.core.message import Drawn, DrawnSeat
from common.health import Status
from tests.camera.test_seat_config import write
from tests.camera.test_stills import status

UNTAUGHT = "还没有学过无人时的样子"
OK = Standing(View.OK, 1)


def told(path: Path, seats: dict[str, Sat]) -> Box:
    """The box whose worker looks at these."""
    box = Box(config.load(path), Clock())
    box.status = replace(status(cameras={"c1": Look("c1", 1, OK, OK, seats=seats)}), pid=os.getpid())
    process.write(box.config.status_path, box.status)
    return box


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A camera without any seat of its own."""
    path = write(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(text.replace("generation = 1\n", f'generation = 1\ndata_dir = "{tmp_path}"\n'), "utf-8")
    return path


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["camera", *words, "--config", str(path)], catch_exceptions=True)


async def test_a_seat_drawn_at_the_hall_is_listed_learned_and_counted_at_the_box(path: Path) -> None:
    box = told(path, {"w9": Sat(State(Seat.UNKNOWN, 1), UNTAUGHT)})
    listed = run(path, "list")
    assert listed.exit_code == 0
    assert f"  w9 市中心画的座位  无法判断，{UNTAUGHT}\n" in listed.output
    assert run(path, "vacant", "c1").exit_code == 0
    assert taken(box.config.data_dir) == [Vacant("c1")]
    box = told(path, {"w9": Sat(State(Seat.UNATTENDED, 1))})
    found = await LOOKS["E-CAM-08"](box)
    assert (found.status, found.detail) == (Status.OK, "1 个座位都学过无人时的样子")


def test_a_clock_that_is_off_is_listed_with_the_step_that_mends_it(path: Path) -> None:
    box = told(path, {})
    look = Look("c1", 1, OK, Standing(View.CLOCK, 1), clock_detail="慢 40 秒")
    process.write(box.config.status_path, replace(status(cameras={"c1": look}), pid=os.getpid()))
    listed = run(path, "list")
    assert "时钟慢 40 秒" in listed.output
    assert "mingcha-agent camera set-time" in listed.output


def test_where_nothing_is_drawn_there_is_nothing_to_learn(path: Path) -> None:
    told(path, {})
    refused = run(path, "vacant", "c1")
    assert refused.exit_code != 0
    assert not (path.parent / VACANT).exists()


def test_the_hall_is_told_where_a_seat_lies_and_of_its_move(tmp_path: Path) -> None:
    own = config.load(write(tmp_path, ("w1", "[0.1, 0.125, 0.3333, 1.0]", '["08:30-12:00"]'))).camera[0]
    look = Look("c1", 1, OK, OK, seats={"w1": Sat(State(Seat.ATTENDED, 5))})
    before = seats_of(look, own)
    assert before["w1"].box == (100, 125, 333, 1000)
    moved = overlaid(own, [Drawn("c1", [], [DrawnSeat("w1", (400, 200, 600, 700))])])
    [told] = news(before, seats_of(look, moved), 9)
    assert told == replace(before["w1"], box=(400, 200, 600, 700)), "the rest stays as the file has it"
