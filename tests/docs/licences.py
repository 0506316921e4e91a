"""Writes `docs/LICENCES.md` from the packages the lock installs: `python -m tests.docs.licences`."""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "LICENCES.md"
HEAD = """# Licences of dependencies

Mingcha is Apache-2.0. What the lock installs, with the licence each package states of itself. Exceptions to the
permissive rule: `hypothesis`, `pathspec` and the axe-core that `axe-core-python` carries (MPL-2.0, file-level copyleft) are development tools and are not
installed on a box or in the hall. `pymssql` and `ksycopg2` (LGPL) are drivers of SQL Server and 人大金仓: extras that only
a box with such a database installs, as they come. The extra `messenger` (apprise, BSD-2-Clause) brings `certifi` (MPL-2.0) too. The extra `camera`: `certifi` (MPL-2.0) is a list of certificates that
`requests` wants; the wheels of `av` and `opencv-python-headless` bring FFmpeg's libraries (LGPL), and that of `av` x264 and x265
(GPL), which only encoding uses: the city installs them as they come from their makers, nothing of ours hands them on, and a
bundle that would has to be built without them. `dmPython` brings the closed libraries of 达梦; mdbtools (GPL) runs as a
program of its own. `paho-mqtt` is used under BSD-3-Clause. `typst` brings the typesetter with its libraries in one file. The digits' font of the wall is
Barlow Semi Condensed, SIL Open Font License 1.1 (`central/web/static/digits-OFL.md`). Mosquitto (EPL-2.0 or
BSD-3-Clause), MariaDB (GPL-2.0), PostgreSQL and Chromium run as programs of their own and are not part of it. An installation medium carries
packages of Debian 12 as they are, each with its copyright file in the tree's `python/copyright`: CPython (PSF) and the libraries
it loads; for halls Mosquitto with libwrap (BSD), libdlt (MPL-2.0), libnsl (LGPL-2.1+) and libtirpc (BSD).
`requirements-bench.lock` (dlt, Apache-2.0; psycopg, LGPL; pyarrow; PyMySQL) is what `make bench` and `make soak WHAT=hazard`
measure beside us, in a folder of its own; nothing of ours imports it. Likewise `requirements-api.lock` (schemathesis, anyio, graphql-core, harfile,
hypothesis-graphql, jsonschema-rs and pyrate-limiter, MIT; Werkzeug, BSD-3-Clause), with which tests ask the hall.

| package | licence |
|---|---|
"""


_STATED = {"pymssql": "LGPL-2.1", "ksycopg2": "LGPL with exceptions"}
"""Where the package states a whole text, or nothing else."""


def locked() -> list[str]:
    """Names in the lock."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    return sorted(set(re.findall(r"^([\w.-]+)==", text, re.M)), key=str.lower)


def render() -> str:
    """The page; a package for another system, which is not installed here, is left out."""
    rows = [f"| {name} | {licence} |" for name in locked() if (licence := _licence(name))]
    return HEAD + "\n".join(rows) + "\n"


def _licence(name: str) -> str:
    try:
        found = dict(metadata.metadata(name).json)
    except metadata.PackageNotFoundError:
        return ""
    if name in _STATED:
        return _STATED[name]
    stated = str(found.get("license_expression") or found.get("license") or "")
    if not stated or len(stated) > 60:
        classifiers = [item for item in found.get("classifier") or [] if item.startswith("License")]
        stated = "; ".join(item.split("::")[-1].strip() for item in classifiers)
    return stated or "see the package"


if __name__ == "__main__":
    PATH.write_text(render(), "utf-8")
