"""Reads tensors out of files that torch.save wrote, with nothing but the Python library.

Both formats are known: the zip archive (torch >= 1.6) and the older sequence of pickles. A pickle
is a program, so the unpickler here knows no names but the few that rebuild tensors, and maps even
those to harmless stand-ins: no code of a file ever runs, and torch itself is not needed.
"""
import collections
import io
import pickle
import struct
import zipfile

# Name of torch's storage class -> (safetensors dtype, bytes an element).
STORAGES = {
    "FloatStorage": ("F32", 4),
    "DoubleStorage": ("F64", 8),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ByteStorage": ("U8", 1),
}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
MAX_PICKLE = 64 << 20


class BadFile(Exception):
    """The file is not what it should be; the text is a sentence for people."""


StorageType = collections.namedtuple("StorageType", "dtype item_size")


class Storage:
    """The bytes behind one or more tensors; filled late in the older format."""

    def __init__(self, kind, count):
        if not isinstance(kind, StorageType) or not isinstance(count, int) or count < 0:
            raise BadFile("a storage is described wrongly")
        self.kind = kind
        self.count = count
        self.data = None


class Tensor:
    """A view into a storage: offset, shape and strides count elements."""

    def __init__(self, storage, offset, shape, strides):
        numbers = [offset, *shape, *strides]
        if not isinstance(storage, Storage) or len(shape) != len(strides):
            raise BadFile("a tensor is described wrongly")
        if any(not isinstance(n, int) or n < 0 for n in numbers):
            raise BadFile("a tensor has a negative or odd size")
        self.storage, self.offset = storage, offset
        self.shape, self.strides = tuple(shape), tuple(strides)
        last = offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides))
        if self.count() and last >= storage.count:
            raise BadFile("a tensor reaches beyond its storage")

    @property
    def dtype(self):
        return self.storage.kind.dtype

    def count(self):
        total = 1
        for n in self.shape:
            total *= n
        return total

    def is_contiguous(self):
        expected = 1
        for n, stride in zip(reversed(self.shape), reversed(self.strides)):
            if n != 1 and stride != expected:
                return False
            expected *= n
        return True

    def tobytes(self):
        """The elements in row-major order, little-endian."""
        size = self.storage.kind.item_size
        data = self.storage.data
        if data is None or len(data) != self.storage.count * size:
            raise BadFile("the bytes of a tensor are missing")
        if self.count() == 0:
            return b""
        if self.is_contiguous():
            return bytes(data[self.offset * size:(self.offset + self.count()) * size])
        out = bytearray()
        index = [0] * len(self.shape)
        for _ in range(self.count()):
            at = (self.offset + sum(i * s for i, s in zip(index, self.strides))) * size
            out += data[at:at + size]
            for axis in reversed(range(len(index))):
                index[axis] += 1
                if index[axis] < self.shape[axis]:
                    break
                index[axis] = 0
        return bytes(out)


def _rebuild_tensor(storage, offset, shape, strides, *_):
    return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor, *_):
    if not isinstance(tensor, Tensor):
        raise BadFile("a parameter is described wrongly")
    return tensor


class _Unpickler(pickle.Unpickler):
    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    }

    def __init__(self, stream, find_storage):
        super().__init__(stream, encoding="utf-8")
        self._find_storage = find_storage

    def find_class(self, module, name):
        if (module, name) in self.ALLOWED:
            return self.ALLOWED[module, name]
        if module == "torch" and name in STORAGES:
            return StorageType(*STORAGES[name])
        raise BadFile(f"it holds more than tensors ({module}.{name}); export its state_dict alone")

    def persistent_load(self, pid):
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise BadFile("it refers to something that is not a storage")
        return self._find_storage(pid)


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise BadFile("it is a zip archive, but not one that torch.save wrote")
        root = pickles[0][:-len("data.pkl")]
        if entries[pickles[0]].file_size > MAX_PICKLE:
            raise BadFile("its pickle is too large")
        if root + "byteorder" in entries and archive.read(root + "byteorder") != b"little":
            raise BadFile("it was written on a big-endian machine")
        storages = {}

        def find_storage(pid):
            _, kind, key, _, count = pid[:5]
            if key not in storages:
                storage = Storage(kind, count)
                info = entries.get(f"{root}data/{key}")
                if info is None or info.file_size != count * kind.item_size:
                    raise BadFile(f"its storage {key!r} is missing or has another size")
                if info.compress_type != zipfile.ZIP_STORED:
                    raise BadFile("its storages are compressed, which torch.save never does")
                storage.data = archive.read(info)
                storages[key] = storage
            return storages[key]

        return _Unpickler(io.BytesIO(archive.read(pickles[0])), find_storage).load()


def _read_legacy(path):
    storages = {}

    def find_storage(pid):
        _, kind, key, _, count = pid[:5]
        if len(pid) > 5 and pid[5] is not None:
            raise BadFile("it uses storage views, which torch no longer writes")
        if key not in storages:
            storages[key] = Storage(kind, count)
        return storages[key]

    with open(path, "rb") as stream:
        def load():
            return _Unpickler(stream, find_storage).load()

        if load() != LEGACY_MAGIC:
            raise BadFile("it is no file of torch.save")
        load()  # protocol version
        system = load()
        if not isinstance(system, dict) or not system.get("little_endian", True):
            raise BadFile("it was written on a big-endian machine")
        content = load()
        for key in load():
            if key not in storages:
                raise BadFile("it lists a storage that no tensor uses")
            storage = storages[key]
            count, = struct.unpack("<q", _exactly(stream, 8))
            if count != storage.count:
                raise BadFile(f"its storage {key!r} has another size than its tensors say")
            storage.data = _exactly(stream, count * storage.kind.item_size)
    return content


def _exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise BadFile("it is cut off")
    return data


def load(path):
    """The object that torch.save stored, with Tensor in place of tensors. Raises BadFile."""
    try:
        with open(path, "rb") as stream:
            magic = stream.read(4)
        return _read_zip(path) if magic == b"PK\x03\x04" else _read_legacy(path)
    except BadFile:
        raise
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, TypeError, KeyError,
            IndexError, AttributeError, struct.error, UnicodeDecodeError, MemoryError,
            RecursionError, NotImplementedError, OverflowError) as error:
        raise BadFile(f"it cannot be read ({type(error).__name__}: {error})") from error
