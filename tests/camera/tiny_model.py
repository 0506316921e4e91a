"""A model of YuNet's inputs and outputs that takes magenta for a face: ONNX, written by hand, so that the path from the file to
the hidden picture is run without anybody's trained weights.

Each cell of 8 x 8 pixels is scored by its own mean colour; a face is `FACE` pixels wide around a cell. The cells of 16 and 32
find nothing.
"""

import math
import struct
from collections.abc import Sequence

from agent.camera.faces import SIDE

FACE = 32
_FLOAT, _INT64, _INTS = 1, 7, 7


def tiny() -> bytes:
    """The file."""
    nodes, tensors, outputs = list[bytes](), list[bytes](), list[bytes]()
    for step in (8, 16, 32):
        cells = (SIDE // step) ** 2
        for name, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            at = f"{name}_{step}"
            weights, bias = [0.0] * (width * 3 * step * step), [0.0] * width
            if width == 1:  # (blue + red) / 2 - green, of the mean colour, beyond 120
                share = 0.2 / (step * step)
                weights = [value for part in (0.5, -1.0, 0.5) for value in [part * share] * (step * step)]
                bias = [-24.0 if step == 8 else -1000.0]
            elif name == "bbox":
                bias = [0.5, 0.5, math.log(FACE / step), math.log(FACE / step)]
            tensors += [
                _floats(f"w{at}", [width, 3, step, step], weights),
                _floats(f"b{at}", [width], bias),
                _shape(f"s{at}", [1, cells, width]),
            ]
            nodes += [
                _node(
                    "Conv",
                    ["input", f"w{at}", f"b{at}"],
                    f"c{at}",
                    kernel_shape=[step] * 2,
                    strides=[step] * 2,
                ),
                _node("Transpose", [f"c{at}"], f"t{at}", perm=[0, 2, 3, 1]),
                _node("Reshape", [f"t{at}", f"s{at}"], f"r{at}"),
                _node("Sigmoid" if width == 1 else "Identity", [f"r{at}"], at),
            ]
            outputs.append(_value(at, [1, cells, width]))
    graph = [*(_field(1, node) for node in nodes), _field(2, b"tiny"), *(_field(5, item) for item in tensors)]
    graph += [_field(11, _value("input", [1, 3, SIDE, SIDE])), *(_field(12, item) for item in outputs)]
    return _number(1, 8) + _field(8, _number(2, 13)) + _field(7, b"".join(graph))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _number(place: int, value: int) -> bytes:
    return _varint(place << 3) + _varint(value)


def _field(place: int, body: bytes) -> bytes:
    return _varint(place << 3 | 2) + _varint(len(body)) + body


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: list[int]) -> bytes:
    found = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    found += _field(3, f"n{output}".encode()) + _field(4, kind.encode())
    for name, values in attributes.items():
        ints = b"".join(_number(8, value) for value in values)
        found += _field(5, _field(1, name.encode()) + ints + _number(20, _INTS))
    return found


def _tensor(name: str, dims: Sequence[int], kind: int, raw: bytes) -> bytes:
    return (
        b"".join(_number(1, dim) for dim in dims)
        + _number(2, kind)
        + _field(8, name.encode())
        + _field(9, raw)
    )


def _floats(name: str, dims: Sequence[int], values: Sequence[float]) -> bytes:
    return _tensor(name, dims, _FLOAT, struct.pack(f"<{len(values)}f", *values))


def _shape(name: str, dims: Sequence[int]) -> bytes:
    return _tensor(name, [len(dims)], _INT64, struct.pack(f"<{len(dims)}q", *dims))


def _value(name: str, dims: Sequence[int]) -> bytes:
    shape = b"".join(_field(1, _number(1, dim)) for dim in dims)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, _FLOAT) + _field(2, shape)))
