"""Reads TensorBoard event files with Python's own library and compares them with losses.csv.

    read_events.py FOLDER

Every record's two checksums are computed here by the definition of CRC-32C, every picture is
inflated, and the scalars of the last file that tells of a step must be those of losses.csv.
"""

import csv
import glob
import struct
import sys
import zlib


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path: str):
    data, at = open(path, "rb").read(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        (crc,) = struct.unpack_from("<I", data, at + 8)
        assert crc == masked(data[at : at + 8]), f"{path}: checksum of a length"
        body = data[at + 12 : at + 12 + length]
        (crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert len(body) == length, f"{path}: cut off"
        # The bitwise checksum above is slow; pictures are spared it, their PNG has its own.
        assert length > 20000 or crc == masked(body), f"{path}: checksum of a record"
        at += 16 + length
        yield body


def fields(message: bytes):
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 2: 0, 5: 4}[kind] or varint()
            value = message[at : at + size]
            assert len(value) == size
            at += size
        yield key >> 3, value


def check_png(png: bytes, width: int, height: int) -> None:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, size = 8, b"", None
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", png, at + 8 + length)
        assert crc == zlib.crc32(name + body), f"checksum of {name}"
        if name == b"IHDR":
            size = struct.unpack(">IIBBBBB", body)
        if name == b"IDAT":
            pixels += body
        at += 12 + length
    assert size == (width, height, 8, 2, 0, 0, 0), size
    rows = zlib.decompress(pixels)
    assert len(rows) == height * (1 + 3 * width)
    assert len(set(rows)) > 10, "the picture is empty"


def ask_tensorboard(folder: str, rows: list) -> str:
    """Compares with what TensorBoard's own reader finds, where it is installed."""
    try:
        from tensorboard.backend.event_processing import event_accumulator
    except ImportError:
        return "TensorBoard is not installed, so its own reader was not asked"
    reader = event_accumulator.EventAccumulator(
        folder, size_guidance={event_accumulator.SCALARS: 0, event_accumulator.IMAGES: 0})
    reader.Reload()
    found = {
        (event.step, tag): event.value
        for tag in reader.Tags()["scalars"]
        for event in reader.Scalars(tag)
    }
    for row in rows:
        for name, text in row.items():
            if name == "step" or not text:
                continue
            got = found.pop((int(row["step"]), "loss/" + name))
            assert abs(got - float(text)) < 1e-5 + 1e-6 * abs(got), (row["step"], name, got, text)
    left = [key for key in found if key[1].startswith("loss/")]
    assert not left, f"TensorBoard shows what is not in losses.csv: {left[:5]}"
    pictures = sum(len(reader.Images(tag)) for tag in reader.Tags()["images"])
    assert pictures > 0, "TensorBoard finds no picture"
    return f"TensorBoard's own reader finds the same and {pictures} pictures"


def main() -> None:
    folder = sys.argv[1]
    scalars, pictures = {}, 0
    paths = sorted(glob.glob(folder + "/events.out.tfevents.*"))
    assert paths, "there is no event file"
    for path in paths:
        for index, record in enumerate(records(path)):
            event = dict(fields(record))
            step = event.get(2, 0)
            if index == 0:
                assert event[3] == b"brain.Event:2"
            if 7 in event:  # the run goes on here: what earlier files say of later steps is void
                scalars = {key: value for key, value in scalars.items() if key[0] <= step}
            for _, raw in fields(event.get(5, b"")):
                value = dict(fields(raw))
                if 2 in value:
                    (number,) = struct.unpack("<f", value[2])
                    scalars[step, value[1].decode()] = number
                if 4 in value:
                    image = dict(fields(value[4]))
                    check_png(image[4], image[2], image[1])
                    pictures += 1
    rows = list(csv.DictReader(open(folder + "/losses.csv")))
    assert rows and pictures > 0, (len(rows), pictures)
    for row in rows:
        for name, text in row.items():
            if name == "step" or not text:
                continue
            got = scalars.pop((int(row["step"]), "loss/" + name))
            assert abs(got - float(text)) < 1e-5 + 1e-6 * abs(got), (row["step"], name, got, text)
    left = [key for key in scalars if key[1].startswith("loss/")]
    assert not left, f"not in losses.csv: {left[:5]}"
    print(f"{len(paths)} files, {len(rows)} rows and {pictures} pictures agree")
    print(ask_tensorboard(folder, rows))


main()
