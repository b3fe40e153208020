"""An RTSP server for tests: serves a clip over and over, with the package rtsp (see pyproject.toml, dev).

    rtsp-server.py PORT CLIP [--refuse-tcp]

Says `ready` on stdout once it serves, and of each client the transport that it took.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import Any

import av
import rtsp
from PIL.Image import Image
from rtsp import source as rtsp_source

FRAMES = 30
FPS = 10


def pictures(path: str) -> Iterator[Image]:
    with av.open(path) as container:
        for frame in container.decode(video=0):
            yield frame.to_image()


def tell_transport(refuse_tcp: bool) -> None:
    """Says which transport a client asks for; a camera that has only UDP answers 461 to TCP."""
    setup = rtsp_source._Session._setup_transport

    def told(self: Any, header: str, peer: Any) -> bool:
        name = "tcp" if "RTP/AVP/TCP" in header else "udp"
        if name == "tcp" and refuse_tcp:
            return False
        print(name, flush=True)
        return setup(self, header, peer)

    rtsp_source._Session._setup_transport = told


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("clip")
parser.add_argument("--refuse-tcp", action="store_true")
options = parser.parse_args()
tell_transport(options.refuse_tcp)
frames = list(islice(pictures(options.clip), FRAMES))
with rtsp.Source(f"rtsp://127.0.0.1:{options.port}/live", fps=FPS, frame_buffer=frames) as server:
    server.wait_ready()
    print("ready", flush=True)
    server.serve_forever()
