"""Cameras found by WS-Discovery: over a real pair of interfaces, and whatever a stranger may answer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent import config
from agent.camera import discovery as asked
from agent.core import discovery
from agent.core.discovery import Found, drafted, host_of
from common.core.errors import ConfigError, UsageError
from tests.camera.onvif_device import PASSWORD, USER
from tests.camera.responder import ONVIF_PORT, match

NUMBER = "12345678-1234-1234-1234-123456789abc"
HOST = "192.168.1.64"
USUAL = f"http://{HOST}/onvif/device_service"


def heard(answer: str | bytes, sender: str = HOST) -> Found | None:
    raw = answer.encode() if isinstance(answer, str) else answer
    return discovery.found(raw, sender, NUMBER)


def said(address: str = USUAL, scopes: str = "", types: str = "dn:NetworkVideoTransmitter") -> str:
    return match(f"urn:uuid:{NUMBER}", address, scopes, types)


def test_the_question_is_read_by_its_own_reader() -> None:
    assert NUMBER.encode() in discovery.question(NUMBER)
    assert heard(discovery.question(NUMBER)) is None, "a question is no answer"


def test_what_a_camera_says_of_itself() -> None:
    scopes = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/HIKVISION%20DS-2CD onvif://www.onvif.org/hardware/DS-2CD onvif://www.onvif.org/location/"
    assert heard(said(scopes=scopes)) == Found(HOST, 80, "HIKVISION DS-2CD")
    other = heard(said("http://10.0.0.5:8000/onvif/device_service", "onvif://www.onvif.org/hardware/T1"))
    assert other == Found(HOST, 8000, "T1", "它自称 10.0.0.5，以实际应答的地址为准")
    assert other.address == f"{HOST}:8000"
    two = heard(said(f"http://[fe80::1]/onvif/device_service {USUAL}"))
    assert two == Found(HOST, 80, "")
    for odd, word in ((f"https://{HOST}/x", "https"), ("", "没有说出"), (f"http://{HOST}/cam", "服务路径")):
        found = heard(said(odd))
        assert found is not None
        assert word in found.note


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\0\1<<<",
        "<html/>",
        said()[:-20],
        said(types="d:Printer"),
        match("urn:uuid:another", USUAL),
        said(scopes="x" * discovery.MOST_BYTES),
        said().replace("<d:XAddrs>", "<x/>" * 400 + "<d:XAddrs>"),
        said().replace("<d:XAddrs>", "<x>" * 40 + "</x>" * 40 + "<d:XAddrs>"),
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]>' + said("&b;").split("?>", 1)[1],
        '<!DOCTYPE x SYSTEM "http://198.51.100.1/x.dtd">' + said().split("?>", 1)[1],
        said().replace("UTF-8", "utf-7"),
        said().replace("schemas.xmlsoap.org/ws/2005/04/discovery", "example.org"),
    ],
    ids=[
        "none",
        "noise",
        "html",
        "cut",
        "printer",
        "other",
        "large",
        "many",
        "deep",
        "bomb",
        "outside",
        "encoding",
        "namespace",
    ],
)
def test_what_is_no_answer_of_a_camera(answer: str) -> None:
    assert heard(answer) is None


def test_a_name_can_obey_no_terminal_and_break_out_of_no_line() -> None:
    scopes = "onvif://www.onvif.org/name/%1b%5b31m%0a%5b%5bcamera%5d%5d%e2%80%ae"
    found = heard(said(scopes=scopes + "a" * 500))
    assert found is not None
    assert found.name.isprintable()
    assert len(found.name) <= 60
    ((_, block),) = drafted([found], [])
    assert block.count("\n[[camera]]") == 0
    assert len(block.splitlines()) == 7
    garbled = heard(said("http://[::1:x/ http://a:99999/ http://\u202e/"))
    assert garbled is not None
    assert garbled.note.isprintable()


def test_a_draft_is_refused_until_it_is_filled_in(tmp_path: Path) -> None:
    cameras = [Found("10.0.0.1", 80, ""), Found("10.0.0.2", 8000, "T1")]
    blocks = drafted(cameras, ["c1", "c7", "east", "c" + "9" * 4000])
    assert [name for name, _ in blocks] == ["c8", "c9"]
    path = tmp_path / "agent.toml"
    head = 'site = "s01"\ngeneration = 1\n[mqtt]\nhost = "127.0.0.1"\n'
    path.write_text(head + "".join(block for _, block in blocks), "utf-8")
    with pytest.raises(ConfigError, match="user：缺少"):
        config.load(path)
    path.write_text(path.read_text("utf-8").replace('user = ""', 'user = "monitor"'), "utf-8")
    loaded = config.load(path).camera
    assert [(item.id, item.address, item.password_file) for item in loaded] == [
        ("c8", "10.0.0.1", "camera-c8"),
        ("c9", "10.0.0.2:8000", "camera-c9"),
    ]


def test_hosts_and_networks() -> None:
    hosts = [host_of(text) for text in ("10.0.0.1:80", "CAM", "rtsp://10.0.0.2:554/x", "[::1]:8", "[bad")]
    assert hosts == ["10.0.0.1", "cam", "10.0.0.2", "::1", ""]
    assert asked.network("10.0.0.9/22").num_addresses == 1024
    for text in ("10.0.0.0/21", "camera", "10.0.0.0/33"):
        with pytest.raises(UsageError):
            asked.network(text)


def test_whoever_floods_is_heard_no_more() -> None:
    heard = asked._Heard(NUMBER)
    for port in range(100):
        heard.take(said(f"http://{HOST}:{1000 + port}/onvif/device_service").encode(), (HOST, 3702))
    heard.take(said().encode(), ("10.0.0.7", 3702))
    assert len(heard.cameras) == 9
    assert heard.unread == 92
    assert ("10.0.0.7", 80) in heard.cameras


# over a real pair of interfaces -------------------------------------------------------------------------------


@contextmanager
def two_networks() -> Iterator[tuple[str, str]]:
    """-> two namespaces, 10.98.0.1 and 10.98.0.2, joined by a cable."""
    here, there = f"mca{os.getpid()}", f"mcb{os.getpid()}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    for name in (here, there):
        ip("netns", "add", name)
    try:
        ip("link", "add", "e0", "netns", here, "type", "veth", "peer", "name", "e0", "netns", there)
        for name, address in ((here, "10.98.0.1/24"), (there, "10.98.0.2/24")):
            ip("-n", name, "addr", "add", address, "dev", "e0")
            ip("-n", name, "link", "set", "e0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield here, there
    finally:
        for name in (here, there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def inside(name: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", name, sys.executable, *command]


_WHERE = (
    "import sys; from agent.camera.onvif import OnvifCamera; from common.clock import Clock; "
    "print(OnvifCamera(sys.argv[1], sys.argv[2], sys.stdin.read(), Clock()).address())"
)


@pytest.mark.service
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="namespaces are root's")
def test_from_an_unknown_camera_to_the_address_of_its_stream(tmp_path: Path) -> None:
    """E: multicast over a cable; the drafted lines lead to the stream, on the host that answered."""
    path = tmp_path / "agent.toml"
    head = 'site = "s01"\ngeneration = 1\n[mqtt]\nhost = "127.0.0.1"\n'
    path.write_text(head, "utf-8")

    def probe(*more: str) -> tuple[int, str]:
        line = inside(here, "-m", "agent", "camera", "probe", "--config", str(path), *more)
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    with two_networks() as (here, there):
        code, out = probe()
        assert (code, "0 台应答" in out) == (1, True)
        line = inside(there, "-m", "tests.camera.responder", "10.98.0.2")
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as camera:
            assert camera.stdout is not None
            assert camera.stdout.readline() == "ready\n"
            code, out = probe()
            assert code == 0
            assert f"+ 10.98.0.2:{ONVIF_PORT}  Test T1  没有配置" in out
            assert "它自称 192.0.2.7" in out
            assert "没有理会" in out, "the garbage from the same place"
            block = out[out.index("[[camera]]") : out.index("再保存口令")]
            path.write_text(head + block.replace('user = ""', f'user = "{USER}"'), "utf-8")
            (item,) = config.load(path).camera
            where = subprocess.run(
                inside(here, "-c", _WHERE, item.address, item.user),
                input=PASSWORD, capture_output=True, text=True, check=True, timeout=60,
            )  # fmt: skip
            assert where.stdout == "rtsp://10.98.0.2:554/main\n"
            code, out = probe("--net", "10.98.0.0/28")
            assert f"✓ 10.98.0.2:{ONVIF_PORT}  Test T1  c1" in out
            assert "[[camera]]" not in out
            camera.kill()
