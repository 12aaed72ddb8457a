"""Section 8 of docs/format.md: base pictures, whose AV1 headers are coded."""
import copy

from .coder import MASK, Bits, Damaged, Mixer
from .planes import pack

FIELDS = """stored kind digits length sequence show_existing existing_slot type show showable resilient
no_cdf_update screen_content integer_motion size_override hint primary refresh render_size block_copy
short_references reference*7 tie precise switchable interpolation motion_modes reference_motion no_frame_end
tile_spacing tile_columns tile_rows quantiser has_dc dc separate has_uv_dc uv_dc has_uv_ac uv_ac matrices
matrix*3 segments delta_quantiser delta_step delta_filter delta_filter_step delta_filter_multi level*4 sharpness
filter_deltas filter_update has_filter_delta filter_delta damping cdef_bits cdef*12 restoration*3 unit
unit_larger unit_chroma transform_select reference_select skip_mode warped reduced_transforms global_motion
padding trailing"""
NUMBER, COUNT = {}, 0
for word in FIELDS.split():
    name, _, times = word.partition("*")
    NUMBER[name], COUNT = COUNT, COUNT + int(times or 1)
UNKNOWN, SEQUENCE, FRAME, SHOWN_AGAIN = -1000, 0, 1, 2
TYPES = {SEQUENCE: 1, FRAME: 6, SHOWN_AGAIN: 3}


def need(condition):
    if not condition:
        raise Damaged("a base picture's headers are damaged")


def distance(hint, other):
    apart = hint - other & 127
    return apart if apart < 64 else apart - 128


class Headers:
    def __init__(self):
        self.mixer = Mixer(14, 7, (COUNT, 8), 1)
        self.begin_sequence()

    def begin_sequence(self):
        self.sequence, self.slots, self.due, self.place, self.near = None, [None] * 8, 0, 0, (None, 0)
        self.last, self.by_place, self.now = [UNKNOWN] * 128, {}, [UNKNOWN] * 128

    def tree(self, field, bits, *contexts):
        number = NUMBER[field] if isinstance(field, str) else field
        values = [0, self.place + 1, *contexts]
        values += [0x10000 + i for i in range(len(values), 7)]
        self.mixer.begin([pack(1, number, v) for v in values])
        node = 1
        for i in range(bits - 1, -1, -1):
            node = 2 * node + self.mixer.read(self.bits, node, number, i, 0)
        return node - (1 << bits)

    def plain(self, field, bits, *contexts):
        value = self.tree(field, bits, *contexts)
        self.tape += [value >> i & 1 for i in range(bits - 1, -1, -1)]
        return value

    def usual(self, field, bits, more=0, most=0, plus=0):
        f = NUMBER[field] + plus
        before, here = self.last[f], self.by_place.get(self.place, [UNKNOWN] * 128)[f]
        there = self.near[0][f] if self.near[0] else UNKNOWN
        self.now[f] = self.plain(f, bits, pack(2, before), pack(3, here), pack(4, here, before),
                                 pack(5, there, self.near[1], more), pack(6, more, most))
        return self.now[f]

    def zero(self, field):
        need(self.plain(field, 1) == 0)

    def unit(self, bits):
        """[kind, bits of the headers, bytes that follow]; the last OBU shows a picture."""
        self.bits, obus, shown = bits, [], False
        while not shown:
            need(len(obus) < 16)
            has, due = int(self.sequence is not None), any(s and s[0] == self.due for s in self.slots)
            kind, self.tape = self.tree("kind", 2, pack(1, has), pack(2, has, int(due))), []
            need(kind <= 2)
            self.place, self.near = 0, (None, 0)
            shown = (self.read_sequence, self.read_frame, self.read_shown_again)[kind]()
            obus.append([kind, self.tape, self.length() if kind == FRAME and not shown else 0])
        return obus

    def length(self):
        digits = self.tree("digits", 5, pack(1, self.last[NUMBER["digits"]]))
        need(digits <= 24)
        self.last[NUMBER["digits"]], value = digits, 1
        for i in range(digits - 2, -1, -1):
            known = digits - 2 - i
            value = 2 * value + (self.tree("length", 1, pack(1, digits, value >> known, i)) if known < 2
                                 else self.bits.read(32768))
        return value if digits > 1 else digits

    def read_sequence(self):
        before = 0
        for i in range(self.tree("sequence", 5, pack(1, 0))):
            before = self.plain("sequence", 8, pack(2, i), pack(3, i, before))
        tape, at = self.tape, [0]

        def take(n):
            need(at[0] + n <= len(tape))
            at[0] += n
            return int("".join(map(str, tape[at[0] - n:at[0]])), 2)

        self.begin_sequence()
        need(take(24) == 0)     # profile, still, timing, delay, one operating point
        if take(5) > 7:
            take(1)
        w, h = take(4) + 1, take(4) + 1
        s = {"w": take(w) + 1, "h": take(h) + 1}
        need(max(s["w"], s["h"]) <= 4096 and s["w"] * s["h"] <= 4096 * 2304 and take(1) == 0)
        s["large"], _, s["warped"], _ = take(1), take(4), take(1), take(1)
        need(take(1) == 1)
        take(1)
        s["motion"] = take(1)
        s["screen"], s["integer"] = 2 if take(1) else take(1), 2
        if s["screen"]:
            s["integer"] = 2 if take(1) else take(1)
        need(take(3) == 6 and take(1) == 0)
        s["cdef"], s["restoration"] = take(1), take(1)
        need(take(2) == 0)
        need(not take(1) or (take(8), take(8), take(8)) != (1, 13, 0))
        take(3)
        s["separate"] = take(1)
        need(take(1) == 0)
        self.sequence = s
        return False

    def read_shown_again(self):
        need(self.sequence and self.plain("show_existing", 1, pack(1, 1)) == 1)
        first = next((i for i, s in enumerate(self.slots) if s and s[0] == self.due), 8)
        slot = self.slots[self.plain("existing_slot", 3, pack(1, first))]
        need(slot and not slot[1])
        self.due = slot[0] + 1 & 127
        for i in range(4, 8):
            self.plain("trailing", 1, pack(1, i))
        return True

    def read_frame(self):
        need(self.sequence)
        s, usual, plain, self.now = self.sequence, self.usual, self.plain, list(self.last)
        ahead = sorted({distance(slot[0], self.due) for slot in self.slots if slot} - set(range(-64, 0)))
        nearest, hidden, first = (ahead or [-1])[0], len(ahead), self.slots[0] is None
        need(plain("show_existing", 1, pack(1, 0)) == 0)
        inter = plain("type", 2, pack(1, int(first)))
        need(inter <= 1)
        show = usual("show", 1, nearest, 16 * first + hidden)
        if not show:
            plain("showable", 1)
        need(inter or show)
        if inter:
            self.zero("resilient")
        no_update = plain("no_cdf_update", 1)
        screen = usual("screen_content", 1) if s["screen"] == 2 else s["screen"]
        integer = 0 if not screen else plain("integer_motion", 1) if s["integer"] == 2 else s["integer"]
        self.zero("size_override")
        far = self.tree("hint", 7, pack(1, show), pack(2, show, nearest), pack(3, show, nearest, hidden),
                        pack(4, show, self.last[NUMBER["hint"]]))
        hint = self.due + far & 127
        self.tape += [hint >> i & 1 for i in range(6, -1, -1)]
        if not show:
            self.now[NUMBER["hint"]] = far
        apart = [distance(slot[0], hint) if slot else UNKNOWN for slot in self.slots]
        kinds = sorted(set(apart) - {UNKNOWN})
        behind = sum(d < 0 for d in kinds)
        past = min([min(-d, 8) for d in kinds if d < 0], default=0)
        future = min([min(d, 8) for d in kinds if d > 0], default=0)
        self.place = min(1 + show + 2 * (past + 9 * future), 162) if inter else 0
        if inter:
            usual("primary", 3)
        refresh, slots = self.refresh(apart, kinds, behind) if inter else 255, []
        if inter:
            slots = self.references(apart, kinds, behind)
        self.zero("render_size")
        if inter:
            if not integer:
                usual("precise", 1)
            if not usual("switchable", 1):
                usual("interpolation", 2)
            usual("motion_modes", 1)
            if s["motion"]:
                usual("reference_motion", 1)
            self.near = (self.slots[slots[0]][2], apart[slots[0]])
        elif screen:
            self.zero("block_copy")
        if not no_update:
            usual("no_frame_end", 1)
        plain("tile_spacing", 1)
        for name, side in (("tile_columns", s["w"]), ("tile_rows", s["h"])):
            if side > (128 if s["large"] else 64):
                self.zero(name)
        self.filters(s)
        usual("transform_select", 1)
        if inter:
            if usual("reference_select", 1):
                before = [apart[i] for i in slots if apart[i] < 0]
                if before and (any(apart[i] > 0 for i in slots) or len(set(before)) > 1):
                    usual("skip_mode", 1)
            if s["warped"]:
                usual("warped", 1)
        usual("reduced_transforms", 1)
        if inter:
            f = NUMBER["global_motion"]
            self.now[f] = int(any(plain(f, 1, pack(1, i), pack(2, self.last[f])) for i in range(7)))
        while len(self.tape) % 8:
            plain("padding", 1, pack(1, self.now[NUMBER["global_motion"]]))
        self.last = self.by_place[self.place] = self.now
        self.slots = [(hint, not inter, self.now) if refresh >> i & 1 else slot
                      for i, slot in enumerate(self.slots)]
        self.last = list(self.now)
        if show:
            self.due = hint + 1 & 127
        return bool(show)

    def refresh(self, apart, kinds, behind):
        value = chosen = 0
        for i, d in enumerate(apart):
            again, oldest = int(d in apart[:i]), int(bool(kinds) and d == kinds[0])
            rank = UNKNOWN if d == UNKNOWN else kinds.index(d) - behind
            bit = self.tree("refresh", 1, pack(1, rank, chosen), pack(2, 2 * again + oldest, apart.count(d), chosen),
                            pack(3, rank, again, chosen, self.place), pack(4, i, self.last[NUMBER["refresh"]], chosen),
                            pack(5, rank, behind, again, chosen))
            value, chosen = value | bit << i, chosen + bit
        self.tape += [value >> i & 1 for i in range(7, -1, -1)]
        self.now[NUMBER["refresh"]] = value
        return value

    def references(self, apart, kinds, behind):
        self.zero("short_references")
        need(kinds)
        slots, before = [], 0
        for i in range(7):
            f = NUMBER["reference"] + i
            here, last = self.by_place.get(self.place, [UNKNOWN] * 128)[f], self.last[f]
            at = self.tree(f, 3, pack(1, behind, len(kinds)), pack(2, before, behind, len(kinds)),
                           pack(3, here, behind), pack(4, here, last, behind), pack(5, before, here))
            need(at < len(kinds))
            before = self.now[f] = at - behind
            holders = [j for j in range(8) if apart[j] == kinds[at]]
            which = self.tree("tie", 3, pack(1, len(holders), f)) if len(holders) > 1 else 0
            need(which < len(holders))
            slots.append(holders[which])
            self.tape += [slots[-1] >> k & 1 for k in (2, 1, 0)]
        return slots

    def filters(self, s):
        usual, plain = self.usual, self.plain
        quantiser = usual("quantiser", 8)
        need(quantiser > 0)
        for name in ("dc", "separate", "uv_dc", "uv_ac"):
            if name == "separate":
                if s["separate"]:
                    self.zero(name)
            elif plain("has_" + name, 1):
                usual(name, 7)
        if plain("matrices", 1):
            for i in range(2 + s["separate"]):
                usual("matrix", 4, plus=i)
        self.zero("segments")
        if usual("delta_quantiser", 1):
            usual("delta_step", 2)
            if usual("delta_filter", 1):
                usual("delta_filter_step", 2)
                usual("delta_filter_multi", 1)
        q = quantiser >> 3
        first = usual("level", 6, q)
        second = usual("level", 6, first, q, plus=1)
        if first or second:
            third = usual("level", 6, first, second, plus=2)
            usual("level", 6, third, q, plus=3)
        usual("sharpness", 3)
        if usual("filter_deltas", 1) and usual("filter_update", 1):
            for i in range(10):
                if plain("has_filter_delta", 1, pack(1, i)):
                    plain("filter_delta", 7, pack(1, i))
        if s["cdef"]:
            usual("damping", 2)
            bits = usual("cdef_bits", 2)
            for i in range(1 << bits):
                before = quantiser >> 4
                for part in range(4):
                    before = usual("cdef", 2 if part % 2 else 4, before, bits, plus=4 * min(i, 2) + part)
        if s["restoration"]:
            types = [usual("restoration", 2)]
            types += [usual("restoration", 2, types[0], plus=i) for i in (1, 2)]
            if any(types):
                if usual("unit", 1) and not s["large"]:
                    usual("unit_larger", 1)
                if types[1] or types[2]:
                    usual("unit_chroma", 1)


def primed(path):
    """The headers' coder after the built-in data."""
    with open(path, "rb") as file:
        data = file.read()
    headers, bits = Headers(), Bits(data[2:])
    for _ in range(int.from_bytes(data[:2], "little")):
        if bits.read(32768):
            headers.begin_sequence()
        headers.unit(bits)
    headers.begin_sequence()
    headers.mixer.limit_adaptation()
    return headers


class Units:
    def __init__(self, start):
        self.start, self.headers = start, None

    def unpack(self, data, entry):
        if entry:
            self.headers = copy.deepcopy(self.start)
        bits, headers = Bits(data), self.headers
        headers.bits = bits
        stored = headers.tree("stored", 1)
        obus = [] if stored else headers.unit(bits)
        rest = data[bits.delimited_size():]
        if stored:
            return rest
        if obus[-1][0] == FRAME:
            obus[-1][2] = len(rest) - sum(tail for _, _, tail in obus)
        unit = b""
        for kind, tape, tail in obus:
            need(tail >= 0)
            payload = bytes(int("".join(map(str, tape[i:i + 8])), 2) for i in range(0, len(tape), 8)) + rest[:tail]
            size, length = len(payload), b""
            while size >= 128:
                size, length = size >> 7, length + bytes([size & 127 | 128])
            unit, rest = unit + bytes([TYPES[kind] << 3 | 2]) + length + bytes([size]) + payload, rest[tail:]
        need(not rest)
        return unit
