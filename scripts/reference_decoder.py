#!/usr/bin/env python3
"""Decodes the planes of .sem streams by docs/format.md alone, slowly; prints "pts digest" lines.

    python3 scripts/reference_decoder.py STREAM.sem [PRIMING.bin]

A second decoder, written from the description: where it agrees with the first on the golden
streams, the description is enough. Section numbers are those of docs/format.md.
"""

import hashlib
import os
import pickle
import struct
import sys

MASK = 0xFFFFFFFF


# Section 4: tables
def _tables():
    squash, power = [0] * 5119, 1 << 32
    for x in range(2560):
        squash[2559 + x] = (1 << 48) // ((1 << 32) + power)
        squash[2559 - x] = 65536 - squash[2559 + x]
        power = power * 0xFF007FD5 >> 32
    stretch, x = [], -2559
    for i in range(4096):
        while x < 2559 and squash[x + 2559] < 16 * i + 8:
            x += 1
        stretch.append(x)
    return squash, stretch


SQUASH, STRETCH = _tables()


def clamp(v, low, high):
    return low if v < low else high if v > high else v


def rate(n):
    return 65536 // (2 * n + 3)


def adapt(p, bit, r):
    return p + (((65535 if bit else 0) - p) * r + 16384 >> 15)


# Section 3: the arithmetic decoder
class Damaged(Exception):
    """The bytes are no sound stream."""


class Bits:
    def __init__(self, chunk):
        self.chunk, self.position = chunk, 4
        self.low, self.high = 0, MASK
        self.code = int.from_bytes((chunk + b"\0\0\0\0")[:4], "big")

    def read(self, p):
        mid = self.low + ((self.high - self.low) * p >> 16)
        bit = 1 if self.code <= mid else 0
        if bit:
            self.high = mid
        else:
            self.low = mid + 1
        while (self.low ^ self.high) >> 24 == 0:
            at = self.position
            byte = self.chunk[at] if at < len(self.chunk) else 0
            self.position = at + 1
            if at + 1 - len(self.chunk) > 8:
                raise Damaged("the chunk ends too early")
            self.low = self.low << 8 & MASK
            self.high = (self.high << 8 & MASK) | 255
            self.code = (self.code << 8 & MASK) | byte
        return bit


# Section 5: the mixer
def _histories():
    entries = []
    for h in range(256):
        zeros, ones = h >> 5, h >> 2 & 7
        entries.append([(10 * ones + 3) * 65535 // (10 * (ones + zeros) + 6), 6])
    return entries


def next_history(h, bit):
    zeros, ones = h >> 5, h >> 2 & 7
    if bit:
        ones, zeros = min(ones + 1, 7), (zeros + 2) // 2 if zeros > 2 else zeros
    else:
        zeros, ones = min(zeros + 1, 7), (ones + 2) // 2 if ones > 2 else ones
    return zeros << 5 | ones << 2 | (h << 1 | bit) & 3


class Mixer:
    def __init__(self, bits, contexts, selectors, apms):
        self.shift, self.contexts = 32 - bits, contexts
        self.slots = {}   # index: (check, p, count, history)
        self.weights = [[[120000 // (2 * contexts)] * (2 * contexts) for _ in range(count)]
                        for count in selectors]
        self.ages = [[0] * count for count in selectors]
        self.last = [[32768, 32768] for _ in range(selectors[0])]
        self.apm = [[SQUASH[clamp((j - 16) * 128, -2559, 2559) + 2559] for j in range(33)]
                    for _ in range(apms)]
        self.histories = [_histories() for _ in range(contexts)]

    def begin(self, values):
        """Sets the contexts for the decisions to come."""
        self.hashes = []
        for i, value in enumerate(values):
            h = (value + 1 + i * 0x3C6EF372) * 0x9E3779B1 & MASK
            h = (h ^ h >> 15) * 0x2C1B3C6D & MASK
            self.hashes.append(h ^ h >> 13)

    def read(self, bits, node, selector0, selector1, apm):
        found, x = [], []
        slots, shift = self.slots, self.shift
        fresh = (0, 32768, 0, 0)
        for i, h in enumerate(self.hashes):
            index = ((h + (node >> 3) * 0x9E3779B1 & MASK) >> shift) ^ (node & 7)
            check = h + node * 0x9E35 & 0xFFFF
            slot = slots.get(index, fresh)
            if slot[0] != check:
                other = slots.get(index ^ 1, fresh)
                if other[0] == check:
                    index, slot = index ^ 1, other
                else:
                    if other[2] < slot[2]:
                        index ^= 1
                    slot = (check, 32768, 0, 0)
            found.append((index, slot))
            count = slot[2]
            x.append(STRETCH[slot[1] >> 4] * (65536 * count // (count + 1)) >> 16)
            x.append(STRETCH[self.histories[i][slot[3]][0] >> 4])
        selected = (selector0, selector1)
        outs = []
        for g in (0, 1):
            total = sum((w >> 4) * v for w, v in zip(self.weights[g][selected[g]], x))
            outs.append(clamp(total >> 12, -2559, 2559))
        last = self.last[selector0]
        mixed = clamp(((last[0] >> 4) * outs[0] + (last[1] >> 4) * outs[1]) >> 12, -2559, 2559)
        m = SQUASH[mixed + 2559]
        s = clamp(mixed, -2047, 2047) + 2048
        low, f = s >> 7, s & 127
        entries = self.apm[apm]
        a = (entries[low] * (128 - f) + entries[low + 1] * f) >> 7
        bit = bits.read(clamp((m * 5 + a * 3) >> 3, 2, 65534))

        t = 65536 if bit else 0
        for g in (0, 1):
            age = self.ages[g][selected[g]]
            gain = (t - SQUASH[outs[g] + 2559]) * (130 + 470 * 200 // (200 + age)) >> 10
            self.ages[g][selected[g]] = min(age + 1, 4095)
            self.weights[g][selected[g]] = [
                clamp(w + ((v * gain + 8192) >> 14), -262144, 262144)
                for w, v in zip(self.weights[g][selected[g]], x)]
        gain = (t - m) * 50 >> 10
        self.last[selector0] = [clamp(w + ((v * gain + 8192) >> 14), -262144, 262144)
                                for w, v in zip(last, outs)]
        for i, (index, (check, p, count, history)) in enumerate(found):
            entry = self.histories[i][history]
            entry[0] = adapt(entry[0], bit, rate(entry[1]))
            entry[1] = min(entry[1] + 1, 255)
            slots[index] = (check, adapt(p, bit, rate(count)), min(count + 1, 127),
                            next_history(history, bit))
        at = low + (f >= 64)
        entries[at] = adapt(entries[at], bit, 655)
        return bit

    def soften(self):
        self.slots = {i: (c, p, min(n, 4), h) for i, (c, p, n, h) in self.slots.items()}
        for table in self.histories:
            for entry in table:
                entry[1] = min(entry[1], 60)
        self.ages = [[min(age, 200) for age in group] for group in self.ages]


class Quiet:
    """Cells whose surroundings agree."""

    def __init__(self, count):
        self.entries = [[32768, 0] for _ in range(count)]

    def read(self, bits, context):
        entry = self.entries[context]
        bit = bits.read(clamp(entry[0], 16, 65520))
        entry[0] = adapt(entry[0], bit, rate(entry[1]))
        entry[1] = min(entry[1] + 1, 255)
        return bit

    def soften(self):
        for entry in self.entries:
            entry[1] = min(entry[1], 60)


# Section 6: what is coded
def pack(k, *values):
    h = 0
    for v in values:
        h = (h * 0x2F0B4C47 + v + k) & MASK
    return h


def digits(v):
    return abs(v).bit_length() + (16 if v < 0 else 0)


def fine(v):
    return v + 2 if abs(v) <= 2 else digits(v) + 8


def read_number(mixer, bits, kind, contexts):
    mixer.begin([value * 8 + kind & MASK for value in contexts])
    if not mixer.read(bits, 0, 4 * kind, 0, 0):
        return 0
    negative = mixer.read(bits, 1, 4 * kind + 1, 1, 0)
    d = 1
    while d < 12 and mixer.read(bits, 1 + d, 4 * kind + 2, 2 + d, 0):
        d += 1
    value, known = 1, 0
    for i in range(d - 2, -1, -1):
        lead = value if known < 2 else 4
        value = value << 1 | mixer.read(bits, 32 + (16 * d + i) * 8 + lead, 4 * kind + 3, 15 + i, 0)
        known += 1
    return -value if negative else value


class Plane:
    """Values with a border around."""

    def __init__(self, width, height, outside, levels=0):
        self.width, self.height, self.outside, self.levels = width, height, outside, levels
        self.rows = [[outside] * (width + 4) for _ in range(height + 4)]

    def at(self, x, y):
        return self.rows[y + 2][x + 2]

    def put(self, x, y, value):
        self.rows[y + 2][x + 2] = value

    def values(self):
        return [v for row in self.rows[2:-2] for v in row[2:-2]]


class Reference:
    """`last` and `before` of one kind of plane."""

    def __init__(self):
        self.last = self.before = None

    def advance(self, motion, size, width, height):
        if self.last is None or (self.last.width, self.last.height) != (width, height):
            self.last = self.before = None
        elif motion:
            self.last = moved(self.last, motion, size)
            self.before = self.before and moved(self.before, motion, size)

    def push(self, plane):
        self.before, self.last = self.last, plane


def moved(plane, motion, size):
    width, height, field = motion
    result = Plane(plane.width, plane.height, plane.outside)
    for y in range(plane.height):
        for x in range(plane.width):
            dx, dy = field[y * height // plane.height * width + x * width // plane.width]
            sx = x + (2 * dx * plane.width + 4 * size[0]) // (8 * size[0])
            sy = y + (2 * dy * plane.height + 4 * size[1]) // (8 * size[1])
            result.put(x, y, plane.at(clamp(sx, 0, plane.width - 1), clamp(sy, 0, plane.height - 1)))
    return result


def distinct(values, most):
    found = []
    for v in values:
        if v not in found and len(found) < most:
            found.append(v)
    return found


def flags(*conditions):
    return sum(1 << i for i, c in enumerate(conditions) if c)


class Coders:
    """Everything that learns."""

    def __init__(self):
        self.structure = Mixer(17, 8, (9, 160), 64)
        self.texture = Mixer(17, 8, (9, 160), 64)
        self.labels = Mixer(17, 8, (12, 320), 384)
        self.rest = Mixer(12, 5, (32, 16), 1)
        self.vectors = Mixer(14, 8, (8, 64), 64)
        self.numbers = Mixer(12, 8, (32, 32), 1)
        self.colours = Mixer(12, 5, (32, 32), 1)
        self.quiet = {"structure": Quiet(128), "texture": Quiet(128), "labels": Quiet(2560)}
        self.scene = 0

    def soften(self):
        for part in (self.structure, self.texture, self.labels, self.rest, self.vectors,
                     self.numbers, self.colours, *self.quiet.values()):
            part.soften()


class Decoder:
    """The planes of one stream (or of one priming sequence), frame by frame."""

    def __init__(self, size, coders, start=None):
        self.size, self.coders, self.start = size, coders, start
        self.counter, self.first = 0, True
        self.palette, self.field = [], None
        self.forget()

    def forget(self):
        self.field = None
        self.structure_reference, self.label_reference = Reference(), Reference()
        self.texture_references = []

    def frame(self, bits, entry, cut, formats):
        """formats: {kind: (width, height, levels)}, texture a list; only what is present."""
        if entry:
            if self.start is not None:
                self.coders = pickle.loads(self.start)
            self.palette = []
        if entry or cut:
            self.forget()
            self.coders.scene += 1
        number = 0
        for _ in range(4):
            number = number << 1 | bits.read(32768)
        if not entry and number != (self.counter + 1) & 15:
            raise Damaged("a frame is missing")
        self.counter = number
        motion = self.motion(bits, *formats["motion"][:2]) if "motion" in formats else None
        labels = formats.get("labels")
        if labels:
            self.colours(bits, labels[2])
        structure = label_plane = None
        if "structure" in formats:
            width, height, levels = formats["structure"]
            self.structure_reference.advance(motion, self.size, width, height)
            structure = self.plane(bits, "structure", width, height, levels, 0,
                                   self.structure_reference, None)
        if labels:
            self.label_reference.advance(motion, self.size, labels[0], labels[1])
            label_plane = self.label_plane(bits, *labels, structure)
            self.label_reference.push(label_plane)
        if structure:
            self.structure_reference.push(structure)
        texture = []
        for channel, (width, height, levels) in enumerate(formats.get("texture", [])):
            if channel == len(self.texture_references):
                self.texture_references.append(Reference())
            reference = self.texture_references[channel]
            reference.advance(motion, self.size, width, height)
            companion = self.texture_references[channel - 1] if channel and (
                texture[-1].width, texture[-1].height) == (width, height) else None
            texture.append(self.plane(bits, "texture", width, height, levels, channel, reference,
                                      companion))
            reference.push(texture[-1])
        return motion, structure, label_plane, texture

    def motion(self, bits, width, height):
        old = self.field if self.field and self.field[:2] == (width, height) else None
        has, field = int(old is not None), []

        def prior(x, y, other):
            if old is None:
                return (0, 0)
            return old[2][y * width + x] if 0 <= x < width and 0 <= y < height else other

        for i in range(width * height):
            x, y = i % width, i // width
            up = field[i - width] if y else None
            w = field[i - 1] if x else up
            p0 = prior(x, y, (0, 0))
            w = p0 if w is None else w
            n = up if up is not None else w
            ne = field[i - width + 1] if y and x + 1 < width else n
            nw = field[i - width - 1] if y and x else n
            ww = field[i - 2] if x > 1 else w
            nn = field[i - 2 * width] if y > 1 else n
            pe, ps = prior(x + 1, y, p0), prior(x, y + 1, p0)
            pw, pn = prior(x - 1, y, p0), prior(x, y - 1, p0)
            middle = tuple(sorted((w[c], n[c], ne[c]))[1] for c in (0, 1))
            candidates = distinct([middle, w, n, ne, p0, nw, pe, ps], 4)
            flat = flags(w == n, n == ne, w == nw, n == nw)
            same = flags(w == pw, n == pn)
            settled = flags(p0 == pw, p0 == pn, p0 == pe, p0 == ps)
            vector = None
            for k, t in enumerate(candidates):
                u = candidates[k + 1] if k + 1 < len(candidates) else t
                around = flags(w == t, n == t, ne == t, nw == t)
                wider = flags(ww == t, nn == t)
                before = flags(p0 == t, pe == t, ps == t, pw == t, pn == t)
                apart = digits(abs(u[0] - t[0]) + abs(u[1] - t[1]))
                size = digits(abs(t[0]) + abs(t[1]))
                self.coders.vectors.begin([
                    (pack(1, *values) * 16 + 2 * k + has) & MASK for values in (
                        (around, flat), (around, flat, wider), (before, same, around & 3),
                        (around, before), (apart, around, len(candidates)),
                        (settled, before, same), (size, flat, around), t)])
                if self.coders.vectors.read(
                        bits, 0, 2 * k + has,
                        8 * (around & 7) + 4 * (p0 == t) + 2 * (t == (0, 0)) + (wider == 3),
                        16 * k + flat):
                    vector = t
                    break
            if vector is None:
                vector = self.new_vector(bits, middle, w, n, ne, nw, p0)
            field.append(vector)
        self.field = (width, height, field)
        return self.field

    def new_vector(self, bits, middle, w, n, ne, nw, p0):
        parts, r = [], fine(0)
        for kind in (0, 1):
            base = middle[kind]

            def c(z, base=base):
                return fine(z - base)

            a, b, d, e, p = w[kind], n[kind], ne[kind], nw[kind], p0[kind]
            spread, gap = digits(max(a, b, d) - min(a, b, d)), digits(p - base)
            value = read_number(self.coders.numbers, bits, kind, [
                0, spread, gap, r, pack(1, spread, gap), pack(1, c(a), c(b), c(d)),
                pack(1, r, c(p), c(a)), pack(1, c(a + b - e))])
            parts.append(clamp(base + value, -1024, 1023))
            r = fine(parts[0] - middle[0])
        return tuple(parts)

    def colours(self, bits, count):
        result, above = [], 0
        for i in range(count):
            known = i < len(self.palette)
            base = self.palette[i] if known else result[-1] if result else (128, 128, 128)
            colour, green, just = [0, 0, 0], 0, 0
            for component in (1, 0, 2):
                predicted = clamp(base[component] + green, 0, 255)
                a, b, c = digits(green), digits(just), digits(above)
                just = read_number(self.coders.colours, bits, component + (0 if known else 3),
                                   [0, a, b, c, pack(0, a, b)])
                colour[component] = clamp(predicted + just, 0, 255)
                if component == 1:
                    green = just
            above = green
            result.append(tuple(colour))
        self.palette = result

    def plane(self, bits, kind, width, height, levels, channel, reference, companion):
        mixer, quiet = getattr(self.coders, kind), self.coders.quiet[kind]
        plane = Plane(width, height, 0, levels)
        blank = Plane(width, height, 0)
        last, before = reference.last or blank, reference.before or blank
        has = int(reference.last is not None)
        bias = 4 * channel + has + 2 * (reference.before is not None)
        q = [v if levels <= 4 else 4 * v // levels for v in range(levels)]
        scene = self.coders.scene
        for y in range(height):
            nn_row, n_row, row = plane.rows[y], plane.rows[y + 1], plane.rows[y + 2]
            up, here, down = last.rows[y + 1], last.rows[y + 2], last.rows[y + 3]
            for x in range(width):
                w, ww, n, nn, nw, ne = (row[x + 1], row[x], n_row[x + 2], nn_row[x + 2],
                                        n_row[x + 1], n_row[x + 3])
                p0, pe, pw, ps, pn = here[x + 2], here[x + 3], here[x + 1], down[x + 2], up[x + 2]
                pse, psw, pne, pnw = down[x + 3], down[x + 1], up[x + 3], up[x + 1]
                pp = before.at(x, y)
                least = 0
                if has and companion is None and not (w or n or nw or ne or p0 or pe or ps or pw
                                                      or pn):
                    if not quiet.read(bits, 8 * (16 * y // height) + flags(
                            pp, ww or nn, pse or psw or pne or pnw)):
                        continue
                    least = 1
                co = companion.last.at(x, y) if companion else 0
                coc = companion.before.at(x, y) if companion and companion.before else 0
                errors = ((q[w] != q[pw]) + (q[n] != q[pn]) + (q[ne] != q[pne]) +
                          (q[nw] != q[pnw]))
                total = 2 * (q[w] + q[n]) + q[nw] + q[ne]
                contexts = [
                    pack(1, w, n, nw, ne), pack(1, p0, pe, ps, pw, pn),
                    pack(1, q[w], q[n], q[nw], q[ne], q[ww], q[nn]), pack(1, p0, pp, errors, q[w]),
                    pack(1, p0, pp, w, n, co),
                    pack(1, y * 16 // height, x * 16 // width, q[p0], scene)]
                if companion is None:
                    contexts += [pack(1, p0, pe, ps, q[pse], q[psw], q[w], q[n]),
                                 pack(1, p0, w - pw, n - pn, q[ne] - q[pne])]
                else:
                    contexts += [pack(2, co, p0, q[w] + q[n]), pack(2, co, coc, p0, total // 2)]
                mixer.begin([c * 64 + bias & MASK for c in contexts])
                row[x + 2] = self.value(
                    bits, mixer, levels, least,
                    80 * has + 16 * min(errors, 4) + 4 * min(q[p0], 3) + min(q[w], 3),
                    16 * min(q[p0], 3) + 4 * min(q[w], 3) + min(q[n], 3))
        return plane

    @staticmethod
    def value(bits, mixer, levels, v, selector1, apm):
        most = min(8, levels - 1)
        while v < most and mixer.read(bits, v, v, selector1, apm):
            v += 1
        if v < 8 or levels <= 9:
            return v
        largest, rest, prefix = levels - 9, 0, 1
        for d in range(largest.bit_length() - 1, -1, -1):
            bit = 0
            if rest + (1 << d) <= largest:
                bit = mixer.read(bits, 16 + prefix, 8, selector1, apm)
            prefix, rest = prefix << 1 | bit, rest | bit << d
        return 8 + rest

    def edge_class(self, structure, x, y, width, height):
        if structure is None:
            return 0
        x0, y0 = x * structure.width // width, y * structure.height // height
        x1 = min(max(x0 + 1, (x + 1) * structure.width // width), x0 + 4)
        y1 = min(max(y0 + 1, (y + 1) * structure.height // height), y0 + 4)
        total = sum(min(structure.at(i, j), 3) for j in range(y0, y1) for i in range(x0, x1))
        return 1 if total == 0 else 2 if total <= 2 else 3 if total <= 5 else 4

    def distance(self, a, b):
        if a < 0 or b < 0:
            return 1 << 20
        r, g, b = (p - q for p, q in zip(self.palette[a], self.palette[b]))
        return 3 * r * r + 4 * g * g + 2 * b * b

    def label_plane(self, bits, width, height, levels, structure):
        plane, blank = Plane(width, height, -1, levels), Plane(width, height, -1)
        reference = self.label_reference
        last, before = reference.last or blank, reference.before or blank
        has, scene = int(reference.last is not None), self.coders.scene
        for y in range(height):
            for x in range(width):
                edge = self.edge_class(structure, x, y, width, height)
                w, ww, n, nn, nw, ne = (plane.at(x - 1, y), plane.at(x - 2, y), plane.at(x, y - 1),
                                        plane.at(x, y - 2), plane.at(x - 1, y - 1),
                                        plane.at(x + 1, y - 1))
                p0, pe, ps, pw, pn = (last.at(x, y), last.at(x + 1, y), last.at(x, y + 1),
                                      last.at(x - 1, y), last.at(x, y - 1))
                pse, psw, pne, pnw = (last.at(x + 1, y + 1), last.at(x - 1, y + 1),
                                      last.at(x + 1, y - 1), last.at(x - 1, y - 1))
                pp = before.at(x, y)
                candidates = distinct([v for v in (p0, w, n, ne, nw, pp, pe, ps)
                                       if 0 <= v < levels], 6)
                quiet = p0 >= 0 and all(v == p0 for v in (w, n, ne, nw, pe, ps, pw, pn))
                flat = flags(w == n, n == ne, w == nw, n == nw)
                errors = (w != pw) + (n != pn) + (ne != pne) + (nw != pnw)
                label = None
                for k, t in enumerate(candidates):
                    if k == levels - 1:
                        label = t   # unsaid: as many candidates as levels, and this is the last
                        break
                    if k == 0 and quiet:
                        yes = self.coders.quiet["labels"].read(
                            bits, ((t & 63) * 10 + 2 * edge + (pp == t)) * 4 + flags(
                                ww == t and nn == t, pse == psw == pne == pnw == t))
                    else:
                        u = candidates[k + 1] if k + 1 < len(candidates) else -1
                        around = flags(w == t, n == t, ne == t, nw == t)
                        prev = flags(p0 == t, pe == t, ps == t, pw == t, pn == t)
                        corners = flags(pse == t, psw == t, pne == t, pnw == t)
                        near, d = 0, self.distance(t, u) // 256
                        while d > 0 and near < 7:
                            near, d = near + 1, d // 3
                        self.coders.labels.begin([
                            (pack(3, *values) * 16 + 2 * k + has) & MASK for values in (
                                (around, flags(ww == t, nn == t), flat), (t, p0, w, scene),
                                (t, w, n, scene), (t, p0, pe, ps, scene),
                                (edge, around & 3, int(p0 == t), errors),
                                (around, prev, corners), (t, w, n, ne, nw, scene),
                                (t, u, candidates[0], near, scene))])
                        yes = self.coders.labels.read(
                            bits, 0, 2 * k + has,
                            40 * (around & 7) + 8 * min(errors, 4) + 4 * (p0 == t) +
                            2 * (pp == t) + (edge > 1),
                            64 * k + 16 * (around & 3) + 2 * (prev & 7) + (errors > 0))
                    if yes:
                        label = t
                        break
                if label is None:
                    label = self.rest_label(bits, levels, candidates, edge, has)
                plane.put(x, y, label)
        return plane

    def rest_label(self, bits, levels, candidates, edge, has):
        three = [candidates[0] if candidates else -1]
        for i in (1, 2):
            three.append(candidates[i] if i < len(candidates) else three[-1])
        rest = sorted((v for v in range(levels) if v not in candidates),
                      key=lambda v: (sum(self.distance(v, c) for c in three), v))
        a, b, scene, count = three[0], three[1], self.coders.scene, len(rest)
        selector1 = 2 * len(candidates) + has

        def ask(node, selector0, label):
            self.coders.rest.begin([
                0, pack(3, a, scene), pack(3, a, b, scene), pack(3, len(candidates), edge),
                pack(3, label, scene)])
            return self.coders.rest.read(bits, node, selector0, selector1, 0)

        for r, label in enumerate(rest[:24]):
            if r == count - 1 or ask(r, r, label):
                return label
        found, largest = 0, count - 25
        for d in range(largest.bit_length() - 1, -1, -1):
            if found + (1 << d) <= largest and ask(64 + d, 24 + d, rest[23]):
                found |= 1 << d
        return rest[24 + found]


def primed(path):
    """The coders after the priming data, ready to be loaded at entry points."""
    with open(path, "rb") as file:
        data = file.read()
    coders = Coders()
    while data:
        head, data = struct.unpack("<16H", data[:32]), data[32:]
        decoder, bits = Decoder(head[:2], coders), Bits(data[:head[15]])
        for i in range(head[2]):
            formats = {"structure": head[5:8], "labels": head[8:11],
                       "texture": [head[12:15]] * head[11]}
            if i:
                formats["motion"] = head[3:5] + (0,)
            decoder.frame(bits, i == 0, False, formats)
        data = data[head[15]:]
    coders.soften()
    return pickle.dumps(coders)


# Sections 1 and 2: records
def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def message(data):
    """Fields of a protobuf message: {number: [values]}; packed numbers stay bytes."""
    fields, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise Damaged("a field of an unknown type")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def signed(values):
    """sint64 fields, packed or not."""
    numbers = []
    for value in values:
        if isinstance(value, bytes):
            at = 0
            while at < len(value):
                number, at = varint(value, at)
                numbers.append(number)
        else:
            numbers.append(value)
    return [n >> 1 ^ -(n & 1) for n in numbers]


def one(fields, number, default=0):
    return fields.get(number, [default])[-1]


def records(data):
    at = 0
    while at < len(data):
        if data[at] != 0xA7:
            raise Damaged("no record where one should begin")
        kind = data[at + 1] - 0x50
        size, begin = varint(data, at + 2)
        crc = MASK
        for byte in data[at + 1:begin + size]:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        if (crc ^ MASK) & 0xFFFFFF != int.from_bytes(data[begin + size:begin + size + 3], "little"):
            raise Damaged("a record's check fails")
        yield kind, data[begin:begin + size]
        at = begin + size + 3


def plane_format(data):
    fields = message(data)
    return one(fields, 1), one(fields, 2), one(fields, 3)


class Stream:
    """Yields (pts, digest) of each coded frame. `start`: primed()."""

    def __init__(self, path, start):
        with open(path, "rb") as file:
            self.data = file.read()
        self.start = start

    def __iter__(self):
        decoder = None
        for kind, payload in records(self.data):
            if kind == 1 and decoder is None:
                header = message(payload)
                size = (one(header, 6), one(header, 7))
                numbers = [one(header, n, 0) for n in (8, 9, 10, 11)]
                step = (numbers[1] * numbers[3], numbers[0] * numbers[2])
                decoder, self.n, self.origin, self.formats = Decoder(size, None, self.start), 0, 0, {}
                self.step = step if step[1] else (0, 1)
            elif kind == 2:
                yield self.frame(decoder, payload)

    def frame(self, decoder, payload):
        head, at = varint(payload, 0)
        fields = {}
        if head & 1:
            size, at = varint(payload, at)
            fields, at = message(payload[at:at + size]), at + size
        if head & 2:
            size, at = varint(payload, at)
            at += size   # the base picture is AV1's
        entry, cut = bool(one(fields, 1) & 1), bool(one(fields, 1) & 2)
        if entry:
            self.formats, self.n = {}, one(fields, 6)
            self.origin = signed([one(fields, 7)])[0]
        told = message(one(fields, 3, b""))
        for number, name in ((1, "motion"), (2, "structure"), (3, "labels")):
            if number in told:
                self.formats[name] = plane_format(told[number][-1])
        if 4 in told:
            self.formats["texture"] = [plane_format(part) for part in told[4] for _ in range(
                max(1, one(message(part), 4)))]
        absent = one(fields, 2) | (1 if entry or cut else 0)
        present = {name: self.formats[name] for i, name in enumerate(
            ("motion", "structure", "labels", "texture"))
            if name in self.formats and not absent >> i & 1}
        steps, pts = signed(fields.get(5, [])), 0
        for i in range((head >> 2) + 1):
            self.origin += steps[i] if i < len(steps) else 0
            pts = self.origin + (2 * self.n * self.step[0] + self.step[1]) // (2 * self.step[1])
            self.n += 1
        planes = decoder.frame(Bits(payload[at:]), entry, cut, present)
        return pts, digest(*planes, decoder.palette if "labels" in present else [])


# Section 7: digests
def digest(motion, structure, labels, texture, palette):
    def numbers(*values):
        return struct.pack(f"<{len(values)}I", *values)

    def plane(p):
        return numbers(p.width, p.height, p.levels) + bytes(p.values()) if p else numbers(0, 0, 0)

    width, height, field = motion or (0, 0, [])
    data = numbers(width, height)
    for c in (0, 1):
        data += struct.pack(f"<{len(field)}h", *(vector[c] for vector in field))
    data += plane(structure) + plane(labels)
    data += numbers(len(palette)) + bytes(v for colour in palette for v in colour)
    data += numbers(len(texture)) + b"".join(map(plane, texture))
    return hashlib.md5(data).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    DATA = sys.argv[2] if len(sys.argv) == 3 else os.path.join(here, "../common/entropy/priming.bin")
    for time, text in Stream(sys.argv[1], primed(DATA)):
        print(time, text, flush=True)
