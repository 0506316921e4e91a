"""A camera's own events: one subscription, heard by any authentication and clock, and nothing that an answer can do."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.camera.base import LineError
from agent.camera.device import Device as Asked
from agent.camera.ears import OnvifEars
from agent.core.camera_events import BOUNDS, Kind, Notice, notices
from common.clock import Clock
from common.core.camera import View
from tests.camera import onvif_device
from tests.camera.onvif_device import PASSWORD, USER, Device

_OPEN = '<e:Envelope xmlns:e="x" xmlns:n="http://docs.oasis-open.org/wsn/b-2" xmlns:t="y"><n:PullMessagesResponse>'
_CLOSE = "</n:PullMessagesResponse></e:Envelope>"


def answer(topic: str, item: str = "", operation: str = "Changed") -> str:
    return (
        f"<n:NotificationMessage><n:Topic>{topic}</n:Topic><n:Message><t:Message PropertyOperation='{operation}'>"
        "<t:Source><t:SimpleItem Name='Rule' Value='0'/></t:Source><t:Data>"
        f"{item}</t:Data></t:Message></n:Message></n:NotificationMessage>"
    )


def test_what_events_say() -> None:
    on, off = "<t:SimpleItem Name='State' Value='true'/>", "<t:SimpleItem Name='IsMotion' Value='0'/>"
    said = [
        answer("tns1:VideoSource/GlobalSceneChange/ImagingService", on),
        answer("tns1:RuleEngine/CellMotionDetector/Motion", off),
        answer("tns1:Device/Trigger/DigitalInput", on),
        answer("tns1:RuleEngine/TamperDetector/Tamper"),
        answer("tns1:VideoSource/MotionAlarm", on, "Deleted"),
    ]
    assert notices((_OPEN + "".join(said) + _CLOSE).encode()) == [
        Notice(Kind.TAMPER, is_on=True),
        Notice(Kind.MOTION, is_on=False),
        Notice(Kind.TAMPER, is_on=True),
        Notice(Kind.MOTION, is_on=False),
    ]
    assert notices((_OPEN + _CLOSE).encode()) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\1\2<<<",
        b"<html>login</html>",
        (_OPEN + "<x>").encode(),
        (_OPEN + "<x/>" * BOUNDS.elements + _CLOSE).encode(),
        (_OPEN + "<x>" * 40 + "</x>" * 40 + _CLOSE).encode(),
        (_OPEN + "y" * BOUNDS.size + _CLOSE).encode(),
        b'<!DOCTYPE e [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + (_OPEN + "&b;" + _CLOSE).encode(),
        b'<!DOCTYPE e SYSTEM "file:///etc/passwd">' + (_OPEN + _CLOSE).encode(),
        b'<?xml version="1.0" encoding="no-such"?>' + (_OPEN + _CLOSE).encode(),
    ],
    ids=["none", "noise", "html", "cut", "many", "deep", "large", "bomb", "outside", "encoding"],
)
def test_what_is_no_answer(raw: bytes) -> None:
    with pytest.raises(ValueError):
        notices(raw)


def ears(port: int, password: str = PASSWORD) -> OnvifEars:
    clock = Clock()
    return OnvifEars(Asked(f"127.0.0.1:{port}", USER, password, clock), clock)


@contextmanager
def listening(device: Device) -> Iterator[OnvifEars]:
    with onvif_device.running(device) as port:
        made = ears(port)
        made.may_listen = True
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.leave()
            thread.join(15)
            assert not thread.is_alive()


def until(what: Callable[[], object], secs: float = 20.0) -> None:
    due = time.monotonic() + secs
    while not what():
        assert time.monotonic() < due
        time.sleep(0.05)


@pytest.mark.parametrize("mode", ["plain", "digest", "no anonymous time"])
def test_a_tamper_alarm_is_heard_once_subscribed_and_the_subscription_is_given_up(
    mode: onvif_device.Mode,
) -> None:
    device = Device()
    device.mode, device.skew = mode, -86_400.0
    with listening(device) as made:
        until(lambda: device.subscriptions.alive)
        assert not made.is_witness(Clock().mono())
        device.order("ev=motion&v=true")
        until(lambda: made.heard.motion_at)
        assert not made.is_witness(Clock().mono()), "motion is no witness of a fault"
        device.order("ev=tamper&v=true")
        until(lambda: made.is_witness(Clock().mono()))
        assert made.heard.tamper_at > 0
        assert not made.is_witness(Clock().mono() + 61_000_000), "a latched alarm does not last for ever"
        device.order("ev=other&v=true")
        device.order("ev=tamper&v=false")
        until(lambda: not made.is_witness(Clock().mono()))
    assert (device.subscriptions.made, device.subscriptions.alive) == (1, 0)


def test_a_camera_that_begins_anew_in_1970_is_heard_again_by_one_subscription() -> None:
    device = Device()
    with listening(device) as made:
        until(lambda: device.subscriptions.alive)
        device.order("reboot=1970")
        until(lambda: device.subscriptions.alive)
        device.order("ev=tamper")
        until(lambda: made.is_witness(Clock().mono()))
        assert device.subscriptions.most == 1


def test_a_refused_subscription_is_said_and_a_free_place_is_taken() -> None:
    device = Device()
    others = [device.subscriptions.begin() for _ in range(2)]
    with listening(device) as made:
        until(lambda: made.heard.trouble)
        assert made.heard.trouble == "摄像机拒绝了 ONVIF 请求"
        device.subscriptions.end(others[0])
        until(lambda: device.subscriptions.made == 3)
        until(lambda: not made.heard.trouble)
    assert device.subscriptions.alive == 1, "only our own is given up"


def test_a_subscription_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.camera.ears._RENEW", 0)
    with listening(device := Device()):
        until(lambda: device.asked.count("Renew") > 1)
    assert device.subscriptions.made == 1


def test_what_an_event_service_can_answer() -> None:
    """Each ends in its time, says what it is, and leaves no socket behind."""
    with onvif_device.running(device := Device()) as port:
        made = ears(port)
        before = len(list(Path("/proc/self/fd").iterdir()))
        expected: dict[onvif_device.Fault, View] = {
            "endless": View.UNREACHABLE,
            "huge": View.UNREACHABLE,
            "garbage": View.UNREACHABLE,
            "html": View.UNREACHABLE,
            "busy": View.LIMIT,
        }
        for device.event_fault, view in list(expected.items()) * 3:
            began = time.monotonic()
            with pytest.raises(LineError) as caught:
                made.listen()
            assert caught.value.view is view, device.event_fault
            assert time.monotonic() - began < 11
        with pytest.raises(LineError) as caught:
            ears(port, "wrong").listen()
        assert caught.value.view is View.AUTH
        assert PASSWORD not in str(caught.value)
        until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 1)
