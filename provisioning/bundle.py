"""What boxes and halls are installed from: one archive for each part and architecture, made of a medium without a network.

A bundle is a whole tree: Debian's CPython, the wheels, our own code as it is here, the programs in `bin/`, and
`SHA256SUMS` over all of it, which names the release. The same input gives the same bytes. A hall's has Mosquitto besides.
"""

import functools
import gzip
import hashlib
import importlib.util
import io
import lzma
import marshal
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

import provisioning
from common.core.errors import ConfigError
from provisioning.files import PUBLIC, write_file

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What `uname -m` says -> what Debian calls it."""
_MACHINES = {"x86_64": 62, "aarch64": 183}
"""EM_X86_64, EM_AARCH64 (ELF)."""
PYTHON = "python3.11"
_SITE = PurePosixPath("python/usr/lib/python3/dist-packages")
_LIBS = "python/lib"
_SUMS = "SHA256SUMS"
_HERE = '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")/../python\n'


class Part(StrEnum):
    """Who installs it. `medium`'s folders that it is made of, its code, and its programs follow from it."""

    BOX = "box"
    HALL = "hall"

    @property
    def folders(self) -> tuple[str, ...]:
        return ("",) if self is Part.BOX else ("", "hall")

    @property
    def code(self) -> tuple[str, ...]:
        common = ("agent", "common", "provisioning")
        return common if self is Part.BOX else (*common, "central")

    @property
    def programs(self) -> dict[str, str]:
        """Path in the tree -> its text."""
        name, module = ("mingcha-agent", "agent") if self is Part.BOX else ("mingcha", "central.handed")
        found = {
            "bin/python": f'{_HERE}LD_LIBRARY_PATH=$here/lib exec "$here/usr/bin/{PYTHON}" -I -B "$@"\n',
            f"bin/{name}": f'#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -m {module} "$@"\n',
        }
        if self is Part.HALL:
            found["bin/mingcha-door"] = found["bin/mingcha"].replace("-m central.handed", "-m central.door")
            found["bin/mosquitto"] = (
                f'{_HERE}LD_LIBRARY_PATH=$here/lib exec "$here/usr/sbin/mosquitto" "$@"\n'
            )
        return found


CAMERA = "camera"
"""The medium's folder of what only boxes with cameras need; need not be there."""
_UNUSED = re.compile(
    r"/(__pycache__|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|pydoc_data|config-3\.\d+-[^/]*|demo)/"
    r"|/share/|\.pyc$|/usr/bin/(?!python3\.11$)|/usr/sbin/(?!mosquitto$)|\.dist-info/(RECORD|INSTALLER|direct_url\.json)$"
)
"""What nobody runs."""


class Bundle(Struct, frozen=True):
    """`release` names the tree; `sha256` is of the archive `file`, which has so many `size` bytes.

    `sums`: SHA-256 of the tree's `SHA256SUMS`, and with it of every file in it.
    """

    arch: str
    release: str
    file: str
    sha256: str
    size: int
    sums: str


def build(medium: Path, folder: Path, arch: str, part: Part = Part.BOX) -> Bundle:
    """The bundle of `arch` in `folder`, built anew where medium or code have changed. Raises ConfigError."""
    made_of, note = _fingerprint(medium, arch, part), folder / f".{part.value}-{arch}.json"
    if note.exists():
        before, found = msgspec.json.decode(note.read_bytes(), type=tuple[str, Bundle])
        if before == made_of and (folder / found.file).exists():
            return found
    tree = _tree(medium, arch, part)
    sums = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, (data, _) in sorted(tree.items())
    ).encode()
    named = hashlib.sha256(sums).hexdigest()
    release = f"{metadata.version('mingcha')}-{named[:8]}"
    archive = _archive({**tree, _SUMS: (sums, 0o644)})
    name = f"mingcha-{'hall-' * (part is Part.HALL)}{release}-{arch}.tar.gz"
    write_file(folder / name, archive, PUBLIC)
    made = Bundle(arch, release, name, hashlib.sha256(archive).hexdigest(), len(archive), named)
    write_file(note, msgspec.json.encode((made_of, made)), PUBLIC)
    return made


def _fingerprint(medium: Path, arch: str, part: Part) -> str:
    """Changes with any file of which the bundle is made."""
    found = hashlib.sha256(sys.version.encode())
    for path in [*_debs(medium, arch, part), *_wheels(medium, arch, part)]:
        found.update(f"{path.name}\0{path.stat().st_size}\0".encode())
    for name, data in _own_code(part):
        found.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return found.hexdigest()


def _debs(medium: Path, arch: str, part: Part) -> list[Path]:
    debian = ARCHITECTURES[arch]
    return [
        path
        for folder in part.folders
        for path in sorted((medium / folder / "debs").glob(f"*_{debian}.deb"))
        or _missing(medium, arch, "debs")
    ]


def _wheels(medium: Path, arch: str, part: Part) -> list[Path]:
    """With those of the camera part, where the medium has it: boxes alone look at pictures."""
    found = [
        path
        for folder in part.folders
        for path in sorted((medium / folder / "wheels").glob("*.whl")) or _missing(medium, arch, "wheels")
    ]
    found += sorted((medium / CAMERA / "wheels").glob("*.whl")) if part is Part.BOX else []
    return [path for path in found if path.stem.endswith(("-any", arch))]


def _missing(medium: Path, arch: str, part: str) -> list[Path]:
    raise ConfigError(
        f"安装介质 {medium} 里没有 {arch} 的 {part}",
        hint="请在能上网的机器上制作：python -m provisioning medium 目录 --key 发行私钥",
    )


# the tree: name -> (content, mode) -------------------------------------------------------------------------------

_Tree = dict[str, tuple[bytes, int]]


def _tree(medium: Path, arch: str, part: Part) -> _Tree:
    tree: _Tree = {name: (text.encode(), 0o755) for name, text in part.programs.items()}
    for path in [*_debs(medium, arch, part), *_wheels(medium, arch, part)]:
        for name, (data, mode) in _of_deb(path) if path.suffix == ".deb" else _of_wheel(path):
            tree[name] = _checked(name, data, arch, path), mode
    tree.update({str(_SITE / name): (data, 0o644) for name, data in _own_code(part)})
    tree = {name: found for name, found in tree.items() if not _UNUSED.search(f"/{name}")}
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON.removeprefix("python"):
        tree.update(_compiled(tree))
    return tree


def _of_deb(path: Path) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Programs, standard library, shared libraries and licence of a Debian package; links become what they point to."""
    with tarfile.open(fileobj=io.BytesIO(_data_member(path.read_bytes()))) as tar:
        for member in tar:
            if not (member.isfile() or member.issym()):
                continue
            name = member.name.removeprefix("./")
            if re.match(r"(usr/)?lib/[^/]+-linux-gnu/[^/]+\.so[^/]*$", name):
                if (data := _content(tar, member)) is not None:
                    yield f"{_LIBS}/{PurePosixPath(name).name}", (data, 0o755)
            elif member.isfile() and (found := re.fullmatch(r"usr/share/doc/([^/]+)/copyright", name)):
                yield f"python/copyright/{found[1]}", (_read(tar, member), 0o644)
            elif member.isfile() and re.match(r"usr/(s?bin|lib/python)", name):
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


def _checked(name: str, data: bytes, arch: str, path: Path) -> bytes:
    """Raises ConfigError where a program or library is another machine's (ELF, e_machine at byte 18)."""
    if data.startswith(b"\x7fELF") and int.from_bytes(data[18:20], "little") != _MACHINES[arch]:
        raise ConfigError(
            f"安装介质里的 {path.name} 不是 {arch} 的：{name}", hint="请删去它，重新制作安装介质"
        )
    return data


def _own_code(part: Part) -> Iterator[tuple[str, bytes]]:
    root = Path(provisioning.__file__).parents[1]
    for package in part.code:
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
    for name, (data, _) in tree.items():
        path = PurePosixPath(name)
        code = _byte_code(name, data) if path.suffix == ".py" else None
        if code is not None:
            cached = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            found[str(cached)] = (code, 0o644)
    return found


@functools.cache
def _byte_code(name: str, data: bytes) -> bytes | None:
    """As `py_compile` writes it. None for a template or another version's syntax: Python would compile it when asked.

    Kept for the other part, which has most of it too.
    """
    try:
        code = compile(data, name, "exec", dont_inherit=True, optimize=-1)
    except (SyntaxError, ValueError):
        return None
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(data)
    return head + marshal.dumps(code)


def _archive(tree: _Tree) -> bytes:
    raw = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=4, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, (data, mode) in sorted(tree.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()
