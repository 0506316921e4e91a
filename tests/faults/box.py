"""Faults of a box's own files: settings, mapping, keys, buffer."""

import os

from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, away, elsewhere, holding, reading


def file_fault(name: str, check: str, file: str, content: bytes | None, *, sampled: bool = False) -> None:
    """A file of the box that is gone (None) or says something else."""

    @fault(name, check, sampled=sampled)
    async def strike(stage: Stage) -> Struck:
        path = stage.folder / file
        with away(path) if content is None else holding(path, content):
            yield


file_fault("配置文件不见", "E-SYS-09", "agent.toml", None)
file_fault("配置写坏", "E-SYS-09", "agent.toml", b"site = ", sampled=True)
file_fault("映射不见", "E-SYS-09", "mapping.toml", None)
file_fault("映射写坏", "E-SYS-09", "mapping.toml", b"version = 1\n[source]\ntype = 'sqlit'\n")
file_fault("签名私钥不见", "E-ID-01", "sign.key", None)
file_fault("签名私钥残缺", "E-ID-01", "sign.key", b"short")
file_fault("摘要密钥不见", "E-ID-01", "digest.key", None)
file_fault("市中心公钥不见", "E-ID-01", "hall-sign.pub", None)
file_fault("证书文件写坏", "E-ID-01", "node.pem", b"-----BEGIN CERTIFICATE-----\n", sampled=True)
file_fault("CA 证书是空的", "E-ID-01", "ca.pem", b"")
file_fault("主密钥不见", "E-ID-07", "master.key", None)
file_fault("主密钥残缺", "E-ID-07", "master.key", b"short")
file_fault("主密钥是别的", "E-BUF-03", "master.key", bytes(range(32)), sampled=True)


@fault("配置里有不认识的键", "E-SYS-09")
async def unknown_key(stage: Stage) -> Struck:
    with reading(stage.place.agent.config, "[capture]\n", "[capture]\npol_secs = 1\n"):
        yield


@fault("没有线路时装好的机器，令牌过期了", "E-ID-01", sampled=True)
async def never_enrolled(stage: Stage) -> Struck:
    node = stage.folder / "node.pem"
    with reading(stage.place.agent.config, "generation = 1", "generation = 0"), away(node):
        node.with_name("refused").write_text("令牌失效了\n请市中心执行  mingcha site reissue s01\n", "utf-8")
        yield
        node.with_name("refused").unlink()


def not_renewed(name: str, check: str, code: str) -> None:
    """The hall has refused the box's last renewal, and root noted it."""

    @fault(name, check)
    async def strike(stage: Stage) -> Struck:
        note = stage.folder / "not-renewed"
        note.write_text(f"{code}\n市中心没有登记本机\n请市中心执行  mingcha site reissue s01\n", "utf-8")
        yield
        note.unlink()


not_renewed("同一身份在另一台机器上续了期", "E-ID-06", "cloned")
not_renewed("续期没有成功", "E-ID-04", "unknown_cert")


@fault("私钥谁都能读", "E-ID-01", sampled=True)
async def open_to_all(stage: Stage) -> Struck:
    path = stage.folder / "node.pem"
    mode = path.stat().st_mode & 0o777
    path.chmod(0o644)
    yield
    path.chmod(mode)


@fault("缓存文件写坏", "E-BUF-01")
async def buffer_scribbled(stage: Stage) -> Struck:
    with elsewhere(stage, stage.folder / "copied"), (stage.folder / "copied/buffer.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(3 * 4096))
        file.flush()
        yield
