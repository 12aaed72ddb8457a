#include "training/prepare/mat_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/core/error.h"
#include "common/core/file.h"

namespace semcodec {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kHeader = 128, kMostBytes = 256U << 20;
constexpr int kMostDepth = 8;
// Types of elements, and classes of arrays.
constexpr std::uint32_t kInt8 = 1, kUint8 = 2, kInt16 = 3, kUint16 = 4, kInt32 = 5, kUint32 = 6,
                        kSingle = 7, kDouble = 9, kMatrix = 14, kCompressed = 15;
constexpr std::uint32_t kCell = 1, kStruct = 2;

/// Why a file cannot be read; becomes an Error with the file's name.
struct Damage {
  const char* what;
};

std::uint32_t number32(Bytes bytes, std::size_t at) {
  if (bytes.size() < at + 4) throw Damage{"it ends too early"};
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, 4);  // little-endian, as checked in the header
  return value;
}

struct Element {
  std::uint32_t type = 0;
  Bytes data;
};

/// Takes the next element off the front. Small ones carry their data in the tag.
Element take(Bytes& bytes) {
  const std::uint32_t tag = number32(bytes, 0), small = tag >> 16;
  const std::size_t size = small != 0 ? small : number32(bytes, 4);
  const std::size_t begin = small != 0 ? 4 : 8;
  if (size > bytes.size() || begin + size > bytes.size() || (small != 0 && size > 4)) {
    throw Damage{"an element is longer than the file"};
  }
  const Element element{small != 0 ? tag & 0xFFFF : tag, bytes.subspan(begin, size)};
  std::size_t end = begin + size;
  if (element.type != kCompressed) end = (end + 7) / 8 * 8;
  bytes = bytes.subspan(std::min(end, bytes.size()));
  return element;
}

std::vector<std::uint8_t> inflated(Bytes packed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw Damage{"zlib does not start"};
  std::vector<std::uint8_t> out;
  stream.next_in = const_cast<std::uint8_t*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  int status = Z_OK;
  while (status == Z_OK && out.size() < kMostBytes) {
    const std::size_t before = out.size();
    out.resize(before + (1U << 16));
    stream.next_out = out.data() + before;
    stream.avail_out = 1U << 16;
    status = ::inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw Damage{"a compressed element is damaged"};
  return out;
}

std::size_t size_of_type(std::uint32_t type) {
  switch (type) {
    case kInt8:
    case kUint8:
      return 1;
    case kInt16:
    case kUint16:
      return 2;
    case kInt32:
    case kUint32:
    case kSingle:
      return 4;
    case kDouble:
      return 8;
    default:
      throw Damage{"a matrix holds no numbers"};
  }
}

/// A matrix of 0 and anything else, whatever the type: column by column, as MATLAB has it.
struct Marks {
  std::uint32_t height = 0, width = 0;
  std::vector<bool> set;
};

class Reader {
 public:
  std::vector<Marks> found;

  void visit(Bytes bytes, int depth) {
    if (depth > kMostDepth) throw Damage{"its structures are nested too deeply"};
    while (bytes.size() >= 8) {
      const auto element = take(bytes);
      if (element.type == kCompressed) {
        const auto plain = inflated(element.data);
        visit(plain, depth + 1);
      } else if (element.type == kMatrix) {
        array(element.data, depth, "");
      }
    }
  }

 private:
  void array(Bytes bytes, int depth, const std::string& field) {
    if (bytes.empty()) return;  // an empty cell
    if (depth > kMostDepth) throw Damage{"its structures are nested too deeply"};
    const std::uint32_t kind = number32(take(bytes).data, 0) & 0xFF;
    const auto sizes = take(bytes).data;
    take(bytes);  // the array's name
    if (kind == kCell) {
      while (bytes.size() >= 8) array(take(bytes).data, depth + 1, field);
    } else if (kind == kStruct) {
      const std::uint32_t length = number32(take(bytes).data, 0);
      const auto names = take(bytes).data;
      if (length == 0 || names.size() % length != 0 || names.empty()) {
        throw Damage{"a structure has no fields"};
      }
      const std::size_t count = names.size() / length;
      for (std::size_t i = 0; bytes.size() >= 8; ++i) {
        const auto* name = reinterpret_cast<const char*>(names.data()) + i % count * length;
        array(take(bytes).data, depth + 1, std::string(name, ::strnlen(name, length)));
      }
    } else if (field == "Boundaries") {
      const auto values = take(bytes);
      const std::size_t each = size_of_type(values.type);
      Marks marks{number32(sizes, 0), number32(sizes, 4), {}};
      const std::uint64_t area = std::uint64_t{marks.height} * marks.width;
      if (area == 0 || values.data.size() != area * each) throw Damage{"a matrix is cut short"};
      for (std::size_t i = 0; i < area; ++i) {
        const auto one = values.data.subspan(i * each, each);
        marks.set.push_back(std::any_of(one.begin(), one.end(), [](auto b) { return b != 0; }));
      }
      found.push_back(std::move(marks));
    }
  }
};

}  // namespace

MeanAnnotation read_mat_annotation(const std::string& path) {
  const auto file = read_file(path, kMostBytes);
  const auto check = [&](bool good, const std::string& why) {
    require(good, ErrorKind::input, path + " cannot be read as BSDS' annotations: " + why + ".");
  };
  check(file.size() > kHeader && file[kHeader - 2] == 'I' && file[kHeader - 1] == 'M' &&
            file[kHeader - 3] == 1,
        "it is no little-endian MATLAB file of level 5");
  Reader reader;
  try {
    reader.visit(Bytes(file).subspan(kHeader), 0);
  } catch (const Damage& damage) {
    check(false, damage.what);
  }
  check(!reader.found.empty(), "it holds no 'Boundaries'");
  const auto& first = reader.found.front();
  MeanAnnotation out{static_cast<int>(first.width), static_cast<int>(first.height), {}};
  out.share.resize(std::size_t{first.width} * first.height);
  const auto annotators = reader.found.size();
  for (std::size_t y = 0; y < first.height; ++y) {
    for (std::size_t x = 0; x < first.width; ++x) {
      std::size_t marked = 0;
      for (const auto& marks : reader.found) {
        check(marks.width == first.width && marks.height == first.height,
              "its annotators' pictures differ in size");
        marked += marks.set[x * first.height + y] ? 1 : 0;
      }
      out.share[y * first.width + x] =
          static_cast<std::uint8_t>((marked * 255 + annotators / 2) / annotators);
    }
  }
  return out;
}

}  // namespace semcodec
