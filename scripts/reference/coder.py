"""Sections 3 to 5 of docs/format.md: arithmetic decoder, tables, context mixing."""

MASK = 0xFFFFFFFF


class Damaged(Exception):
    """The bytes are no sound stream."""


def clamp(v, low, high):
    return low if v < low else high if v > high else v


# Section 3
class Bits:
    def __init__(self, chunk):
        self.chunk, self.position, self.low, self.high = chunk, 4, 0, MASK
        self.code = int.from_bytes((chunk + bytes(4))[:4], "big")

    def read(self, p):
        mid = self.low + ((self.high - self.low) * p >> 16)
        bit = int(self.code <= mid)
        self.low, self.high = (self.low, mid) if bit else (mid + 1, self.high)
        while (self.low ^ self.high) >> 24 == 0:
            byte = self.chunk[self.position] if self.position < len(self.chunk) else 0
            self.position += 1
            if self.position > len(self.chunk) + 8:
                raise Damaged("the chunk ends too early")
            self.low, self.high = self.low << 8 & MASK, (self.high << 8 & MASK) | 255
            self.code = (self.code << 8 & MASK) | byte
        return bit

    def delimited_size(self):
        """Of a chunk that tells its own length, behind the last decision."""
        count = 0
        while count < 4:
            unit = 1 << 8 * (4 - count)
            if (self.low + unit - 1) // unit * unit + unit - 1 <= self.high:
                break
            count += 1
        return self.position - 4 + count


# Section 4: tables
def _tables():
    squash, stretch, power, x = [0] * 5119, [], 1 << 32, -2559
    for i in range(2560):
        squash[2559 + i] = (1 << 48) // ((1 << 32) + power)
        squash[2559 - i] = 65536 - squash[2559 + i]
        power = power * 0xFF007FD5 >> 32
    for i in range(4096):
        while x < 2559 and squash[x + 2559] < 16 * i + 8:
            x += 1
        stretch.append(x)
    return squash, stretch


SQUASH, STRETCH = _tables()


def rate(n):
    return 65536 // (2 * n + 3)


def adapt(p, bit, r):
    return p + (((65535 if bit else 0) - p) * r + 16384 >> 15)


# Section 5: the mixer
def next_history(h, bit):
    counts = [h >> 5, h >> 2 & 7]   # zeros, ones
    counts[bit] = min(counts[bit] + 1, 7)
    if counts[1 - bit] > 2:
        counts[1 - bit] = (counts[1 - bit] + 2) // 2
    return counts[0] << 5 | counts[1] << 2 | (h << 1 | bit) & 3


def fresh_history(h):
    zeros, ones = h >> 5, h >> 2 & 7
    return [(10 * ones + 3) * 65535 // (10 * (ones + zeros) + 6), 6]


def moved_weights(weights, x, gain):
    return [clamp(w + ((v * gain + 8192) >> 14), -262144, 262144) for w, v in zip(weights, x)]


def dot(weights, x):
    return clamp(sum((w >> 4) * v for w, v in zip(weights, x)) >> 12, -2559, 2559)


class Mixer:
    def __init__(self, bits, contexts, selectors, apms):
        self.shift, self.slots = 32 - bits, {}   # index: (check, p, count, history)
        self.weights = [[[120000 // (2 * contexts)] * (2 * contexts) for _ in range(n)] for n in selectors]
        self.ages = [[0] * n for n in selectors]
        self.last = [[32768, 32768] for _ in range(selectors[0])]
        self.apm = [[SQUASH[clamp((j - 16) * 128, -2559, 2559) + 2559] for j in range(33)] for _ in range(apms)]
        self.histories = [[fresh_history(h) for h in range(256)] for _ in range(contexts)]

    def begin(self, values):
        """Sets the contexts of the decisions to come."""
        self.hashes = []
        for i, value in enumerate(values):
            h = (value + 1 + i * 0x3C6EF372) * 0x9E3779B1 & MASK
            h = (h ^ h >> 15) * 0x2C1B3C6D & MASK
            self.hashes.append(h ^ h >> 13)

    def look_up(self, h, node):
        index = ((h + (node >> 3) * 0x9E3779B1 & MASK) >> self.shift) ^ (node & 7)
        check, fresh = h + node * 0x9E35 & 0xFFFF, (0, 32768, 0, 0)
        slot, other = self.slots.get(index, fresh), self.slots.get(index ^ 1, fresh)
        if slot[0] == check:
            return index, slot
        if other[0] == check:
            return index ^ 1, other
        return index ^ (other[2] < slot[2]), (check, 32768, 0, 0)

    def read(self, bits, node, selector0, selector1, apm):
        found, x, selected = [self.look_up(h, node) for h in self.hashes], [], (selector0, selector1)
        for table, (_, (_, p, count, history)) in zip(self.histories, found):
            x.append(STRETCH[p >> 4] * (65536 * count // (count + 1)) >> 16)
            x.append(STRETCH[table[history][0] >> 4])
        outs = [dot(self.weights[g][selected[g]], x) for g in (0, 1)]
        mixed = dot(self.last[selector0], outs)
        m, s, entries = SQUASH[mixed + 2559], clamp(mixed, -2047, 2047) + 2048, self.apm[apm]
        low, f = s >> 7, s & 127
        a = (entries[low] * (128 - f) + entries[low + 1] * f) >> 7
        bit = bits.read(clamp((m * 5 + a * 3) >> 3, 2, 65534))

        for g, chosen in enumerate(selected):
            age = self.ages[g][chosen]
            gain = (65536 * bit - SQUASH[outs[g] + 2559]) * (130 + 470 * 200 // (200 + age)) >> 10
            self.ages[g][chosen] = min(age + 1, 4095)
            self.weights[g][chosen] = moved_weights(self.weights[g][chosen], x, gain)
        self.last[selector0] = moved_weights(self.last[selector0], outs, (65536 * bit - m) * 50 >> 10)
        for table, (index, (check, p, count, history)) in zip(self.histories, found):
            entry = table[history]
            entry[:] = adapt(entry[0], bit, rate(entry[1])), min(entry[1] + 1, 255)
            self.slots[index] = (check, adapt(p, bit, rate(count)), min(count + 1, 127), next_history(history, bit))
        entries[low + (f >= 64)] = adapt(entries[low + (f >= 64)], bit, 655)
        return bit

    def limit_adaptation(self):
        self.slots = {i: (c, p, min(n, 4), h) for i, (c, p, n, h) in self.slots.items()}
        self.histories = [[[p, min(n, 60)] for p, n in table] for table in self.histories]
        self.ages = [[min(age, 200) for age in group] for group in self.ages]


class SkipModel:
    """Cells whose surroundings agree."""

    def __init__(self, count):
        self.entries = [(32768, 0)] * count

    def read(self, bits, context):
        p, uses = self.entries[context]
        bit = bits.read(clamp(p, 16, 65520))
        self.entries[context] = adapt(p, bit, rate(uses)), min(uses + 1, 255)
        return bit

    def limit_adaptation(self):
        self.entries = [(p, min(uses, 60)) for p, uses in self.entries]
