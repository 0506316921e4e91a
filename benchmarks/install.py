"""A box by its one command on a bare Debian under real systemd, without a route out: seconds, bytes, exposure.

Without and with the camera part. The hall stands beside it; its medium is local. Needs root and mmdebstrap.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.figure import Figure, line
from provisioning import medium as media
from tests.install import lab as labs
from tests.install.lab import ADDRESS, CACHE, KEY, Box, Lab
from tests.install.site import Site

RECEIPT_SECS, AGAIN_SECS, DOCTOR_SECS, HALL_SECS = 60.0, 10.0, 5.0, 300.0
EXPOSURE = 1.1
_Result = TypeVar("_Result")


async def measure() -> AsyncIterator[Figure]:
    if why := labs.missing():
        raise SystemExit(why)
    plain = labs.medium()
    for name, medium in (("", plain), ("_with_camera", with_camera())):
        for figure in await asyncio.to_thread(_installed, name, medium):
            yield figure


def with_camera() -> Path:
    """The medium whose boxes have the camera part; what the other has is not fetched twice."""
    place = CACHE / "medium-camera"
    media.make(place, "x86_64", KEY, camera=True)
    return place


def _installed(name: str, medium: Path) -> list[Figure]:
    with Lab(medium) as lab:
        lab.hall.on()
        hall_secs, _ = timed(lambda: lab.install("--host", ADDRESS))
        found = [line(f"install_hall{name}", hall_secs, "s", ("limit", HALL_SECS), 1)]
        began = time.monotonic()
        site = Site(lab, "b01")
        box, _ = site.box(labs.rootfs())
        box.must(site.command, timeout=600)
        command_secs = time.monotonic() - began
        box.until(lambda: bool(site.acknowledged()), 300)
        receipt_secs = time.monotonic() - began
        if name:
            box.must("/opt/mingcha/current/bin/python -c 'import av, cv2, numpy, onvif, zeep'")
        again_secs, _ = timed(lambda: box.must(site.command))
        doctor_secs, _ = timed(lambda: box.sh("mingcha-agent doctor"))
        archive = next((medium / "releases").glob("*-x86_64.tar.gz")).stat().st_size
        size = int(box.must("du -sb --apparent-size /opt/mingcha/releases").split()[0])
        found += [
            line(f"site_add_to_command_done{name}", command_secs, "s", ("limit", RECEIPT_SECS), 1),
            line(f"site_add_to_first_receipt{name}", receipt_secs, "s", ("limit", RECEIPT_SECS), 1),
            line(f"install_again{name}", again_secs, "s", ("limit", AGAIN_SECS), 1),
            line(f"installed_doctor{name}", doctor_secs, "s", ("limit", DOCTOR_SECS), 1),
            line(f"install_size{name}", size / 1e6, "MB", ("archive, MB", archive / 1e6), 1),
        ]
        units = {box: ["mingcha-agent"], lab.hall: ["mingcha-central", "mingcha-enroll", "mingcha-broker"]}
        found += [
            line(
                f"exposure_{unit.removeprefix('mingcha-')}{name}",
                exposure(place, unit),
                "",
                ("limit", EXPOSURE),
                1,
            )
            for place, listed in units.items()
            for unit in listed
        ]
        return found


def timed(work: Callable[[], _Result]) -> tuple[float, _Result]:
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def exposure(box: Box, unit: str) -> float:
    """What `systemd-analyze security` says of it where it runs."""
    found = re.search(
        r"exposure level for \S+ (\d+\.\d)", box.must(f"systemd-analyze security {unit} --no-pager")
    )
    assert found
    return float(found[1])
