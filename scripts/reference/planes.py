"""Section 6 of docs/format.md: motion, palette, edge maps, textures and labels."""
import pickle
import struct

from .coder import MASK, Bits, Damaged, Mixer, SkipModel, clamp

HERE, EAST, SOUTH, WEST, NORTH = (0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)
CAUSAL = (WEST, (-2, 0), NORTH, (0, -2), (-1, -1), (1, -1))
ALL = (HERE, EAST, SOUTH, WEST, NORTH, (1, 1), (-1, 1), (1, -1), (-1, -1))


class Coders:
    """Everything that learns."""

    def __init__(self):
        self.structure, self.texture = Mixer(17, 8, (9, 160), 64), Mixer(17, 8, (9, 160), 64)
        self.labels, self.rest = Mixer(17, 8, (12, 320), 384), Mixer(12, 5, (32, 16), 1)
        self.vectors, self.numbers = Mixer(14, 8, (8, 64), 64), Mixer(12, 8, (32, 32), 1)
        self.colours = Mixer(12, 5, (32, 32), 1)
        self.skip_structure, self.skip_texture, self.skip_labels = SkipModel(128), SkipModel(128), SkipModel(2560)
        self.scene = 0


def pack(k, *values):
    h = 0
    for v in values:
        h = (h * 0x2F0B4C47 + v + k) & MASK
    return h


def digits(v):
    return abs(v).bit_length() + (16 if v < 0 else 0)


def fine(v):
    return v + 2 if abs(v) <= 2 else digits(v) + 8


def flags(*conditions):
    return sum(1 << i for i, c in enumerate(conditions) if c)


def distinct(values, most):
    return list(dict.fromkeys(values))[:most]


def read_number(mixer, bits, kind, contexts):
    mixer.begin([value * 8 + kind & MASK for value in contexts])
    if not mixer.read(bits, 0, 4 * kind, 0, 0):
        return 0
    negative, d, value = mixer.read(bits, 1, 4 * kind + 1, 1, 0), 1, 1
    while d < 12 and mixer.read(bits, 1 + d, 4 * kind + 2, 2 + d, 0):
        d += 1
    for i in range(d - 2, -1, -1):
        node = 32 + (16 * d + i) * 8 + (value if d - 2 - i < 2 else 4)
        value = value << 1 | mixer.read(bits, node, 4 * kind + 3, 15 + i, 0)
    return -value if negative else value


class Plane:
    """Values with a border around."""

    def __init__(self, width, height, outside, levels=0):
        self.width, self.height, self.outside, self.levels = width, height, outside, levels
        self.rows = [[outside] * (width + 4) for _ in range(height + 4)]

    def near(self, x, y, offsets):
        return [self.rows[y + dy + 2][x + dx + 2] for dx, dy in offsets]

    def put(self, x, y, value):
        self.rows[y + 2][x + 2] = value

    def moved(self, motion, size):
        result, (width, height, field) = Plane(self.width, self.height, self.outside), motion
        for y in range(self.height):
            for x in range(self.width):
                dx, dy = field[y * height // self.height * width + x * width // self.width]
                sx = clamp(x + (2 * dx * self.width + 4 * size[0]) // (8 * size[0]), 0, self.width - 1)
                sy = clamp(y + (2 * dy * self.height + 4 * size[1]) // (8 * size[1]), 0, self.height - 1)
                result.put(x, y, self.rows[sy + 2][sx + 2])
        return result


class Decoder:
    """The planes of one stream (or of one pretraining sequence), frame by frame."""

    def __init__(self, size, coders, start=None):
        self.size, self.coders, self.start, self.counter, self.palette = size, coders, start, 0, []
        self.forget()

    def forget(self):
        self.field, self.references = None, {}   # kind: [last, before]

    def reference(self, kind, motion, width, height):
        planes = self.references.get(kind, [None, None])
        if planes[0] and (planes[0].width, planes[0].height) != (width, height):
            planes = [None, None]
        return [p and motion and p.moved(motion, self.size) or p for p in planes]

    def begin(self, entry, cut):
        if entry:
            self.coders = pickle.loads(self.start) if self.start else self.coders
            self.palette, self.counter = [], 15
        if entry or cut:
            self.forget()
            self.coders.scene += 1

    def frame(self, bits, entry, cut, formats):
        """formats: {kind: (width, height, levels)}, texture a list; only what is present."""
        self.begin(entry, cut)
        number = sum(bits.read(32768) << i for i in (3, 2, 1, 0))
        if not entry and number != (self.counter + 1) & 15:
            raise Damaged("a frame is missing")
        self.counter, c = number, self.coders
        motion = self.motion(bits, *formats["motion"][:2]) if "motion" in formats else None
        if "labels" in formats:
            self.colours(bits, formats["labels"][2])
        structure, labels, texture, known = None, None, [], {}
        if "structure" in formats:
            known["structure"] = self.reference("structure", motion, *formats["structure"][:2])
            structure = self.plane(bits, c.structure, c.skip_structure, formats["structure"], 0,
                                   known["structure"], None)
            known["structure"] = [structure, known["structure"][0]]
        if "labels" in formats:
            before = self.reference("labels", motion, *formats["labels"][:2])
            labels = self.label_plane(bits, *formats["labels"], structure, before)
            known["labels"] = [labels, before[0]]
        for i, form in enumerate(formats.get("texture", [])):
            before = self.reference(i, motion, *form[:2])
            same = i and form[:2] == formats["texture"][i - 1][:2]
            texture.append(self.plane(bits, c.texture, c.skip_texture, form, i, before,
                                      known[i - 1] if same else None))
            known[i] = [texture[-1], before[0]]
        self.references.update(known)
        return motion, structure, labels, texture

    def motion(self, bits, width, height):
        old = self.field[2] if self.field and self.field[:2] == (width, height) else None
        has, field = int(old is not None), []
        for i in range(width * height):
            x, y = i % width, i // width
            p0 = old[i] if old else (0, 0)
            pe, ps, pw, pn = (old[i + step] if old and inside else p0 for step, inside in (
                (1, x + 1 < width), (width, y + 1 < height), (-1, x > 0), (-width, y > 0)))
            w = field[i - 1] if x else field[i - width] if y else p0
            n = field[i - width] if y else w
            ne, nw = field[i - width + 1] if y and x + 1 < width else n, field[i - width - 1] if y and x else n
            ww, nn = field[i - 2] if x > 1 else w, field[i - 2 * width] if y > 1 else n
            middle = tuple(sorted((w[c], n[c], ne[c]))[1] for c in (0, 1))
            candidates = distinct((middle, w, n, ne, p0, nw, pe, ps), 4)
            flat, same = flags(w == n, n == ne, w == nw, n == nw), flags(w == pw, n == pn)
            settled, vector = flags(p0 == pw, p0 == pn, p0 == pe, p0 == ps), None
            for k, t in enumerate(candidates):
                u = candidates[min(k + 1, len(candidates) - 1)]
                around, wider = flags(w == t, n == t, ne == t, nw == t), flags(ww == t, nn == t)
                before = flags(p0 == t, pe == t, ps == t, pw == t, pn == t)
                apart, size = digits(abs(u[0] - t[0]) + abs(u[1] - t[1])), digits(abs(t[0]) + abs(t[1]))
                self.coders.vectors.begin([(pack(1, *values) * 16 + 2 * k + has) & MASK for values in (
                    (around, flat), (around, flat, wider), (before, same, around & 3), (around, before),
                    (apart, around, len(candidates)), (settled, before, same), (size, flat, around), t)])
                selector = 8 * (around & 7) + 4 * (p0 == t) + 2 * (t == (0, 0)) + (wider == 3)
                if self.coders.vectors.read(bits, 0, 2 * k + has, selector, 16 * k + flat):
                    vector = t
                    break
            field.append(vector or self.new_vector(bits, middle, w, n, ne, nw, p0))
        self.field = (width, height, field)
        return self.field

    def new_vector(self, bits, middle, *vectors):
        parts, r = [], fine(0)
        for kind, m in enumerate(middle):
            w, n, ne, nw, p = (v[kind] for v in vectors)
            spread, gap = digits(max(w, n, ne) - min(w, n, ne)), digits(p - m)
            value = read_number(self.coders.numbers, bits, kind, [
                0, spread, gap, r, pack(1, spread, gap), pack(1, fine(w - m), fine(n - m), fine(ne - m)),
                pack(1, r, fine(p - m), fine(w - m)), pack(1, fine(w + n - nw - m))])
            parts.append(clamp(m + value, -1024, 1023))
            r = fine(parts[0] - middle[0])
        return tuple(parts)

    def colours(self, bits, count):
        result, above = [], 0
        for i in range(count):
            known = i < len(self.palette)
            base = self.palette[i] if known else result[-1] if result else (128, 128, 128)
            colour, green, just = [0, 0, 0], 0, 0
            for part in (1, 0, 2):
                predicted, a, b = clamp(base[part] + green, 0, 255), digits(green), digits(just)
                just = read_number(self.coders.colours, bits, part + (0 if known else 3),
                                   [0, a, b, digits(above), pack(0, a, b)])
                colour[part] = clamp(predicted + just, 0, 255)
                green = just if part == 1 else green
            above = green
            result.append(tuple(colour))
        self.palette = result

    def plane(self, bits, mixer, skip, form, channel, reference, companion):
        (width, height, levels), scene = form, self.coders.scene
        plane, blank = Plane(width, height, 0, levels), Plane(width, height, 0)
        last, before = reference[0] or blank, reference[1] or blank
        has, bias = int(reference[0] is not None), 4 * channel + flags(*reference)
        q = [v if levels <= 4 else 4 * v // levels for v in range(levels)]
        for y in range(height):
            for x in range(width):
                w, ww, n, nn, nw, ne = plane.near(x, y, CAUSAL)
                p0, pe, ps, pw, pn, pse, psw, pne, pnw = last.near(x, y, ALL)
                (pp,), least = before.near(x, y, [HERE]), 0
                if has and companion is None and not (w or n or nw or ne or p0 or pe or ps or pw or pn):
                    at = 8 * (16 * y // height) + flags(pp, ww or nn, pse or psw or pne or pnw)
                    least = skip.read(bits, at)
                    if not least:
                        continue
                co, coc = ((p.near(x, y, [HERE])[0] if p else 0) for p in companion or (None, None))
                errors = (q[w] != q[pw]) + (q[n] != q[pn]) + (q[ne] != q[pne]) + (q[nw] != q[pnw])
                contexts = [
                    pack(1, w, n, nw, ne), pack(1, p0, pe, ps, pw, pn),
                    pack(1, q[w], q[n], q[nw], q[ne], q[ww], q[nn]), pack(1, p0, pp, errors, q[w]),
                    pack(1, p0, pp, w, n, co), pack(1, y * 16 // height, x * 16 // width, q[p0], scene)]
                if companion is None:
                    contexts += [pack(1, p0, pe, ps, q[pse], q[psw], q[w], q[n]),
                                 pack(1, p0, w - pw, n - pn, q[ne] - q[pne])]
                else:
                    contexts += [pack(2, co, p0, q[w] + q[n]),
                                 pack(2, co, coc, p0, (2 * (q[w] + q[n]) + q[nw] + q[ne]) // 2)]
                mixer.begin([c * 64 + bias & MASK for c in contexts])
                here, west, north = min(q[p0], 3), min(q[w], 3), min(q[n], 3)
                plane.put(x, y, self.value(bits, mixer, levels, least, (
                    80 * has + 16 * min(errors, 4) + 4 * here + west, 16 * here + 4 * west + north)))
        return plane

    @staticmethod
    def value(bits, mixer, levels, v, selectors):
        while v < min(8, levels - 1) and mixer.read(bits, v, v, *selectors):
            v += 1
        if v < 8 or levels <= 9:
            return v
        largest, rest, prefix = levels - 9, 0, 1
        for d in range(largest.bit_length() - 1, -1, -1):
            fits = rest + (1 << d) <= largest
            bit = mixer.read(bits, 16 + prefix, 8, *selectors) if fits else 0
            prefix, rest = prefix << 1 | bit, rest | bit << d
        return 8 + rest

    @staticmethod
    def edge_class(structure, x, y, width, height):
        if structure is None:
            return 0
        x0, y0 = x * structure.width // width, y * structure.height // height
        x1 = clamp((x + 1) * structure.width // width, x0 + 1, x0 + 4)
        y1 = clamp((y + 1) * structure.height // height, y0 + 1, y0 + 4)
        total = sum(min(v, 3) for row in structure.rows[y0 + 2:y1 + 2] for v in row[x0 + 2:x1 + 2])
        return 1 if total == 0 else 2 if total <= 2 else 3 if total <= 5 else 4

    def distance(self, a, b):
        if a < 0 or b < 0:
            return 1 << 20
        return sum(k * (p - q) ** 2 for k, p, q in zip((3, 4, 2), self.palette[a], self.palette[b]))

    def label_plane(self, bits, width, height, levels, structure, reference):
        plane, blank = Plane(width, height, -1, levels), Plane(width, height, -1)
        last, before = reference[0] or blank, reference[1] or blank
        has, scene, mixer = int(reference[0] is not None), self.coders.scene, self.coders.labels
        for y in range(height):
            for x in range(width):
                edge, label = self.edge_class(structure, x, y, width, height), None
                w, ww, n, nn, nw, ne = plane.near(x, y, CAUSAL)
                p0, pe, ps, pw, pn, pse, psw, pne, pnw = last.near(x, y, ALL)
                (pp,) = before.near(x, y, [HERE])
                candidates = distinct((v for v in (p0, w, n, ne, nw, pp, pe, ps) if 0 <= v < levels), 6)
                skip = p0 >= 0 and {p0} == {w, n, ne, nw, pe, ps, pw, pn}
                flat = flags(w == n, n == ne, w == nw, n == nw)
                errors = (w != pw) + (n != pn) + (ne != pne) + (nw != pnw)
                for k, t in enumerate(candidates):
                    around, wider = flags(w == t, n == t, ne == t, nw == t), flags(ww == t, nn == t)
                    prev = flags(p0 == t, pe == t, ps == t, pw == t, pn == t)
                    corners = flags(pse == t, psw == t, pne == t, pnw == t)
                    if k == levels - 1:
                        yes = True   # as many candidates as levels: the last one is not said
                    elif k == 0 and skip:
                        at = ((t & 63) * 10 + 2 * edge + (pp == t)) * 4 + flags(wider == 3, corners == 15)
                        yes = self.coders.skip_labels.read(bits, at)
                    else:
                        u, near = candidates[k + 1] if k + 1 < len(candidates) else -1, 0
                        d = self.distance(t, u) // 256
                        while d > 0 and near < 7:
                            near, d = near + 1, d // 3
                        mixer.begin([(pack(3, *values) * 16 + 2 * k + has) & MASK for values in (
                            (around, wider, flat), (t, p0, w, scene), (t, w, n, scene), (t, p0, pe, ps, scene),
                            (edge, around & 3, int(p0 == t), errors), (around, prev, corners),
                            (t, w, n, ne, nw, scene), (t, u, candidates[0], near, scene))])
                        yes = mixer.read(
                            bits, 0, 2 * k + has,
                            40 * (around & 7) + 8 * min(errors, 4) + 4 * (p0 == t) + 2 * (pp == t) + (edge > 1),
                            64 * k + 16 * (around & 3) + 2 * (prev & 7) + (errors > 0))
                    if yes:
                        label = t
                        break
                if label is None:
                    label = self.rest_label(bits, levels, candidates, edge, has)
                plane.put(x, y, label)
        return plane

    def rest_label(self, bits, levels, candidates, edge, has):
        a = candidates[0] if candidates else -1
        b = candidates[1] if len(candidates) > 1 else a
        c, scene = candidates[2] if len(candidates) > 2 else b, self.coders.scene
        rest = sorted((v for v in range(levels) if v not in candidates),
                      key=lambda v: sum(self.distance(v, near) for near in (a, b, c)))

        def ask(node, selector0, label):
            self.coders.rest.begin([0, pack(3, a, scene), pack(3, a, b, scene),
                                    pack(3, len(candidates), edge), pack(3, label, scene)])
            return self.coders.rest.read(bits, node, selector0, 2 * len(candidates) + has, 0)

        for r, label in enumerate(rest[:24]):
            if r == len(rest) - 1 or ask(r, r, label):
                return label
        found, largest = 0, len(rest) - 25
        for d in range(largest.bit_length() - 1, -1, -1):
            if found + (1 << d) <= largest and ask(64 + d, 24 + d, rest[23]):
                found |= 1 << d
        return rest[24 + found]


def primed(path):
    """The coders after the pretraining data, as entry points load them."""
    with open(path, "rb") as file:
        data, coders = file.read(), Coders()
    while data:
        head, chunk = struct.unpack("<16H", data[:32]), data[32:]
        decoder, bits = Decoder(head[:2], coders), Bits(chunk[:head[15]])
        formats = {"structure": head[5:8], "labels": head[8:11], "texture": [head[12:15]] * head[11]}
        for i in range(head[2]):
            decoder.frame(bits, i == 0, False, {**formats, "motion": head[3:5]} if i else formats)
        data = chunk[head[15]:]
    for part in vars(coders).values():
        if part is not coders.scene:
            part.limit_adaptation()
    return pickle.dumps(coders)
