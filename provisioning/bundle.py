"""What a box is installed from: one archive for each architecture, made by the hall from its medium, no network needed.

A bundle is a whole tree: Debian's CPython, the wheels, our own code as the hall runs it, the programs in `bin/`, and
`SHA256SUMS` over all of it, which names the release. The same input gives the same bytes.
"""

import gzip
import hashlib
import io
import lzma
import py_compile
import re
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

import provisioning
from common.core.errors import ConfigError
from provisioning.files import PUBLIC, write_file

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What `uname -m` says -> what Debian calls it."""
PYTHON = "python3.11"
_CODE = ("agent", "common", "provisioning")
_SITE = PurePosixPath("python/usr/lib/python3/dist-packages")
_LIBS = "python/lib"
_SUMS = "SHA256SUMS"
_BIN = {
    "bin/python": (
        '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")/../python\n'
        f'LD_LIBRARY_PATH=$here/lib exec "$here/usr/bin/{PYTHON}" -I -B "$@"\n'
    ),
    "bin/mingcha-agent": '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -m agent "$@"\n',
}
_UNUSED = re.compile(
    r"/(__pycache__|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|pydoc_data|config-3\.\d+-[^/]*|demo)/"
    r"|/share/|\.pyc$|/usr/bin/(?!python3\.11$)|\.dist-info/(RECORD|INSTALLER|direct_url\.json)$"
)
"""What no box runs."""


class Bundle(Struct, frozen=True):
    """`release` names the tree on the box; `sha256` is of the archive `file`, which has so many `size` bytes."""

    arch: str
    release: str
    file: str
    sha256: str
    size: int
    made_of: str
    """Hash of the input: nothing is built twice."""


def keep(medium: Path, folder: Path, arch: str) -> Bundle:
    """The bundle of `arch` in `folder`, built anew where medium or code have changed. Raises ConfigError."""
    made_of = _fingerprint(medium, arch)
    found = load(folder, arch)
    if found is not None and found.made_of == made_of and (folder / found.file).exists():
        return found
    tree = _tree(medium, arch)
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, (data, _) in sorted(tree.items())
    )
    release = f"{metadata.version('mingcha')}-{hashlib.sha256(sums.encode()).hexdigest()[:8]}"
    archive = _archive({**tree, _SUMS: (sums.encode(), 0o644)})
    name = f"mingcha-{release}-{arch}.tar.gz"
    write_file(folder / name, archive, PUBLIC)
    made = Bundle(arch, release, name, hashlib.sha256(archive).hexdigest(), len(archive), made_of)
    write_file(folder / f"{arch}.json", msgspec.json.encode(made), PUBLIC)
    for old in folder.glob(f"mingcha-*-{arch}.tar.gz"):
        if old.name != name:
            old.unlink()
    return made


def load(folder: Path, arch: str) -> Bundle | None:
    """None where none was made."""
    path = folder / f"{arch}.json"
    return msgspec.json.decode(path.read_bytes(), type=Bundle) if path.exists() else None


def _fingerprint(medium: Path, arch: str) -> str:
    """Changes with any file of which the bundle is made."""
    found = hashlib.sha256(sys.version.encode())
    for path in [*_debs(medium, arch), *_wheels(medium, arch)]:
        found.update(f"{path.name}\0{path.stat().st_size}\0".encode())
    for name, data in _own_code():
        found.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return found.hexdigest()


def _debs(medium: Path, arch: str) -> list[Path]:
    found = sorted((medium / "debs").glob(f"*_{ARCHITECTURES[arch]}.deb"))
    return found or _missing(medium, arch, "debs")


def _wheels(medium: Path, arch: str) -> list[Path]:
    every = sorted((medium / "wheels").glob("*.whl"))
    return [path for path in every if path.stem.endswith(("-any", arch))] or _missing(medium, arch, "wheels")


def _missing(medium: Path, arch: str, part: str) -> list[Path]:
    raise ConfigError(
        f"安装介质 {medium} 里没有 {arch} 的 {part}",
        hint="请放入完整的安装介质，或在能上网的机器上制作：python -m provisioning medium 目录",
    )


# the tree: name -> (content, mode) -------------------------------------------------------------------------------

_Tree = dict[str, tuple[bytes, int]]


def _tree(medium: Path, arch: str) -> _Tree:
    tree: _Tree = {name: (text.encode(), 0o755) for name, text in _BIN.items()}
    for deb in _debs(medium, arch):
        tree.update(_of_deb(deb))
    for wheel in _wheels(medium, arch):
        tree.update(_of_wheel(wheel))
    tree.update({str(_SITE / name): (data, 0o644) for name, data in _own_code()})
    tree = {name: found for name, found in tree.items() if not _UNUSED.search(f"/{name}")}
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON.removeprefix("python"):
        tree.update(_compiled(tree))
    return tree


def _of_deb(path: Path) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Interpreter, standard library and shared libraries of a Debian package; links become what they point to."""
    with tarfile.open(fileobj=io.BytesIO(_data_member(path.read_bytes()))) as tar:
        for member in tar:
            if not (member.isfile() or member.issym()):
                continue
            name = member.name.removeprefix("./")
            if re.match(r"(usr/)?lib/[^/]+-linux-gnu/[^/]+\.so[^/]*$", name):
                if (data := _content(tar, member)) is not None:
                    yield f"{_LIBS}/{PurePosixPath(name).name}", (data, 0o755)
            elif member.isfile() and re.match(r"usr/(bin|lib/python)", name):
                yield f"python/{name}", (_read(tar, member), 0o755 if member.mode & 0o100 else 0o644)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    """None for a link that leaves the package."""
    try:
        return _read(tar, member)
    except KeyError:
        return None


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def _data_member(raw: bytes) -> bytes:
    """The files of a .deb, an `ar` archive (deb(5)), as a plain tar. Raises ConfigError for anything else."""
    at = 8
    while raw.startswith(b"!<arch>\n") and at + 60 <= len(raw):
        name, size = raw[at : at + 16].decode().strip().rstrip("/"), int(raw[at + 48 : at + 58])
        content = raw[at + 60 : at + 60 + size]
        if name == "data.tar.xz":
            return lzma.decompress(content)
        at += 60 + size + size % 2
    raise ConfigError("安装介质里有一个软件包不是 Debian 12 的格式", hint="请重新制作安装介质")


def _of_wheel(path: Path) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Where pip would put them (binary distribution format, PyPA); scripts are not needed."""
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            parts = PurePosixPath(info.filename).parts
            if info.is_dir():
                continue
            if parts[0].endswith(".data"):
                if parts[1] not in {"purelib", "platlib"}:
                    continue
                parts = parts[2:]
            yield str(_SITE.joinpath(*parts)), (wheel.read(info), 0o644)


def _own_code() -> Iterator[tuple[str, bytes]]:
    root = Path(provisioning.__file__).parents[1]
    for package in _CODE:
        for path in sorted((root / package).rglob("*")):
            name = path.relative_to(root).as_posix()
            if (
                path.is_file()
                and "__pycache__" not in path.parts
                and not name.startswith("provisioning/demo/")
            ):
                yield name, path.read_bytes()
    about = metadata.distribution("mingcha")
    text = about.read_text("METADATA") or ""
    yield f"mingcha-{about.version}.dist-info/METADATA", text.encode()


def _compiled(tree: _Tree) -> _Tree:
    """Byte code beside each module, never checked against its source: nobody writes into a release."""
    found: _Tree = {}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "module.py", Path(folder) / "module.pyc"
        for name, (data, _) in tree.items():
            path = PurePosixPath(name)
            if path.suffix != ".py":
                continue
            source.write_bytes(data)
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            try:
                py_compile.compile(str(source), str(target), dfile=name, doraise=True, invalidation_mode=mode)
            except py_compile.PyCompileError:
                continue  # a template or another version's syntax: Python would compile it when asked
            cached = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            found[str(cached)] = (target.read_bytes(), 0o644)
    return found


def _archive(tree: _Tree) -> bytes:
    raw = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, (data, mode) in sorted(tree.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()
