"""An RTSP camera, run by the system's Python, which alone has GStreamer's bindings: `rtsp_server.py CLIP [USER PASSWORD [PORT [FPS [SOUND]]]]`.

Plays the access units of an H.264 file (cut at its delimiters) with sound: `g711`, which is usual, or `aac`. Prints its port, then obeys lines on
its standard input: `clip PATH`, `stall 0|1`, `limit N` (connections), `silent` (audio only), `when` (the newest stream began, seconds of wall time, before its `ok`).
"""

import sys
import threading
import time
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
FPS = int(sys.argv[5]) if len(sys.argv) > 5 else 10
VIDEO = (
    "appsrc name=v is-live=true format=time do-timestamp=false caps=video/x-h264,stream-format=byte-stream,"
    f"alignment=au,framerate={FPS}/1 ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 "
)
TONE = "audiotestsrc is-live=true wave=sine freq=440 ! audio/x-raw,rate={},channels=1 ! "
AUDIO = {
    "g711": TONE.format(8000) + "alawenc ! rtppcmapay name=pay{} pt=8 ",
    "aac": TONE.format(16000) + "audioconvert ! voaacenc ! aacparse ! rtpmp4gpay name=pay{} pt=97 ",
}[sys.argv[6] if len(sys.argv) > 6 else "g711"]


def units(path: str) -> list[bytes]:
    mark = b"\0\0\0\1\x09"
    return [mark + part for part in Path(path).read_bytes().split(mark)[1:]]


class Factory(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc]
    def __init__(self, path: str) -> None:
        super().__init__()
        self.clip, self.stall, self.began = units(path), False, 0.0
        self.set_shared(False)  # it refuses a second connection to one pipeline
        self.set_latency(0)
        self.say("both")
        self.connect("media-configure", self.on_configure)

    def say(self, what: str) -> None:
        video = VIDEO + AUDIO.format(1) if what == "both" else AUDIO.format(0)
        self.set_launch(f"( {video} )")

    def on_configure(self, _: object, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_by_name("v")
        if source is None:
            return
        alive = [True]
        media.connect("unprepared", lambda _: alive.clear())
        threading.Thread(target=self.feed, args=(source, alive), daemon=True).start()

    def feed(self, source: Gst.Element, alive: list[bool]) -> None:
        number, place, clip, began = 0, 0, self.clip, time.monotonic()
        self.began = time.time()
        while alive:
            if clip is not self.clip and place % FPS == 0:
                clip, place = self.clip, 0
            if self.stall:
                time.sleep(0.05)
                began += 0.05
                continue
            unit = Gst.Buffer.new_wrapped(clip[place % len(clip)])
            unit.pts = unit.dts = number * Gst.SECOND // FPS
            unit.duration = Gst.SECOND // FPS
            if source.emit("push-buffer", unit) is not Gst.FlowReturn.OK:
                return
            number, place = number + 1, place + 1
            time.sleep(max(0.0, began + number / FPS - time.monotonic()))


def main() -> None:
    server, factory = GstRtspServer.RTSPServer(), Factory(sys.argv[1])
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[4] if len(sys.argv) > 4 else "0")
    if len(sys.argv) > 3:
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_digest(sys.argv[2], sys.argv[3], token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/main", factory)
    server.attach(None)
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    print(server.get_bound_port(), flush=True)

    def obey(*_: object) -> bool:
        words = sys.stdin.readline().split()
        if not words:
            loop.quit()
            return False
        if words[0] == "clip":
            factory.clip = units(words[1])
        elif words[0] == "stall":
            factory.stall = words[1] == "1"
        elif words[0] == "limit":
            server.get_session_pool().set_max_sessions(int(words[1]))
        elif words[0] == "when":
            print(factory.began, flush=True)
        elif words[0] == "silent":
            factory.say("audio")
        print("ok", flush=True)
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, obey)
    loop = GLib.MainLoop()
    loop.run()


main()
