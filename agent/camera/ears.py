"""One camera's own events by ONVIF's PullPoint, in a thread beside the one that watches its pictures.

One subscription at a time, renewed, and given up when the program ends: some cameras carry two in all, and one that is
forgotten counts until it has lapsed. Nothing is kept between two tries but the clock and the rung of the ladder that worked.
"""

import random
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from msgspec import Struct

from agent.camera.base import Heard, LineError
from agent.camera.device import Device, text_of
from agent.core.camera_events import MUTE, Kind, notices
from common.clock import Clock
from common.core import backoff
from common.core.camera import View
from common.core.instant import SECOND

PULL_SECS = 3
"""So long the camera may wait for news before it answers."""
_LASTS = "PT60S"
_RENEW = 30 * SECOND
_LEAST_SECS = 1.0
"""Between two questions, whatever hurry the camera is in."""
_MOST_MESSAGES = 30
_WITNESS = 60 * SECOND
"""So long a tamper event is a witness."""
_CAP_SECS, _REFUSED_SECS = 600.0, 60.0


class _Subscription(Struct, frozen=True):
    """`headers`: what the camera wants to read in every question about it."""

    url: str
    headers: list[Any]


class OnvifEars:
    """See `base.Ears`."""

    def __init__(self, device: Device, clock: Clock) -> None:
        self._device = device
        self._clock = clock
        self.may_listen = False
        self.heard = Heard()
        self._tamper_mono: int | None = None
        self._held: _Subscription | None = None
        self._is_over = False
        self._worked = False

    def is_witness(self, mono: int) -> bool:
        """Whether the camera says that somebody tampers with it, a minute ago at most."""
        said = self._tamper_mono
        return said is not None and mono - said <= _WITNESS

    def run(self) -> None:
        """For ever, or until `leave`."""
        failures = 0
        while not self._is_over:
            if not self.may_listen:
                time.sleep(0.5)
                continue
            try:
                self.listen()
            except LineError as error:
                failures = 1 if self._worked else failures + 1
                self._note(trouble=error.detail)
                secs = backoff.delay(failures - 1, random.random(), cap=_CAP_SECS)  # noqa: S311
                # A clock that jumped is measured anew by the next try; only then is a refusal one.
                secs += _REFUSED_SECS * (error.view is View.AUTH and failures > 1)
                self._sleep(secs)

    def listen(self) -> None:
        """Subscribe and hear what is said, until it fails. Raises LineError."""
        self._worked = False
        self._device.measure()
        capabilities = self._device.asked(
            "devicemgmt", self._device.url, "GetCapabilities", {"Category": "Events"}
        )
        url = self._device.here(text_of(lambda: capabilities.Events.XAddr, MUTE))
        held = self._held = self._subscribed(url)
        try:
            self._pull(held)
        finally:
            self._give_up()

    def leave(self) -> None:
        """The program ends: the camera is told, if it answers at once."""
        self._is_over = True
        self._give_up()

    def _subscribed(self, url: str) -> _Subscription:
        answer = self._device.asked(
            "events", url, "CreatePullPointSubscription", {"InitialTerminationTime": _LASTS}
        )
        place = text_of(lambda: answer.SubscriptionReference.Address._value_1, "摄像机没有给出事件订阅的地址")  # noqa: SLF001
        parameters = getattr(answer.SubscriptionReference, "ReferenceParameters", None)
        headers = getattr(parameters, "_value_1", None) or []
        return _Subscription(self._device.here(place), list(headers)[:8])

    def _pull(self, held: _Subscription) -> None:
        renewed_mono = self._clock.mono()
        wanted = {"Timeout": timedelta(seconds=PULL_SECS), "MessageLimit": _MOST_MESSAGES}
        while not self._is_over:
            asked_mono = self._clock.mono()
            if asked_mono - renewed_mono > _RENEW:
                self._ask("subscription", held, "Renew", {"TerminationTime": _LASTS})
                renewed_mono = asked_mono
            self._hear(self._ask("pullpoint", held, "PullMessages", wanted))
            left_us = int(_LEAST_SECS * SECOND) - (self._clock.mono() - asked_mono)
            self._sleep(left_us / SECOND)

    def _ask(self, name: str, held: _Subscription, call: str, given: dict[str, Any]) -> Any:
        return self._device.asked(name, held.url, call, given | {"_soapheaders": held.headers})

    def _hear(self, answer: bytes) -> None:
        try:
            said = notices(answer)
        except ValueError:
            raise LineError(View.NO_VIDEO, "摄像机的事件读不懂，或订阅已失效") from None
        self._worked = True
        self._note()
        for item in said:
            at = self._clock.office()
            if item.kind is Kind.TAMPER:
                self._tamper_mono = self._clock.mono() if item.is_on else None
                self._note(tamper_at=at if item.is_on else 0)
            elif item.is_on:
                self._note(motion_at=at)

    def _note(self, *, tamper_at: int = 0, motion_at: int = 0, trouble: str = "") -> None:
        before = self.heard
        self.heard = Heard(tamper_at or before.tamper_at, motion_at or before.motion_at, trouble)

    def _give_up(self) -> None:
        """Ours alone. Whichever thread comes first; what cannot be told lapses within a minute."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(LineError):
                self._ask("subscription", held, "Unsubscribe", {})

    def _sleep(self, secs: float) -> None:
        due_mono = self._clock.mono() + int(secs * SECOND)
        while not self._is_over and (left_us := due_mono - self._clock.mono()) > 0:
            time.sleep(min(0.5, left_us / SECOND))
