"""Rewrites the outputs of `common/vectors.json` from its inputs, and the two blocks of PROTOCOL.md that print them.

`python -m tests.docs.vectors`, after a change of the wire that was meant. `tests/core/test_protocol.py` reproduces
every byte by itself and fails when the files are out of date. The batch is sealed anew only where what it carries
has changed: HPKE is randomised.
"""

import json
import textwrap
from typing import Any

import msgspec

from common.core import batch, checkpoint, crypto, message, record
from common.core.batch import MAX_PLAIN, Header
from common.core.merkle import Rows
from common.core.pack import Packer
from tests.core.test_protocol import BODY_OF, KEYS, MESSAGES, ROOT, ROWS, TEXT, VECTORS, build, with_body


def refresh() -> None:
    """Compute every output anew, in place."""
    epoch = VECTORS["epoch"]
    site, number = epoch["site"], bytes.fromhex(epoch["epoch"])
    chain = crypto.chain_start(site, number, KEYS["box_sign_public"])
    epoch["chain_start_hex"] = chain.hex()
    counted = Rows()
    for row in ROWS:
        counted.add(*row)
    VECTORS["root"]["hash_hex"] = counted.root().hash.hex()
    raws: list[bytes] = []
    for seq, item in enumerate(VECTORS["records"], 1):
        if item["record"]["kind"] == "checkpoint":
            _sign(item["body"], site, number, chain)
        if item["record"]["kind"] == "index_root":
            item["body"]["tables"]["case"] = {"rows": len(ROWS), "hash": VECTORS["root"]["hash_hex"]}
        packed = record.encode_body(build(BODY_OF[item["record"]["kind"]], item["body"]))
        raws.append(record.encode_record(with_body(item["record"], packed)))
        chain = crypto.chain_next(chain, seq, raws[-1])
        item |= {"body_hex": bytes(packed).hex(), "record_hex": raws[-1].hex(), "chain_hex": chain.hex()}
    _batch(raws, chain)
    for item in VECTORS["messages"]:
        if "head_hash" in item["fields"]:
            item["fields"] |= {"head_hash": chain.hex(), "newest": len(raws)}
        kind = next(kind for kind in MESSAGES if kind.__name__ == item["kind"])
        value = build(kind, item["fields"])
        item["body_hex"] = message.encode(value).hex()
        if "signer" in item:
            secret = KEYS[f"{item['signer']}_sign_secret"]
            item["signed_hex"] = message.encode_signed(value, item["topic"], secret).hex()
    rest = VECTORS["at_rest"]
    context = crypto.record_context(site, number, rest["seq"], rest["dek_no"])
    link = bytes.fromhex(VECTORS["records"][0]["chain_hex"])
    packer = Packer(rest["dict"])
    if not rest["packed_hex"] or packer.unpack_bare(bytes.fromhex(rest["packed_hex"]), MAX_PLAIN) != raws[0]:
        rest["packed_hex"] = packer.pack_bare(raws[0]).hex()
    frame, nonce = bytes.fromhex(rest["packed_hex"]), bytes.fromhex(rest["nonce"])
    for alg in crypto.AT_REST_ALGS:
        aead = crypto.cipher(alg, KEYS["dek"][: crypto.key_bytes(alg)])
        rest[f"{alg}_hex"] = crypto.seal(aead, nonce, context, link + frame).hex()


def _sign(body: dict[str, Any], site: str, epoch: bytes, chain: bytes) -> None:
    made = checkpoint.signed(KEYS["box_sign_secret"], site, epoch, body["seq"], chain, body["at_wall"])
    body |= {"chain": chain.hex(), "signature": made.signature.hex()}


def _batch(raws: list[bytes], chain: bytes) -> None:
    found = VECTORS["batch"]
    found["header"] |= {"last": len(raws), "last_hash": chain.hex()}
    header = build(Header, found["header"])
    front, plain = batch.front(header), msgspec.msgpack.encode(raws)
    if not _is_sealed(found, front, plain):
        payload = batch.encode(header, raws, KEYS["wire_public"], KEYS["box_sign_secret"])
        found |= {"front_hex": front.hex(), "plain_hex": plain.hex(), "payload_hex": payload.hex()}
    signature = bytes.fromhex(found["payload_hex"])[len(front) : len(front) + crypto.SIGNATURE_BYTES]
    found["signature_hex"] = signature.hex()
    found["sm_sealed_hex"] = crypto.seal_sm(KEYS["digest_key"], KEYS["wire_public"], front, raws[3]).hex()


def _is_sealed(found: dict[str, Any], front: bytes, plain: bytes) -> bool:
    """Whether the recorded batch carries this, under a sound signature."""
    same = (front.hex(), plain.hex()) == (found["front_hex"], found["plain_hex"])
    kept = batch.claim(bytes.fromhex(found["payload_hex"]))
    return same and batch.claimed(kept, KEYS["box_sign_public"]) is not None


def listed() -> list[str]:
    """Every vector with its name, as PROTOCOL.md prints it."""
    lines: list[str] = []
    named: list[tuple[str, Any]] = [(f"keys.{name}", value) for name, value in VECTORS["keys"].items()]
    named.append(("epoch", VECTORS["epoch"]))
    named += [(f"records.{number}", item) for number, item in enumerate(VECTORS["records"], 1)]
    named.append(("root", {"hash_hex": VECTORS["root"]["hash_hex"]}))
    named.append(("batch", VECTORS["batch"]))
    named += [(f"messages.{item['kind']}", item) for item in VECTORS["messages"]]
    named += [("at_rest", VECTORS["at_rest"]), ("digest", {"digest_hex": VECTORS["digest"]["digest_hex"]})]
    for name, value in named:
        if isinstance(value, str):
            lines += _vector(name, value)
            continue
        for part, text in value.items():
            if part.endswith("_hex"):
                lines += _vector(f"{name}.{part.removesuffix('_hex')}", text)
    return lines


def _vector(name: str, text: str) -> list[str]:
    return [name, *textwrap.wrap(text, 106, initial_indent="  ", subsequent_indent="  ")]


def taken_apart() -> list[str]:
    """The front of the batch by its fields."""
    header = build(Header, VECTORS["batch"]["header"])
    front = batch.front(header)
    parts = [
        (front[:3], "MC1"),
        (front[3:5], "header length"),
        (front[5:6], f"array of {len(Header.__struct_fields__)}"),
    ]
    parts += [(msgspec.msgpack.encode(getattr(header, name)), name) for name in Header.__struct_fields__]
    lines: list[str] = []
    for raw, name in parts:
        first, *rest = textwrap.wrap(raw.hex(), 72)
        lines += [f"{first:<73} {name}", *rest]
    return lines


def write() -> None:
    refresh()
    (ROOT / "common/vectors.json").write_text(
        json.dumps(VECTORS, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )
    text = TEXT
    for name, lines in (("bytes", taken_apart()), ("vectors", listed())):
        before, after = text.split(f"```{name}\n", 1)
        text = before + f"```{name}\n" + "\n".join(lines) + "\n```" + after.split("\n```", 1)[1]
    (ROOT / "common/PROTOCOL.md").write_text(text, "utf-8")


if __name__ == "__main__":
    write()
