"""Sections 1, 2 and 7 of docs/format.md: records, frames, times and digests."""
import hashlib
import struct

from .base import Units
from .coder import MASK, Bits, Damaged
from .planes import Decoder


def varint(data, at):
    value = shift = 0
    while True:
        value, at, shift = value | (data[at] & 127) << shift, at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def sized(data, at):
    size, at = varint(data, at)
    return data[at:at + size], at + size


def message(data):
    """Fields of a protobuf message: {number: [values]}; packed numbers stay bytes."""
    fields, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = (sized if tag & 7 == 2 else varint)(data, at)
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def signed(values):
    """sint64 fields, packed or not."""
    numbers = []
    for value in values:
        at = 0
        while isinstance(value, bytes) and at < len(value):
            number, at = varint(value, at)
            numbers.append(number)
        numbers += [] if isinstance(value, bytes) else [value]
    return [n >> 1 ^ -(n & 1) for n in numbers]


def one(fields, number, default=0):
    return fields.get(number, [default])[-1]


def records(data):
    at = 0
    while at < len(data):
        payload, end = sized(data, at + 2)
        crc = MASK
        for byte in data[at + 1:end]:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        if data[at] != 0xA7 or (crc ^ MASK) & 0xFFFFFF != int.from_bytes(data[end:end + 3], "little"):
            raise Damaged("a record's check fails")
        yield data[at + 1], payload
        at = end + 3


class Stream:
    """Yields (pts, digest) of each coded frame. `start`, `base`: primed() of planes.py and base.py."""

    def __init__(self, path, start, base):
        with open(path, "rb") as file:
            self.data, self.start, self.formats, self.n, self.origin = file.read(), start, {}, 0, 0
        self.units, self.packed = Units(base), False

    def __iter__(self):
        decoder = None
        for tag, payload in records(self.data):
            if tag == 0x51 and decoder is None:
                header = message(payload)
                decoder = Decoder((one(header, 6), one(header, 7)), None, self.start)
                self.packed = one(header, 3) >= 1
                step = one(header, 9) * one(header, 11, 1), one(header, 8) * one(header, 10)
                self.step = step if step[1] else (0, 1)
            while tag >> 4 == 6 and payload:
                size, at = varint(payload, 0)
                size = size or len(payload) - at
                yield self.frame(decoder, payload[at:at + size])
                payload = payload[at + size:]

    def frame(self, decoder, payload):
        head, at = varint(payload, 0)
        text, at = sized(payload, at) if head & 1 else (b"", at)
        base = b""   # an AV1 decoder's
        if head & 2:
            base, at = sized(payload, at) if head & 4 else (payload[at:], len(payload))
        fields = message(text)
        entry, cut = bool(one(fields, 1) & 1), bool(one(fields, 1) & 2)
        if entry:
            self.formats, self.n, self.origin = {}, one(fields, 6), signed([one(fields, 7)])[0]
        told = message(one(fields, 3, b""))
        for number, name in ((1, "motion"), (2, "structure"), (3, "labels"), (4, "texture")):
            forms = [message(form) for form in told.get(number, [])]
            sizes = [tuple(one(f, i) for i in (1, 2, 3)) for f in forms for _ in range(max(1, one(f, 4)))]
            if sizes:
                self.formats[name] = sizes if name == "texture" else sizes[-1]
        if 5 in told:
            self.formats["base"] = tuple(one(message(told[5][-1]), i) for i in (1, 2, 3))
        if base:
            base = (*self.formats["base"], self.units.unpack(base, entry) if self.packed else base)
        absent = one(fields, 2) | (entry or cut)
        present = {name: self.formats[name] for i, name in enumerate(("motion", "structure", "labels", "texture"))
                   if name in self.formats and not absent >> i & 1}
        steps, pts = signed(fields.get(5, [])), 0
        for i in range((head >> 3) + 1):
            self.origin += steps[i] if i < len(steps) else 0
            pts = self.origin + (2 * self.n * self.step[0] + self.step[1]) // (2 * self.step[1])
            self.n += 1
        if not head & 4:
            decoder.begin(entry, cut)
            return pts, digest(None, None, None, [], [], base)
        planes = decoder.frame(Bits(payload[at:]), entry, cut, present)
        return pts, digest(*planes, decoder.palette if "labels" in present else [], base)


def digest(motion, structure, labels, texture, palette, base):
    def numbers(*values):
        return struct.pack(f"<{len(values)}I", *values)

    def plane(p):
        values = [v for row in p.rows[2:-2] for v in row[2:-2]] if p else []
        return (numbers(p.width, p.height, p.levels) if p else numbers(0, 0, 0)) + bytes(values)

    width, height, field = motion or (0, 0, [])
    data = numbers(width, height) + b"".join(struct.pack("<h", v[c]) for c in (0, 1) for v in field)
    data += plane(structure) + plane(labels) + numbers(len(palette)) + bytes(sum(palette, ()))
    data += numbers(len(texture)) + b"".join(map(plane, texture))
    if base:
        data += numbers(*base[:3], len(base[3])) + base[3]
    return hashlib.md5(data).hexdigest()
