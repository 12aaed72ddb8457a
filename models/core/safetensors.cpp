#include "models/core/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/little_endian.h"

namespace semcodec {
namespace {

using nlohmann::json;

struct DtypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr DtypeName kDtypes[] = {{"F32", torch::kFloat32},
                                 {"F16", torch::kFloat16},
                                 {"BF16", torch::kBFloat16},
                                 {"I64", torch::kInt64},
                                 {"U8", torch::kUInt8}};

/// Dimensions beyond this have no use in a network and would only stress torch.
constexpr std::size_t kMaxRank = 8;

struct Entry {
  std::string name;
  torch::ScalarType type{};
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

[[noreturn]] void corrupt(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::corrupt,
              path + " is not a sound safetensors file: " + what + "; fetch or write it again.");
}

std::optional<std::uint64_t> non_negative(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return std::nullopt;
}

/// One header entry, checked except for its place among the others.
Entry parse_entry(const std::string& path, const std::string& name, const json& value,
                  std::uint64_t data_bytes) {
  const std::string who = "tensor '" + name.substr(0, 80) + "' ";
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    corrupt(path, who + "lacks dtype, shape or data_offsets");
  }
  Entry entry;
  entry.name = name;
  const json& dtype = value["dtype"];
  const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes), [&](const DtypeName& d) {
    return dtype.is_string() && dtype.get<std::string>() == d.name;
  });
  if (known == std::end(kDtypes)) {
    corrupt(path, who + "has a dtype other than F32, F16, BF16, I64 and U8");
  }
  entry.type = known->type;

  const json& shape = value["shape"];
  if (!shape.is_array() || shape.size() > kMaxRank) corrupt(path, who + "has a malformed shape");
  std::uint64_t bytes = torch::elementSize(entry.type);
  for (const json& dimension : shape) {
    const auto size = non_negative(dimension);
    if (!size) corrupt(path, who + "has a malformed shape");
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (*size > kMost || (*size != 0 && bytes > kMost / *size)) {
      corrupt(path, who + "has a shape whose size overflows");
    }
    bytes *= *size;
    entry.shape.push_back(static_cast<std::int64_t>(*size));
  }

  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) corrupt(path, who + "has malformed offsets");
  const auto begin = non_negative(offsets[0]);
  const auto end = non_negative(offsets[1]);
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    corrupt(path, who + "has offsets outside the file");
  }
  if (*end - *begin != bytes) {
    corrupt(path, who + "takes " + std::to_string(*end - *begin) + " bytes, but its shape needs " +
                      std::to_string(bytes));
  }
  entry.begin = *begin;
  entry.end = *end;
  return entry;
}

void parse_metadata(const std::string& path, const json& value, Metadata* metadata) {
  if (!value.is_object()) corrupt(path, "its __metadata__ is not an object of strings");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) corrupt(path, "its __metadata__ is not an object of strings");
    if (metadata != nullptr) (*metadata)[key] = text.get<std::string>();
  }
}

std::vector<Entry> parse_header(const std::string& path, const std::string& text,
                                std::uint64_t data_bytes, Metadata* metadata) {
  // nlohmann keeps the last of two equal keys; the callback notices the earlier one.
  std::vector<std::map<std::string, int>> seen;
  bool twice = false;
  const json header = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json& parsed) {
        // A safetensors header nests three deep at most; nothing deeper is worth building.
        if (depth > 3) return false;
        if (event == json::parse_event_t::object_start) seen.emplace_back();
        if (event == json::parse_event_t::object_end && !seen.empty()) seen.pop_back();
        if (event == json::parse_event_t::key && !seen.empty()) {
          twice = twice || seen.back()[parsed.get<std::string>()]++ > 0;
        }
        return true;
      },
      /*allow_exceptions=*/false);
  if (header.is_discarded() || !header.is_object()) corrupt(path, "its header is not JSON");
  if (twice) corrupt(path, "its header names something twice");

  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      parse_metadata(path, value, metadata);
    } else {
      entries.push_back(parse_entry(path, name, value, data_bytes));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) corrupt(path, "tensor '" + entry.name + "' leaves a gap or overlaps");
    at = entry.end;
  }
  if (at != data_bytes) {
    corrupt(path, "its tensors end at byte " + std::to_string(at) + " of " +
                      std::to_string(data_bytes) + " (cut off or with something behind them)");
  }
  return entries;
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

const char* dtype_name(const std::string& tensor, torch::ScalarType type) {
  for (const DtypeName& d : kDtypes) {
    if (d.type == type) return d.name;
  }
  throw Error(ErrorKind::internal, "Tensor '" + tensor + "' has a dtype that is never stored.");
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : "x") + std::to_string(n);
  return text.empty() ? "scalar" : text;
}

/// An opened file whose header was read; the data come next.
struct OpenFile {
  std::unique_ptr<std::FILE, FileCloser> stream;
  std::vector<Entry> entries;  ///< in the order of their data, which they cover
};

void read(const OpenFile& file, const std::string& path, void* to, std::uint64_t bytes) {
  if (bytes > 0 && std::fread(to, 1, bytes, file.stream.get()) != bytes) {
    corrupt(path, "it is cut off");
  }
}

OpenFile open_file(const std::string& path, Metadata* metadata) {
  OpenFile opened{std::unique_ptr<std::FILE, FileCloser>(std::fopen(path.c_str(), "rb")), {}};
  const auto& file = opened.stream;
  require(file != nullptr, ErrorKind::input,
          "Cannot open " + path + ": " + std::strerror(errno) + ".");
  require(std::fseek(file.get(), 0, SEEK_END) == 0, ErrorKind::input,
          path + " is not an ordinary file.");
  const long position = std::ftell(file.get());
  require(position >= 0 && std::fseek(file.get(), 0, SEEK_SET) == 0, ErrorKind::input,
          path + " is not an ordinary file.");
  const auto file_bytes = static_cast<std::uint64_t>(position);

  if (file_bytes < 8) corrupt(path, "it is shorter than 8 bytes");
  std::uint8_t prefix[8];
  read(opened, path, prefix, sizeof prefix);
  const auto header_bytes = get_little(prefix, sizeof prefix);
  if (header_bytes < 2 || header_bytes > kMaxSafetensorsHeader || header_bytes > file_bytes - 8) {
    corrupt(path, "its header claims " + std::to_string(header_bytes) + " bytes");
  }
  std::string text(header_bytes, '\0');
  read(opened, path, text.data(), header_bytes);
  opened.entries = parse_header(path, text, file_bytes - 8 - header_bytes, metadata);
  return opened;
}

}  // namespace

TensorMap load_safetensors(const std::string& path, Metadata* metadata) {
  const OpenFile file = open_file(path, metadata);
  TensorMap tensors;
  for (const Entry& entry : file.entries) {
    torch::Tensor tensor = torch::empty(entry.shape, torch::TensorOptions().dtype(entry.type));
    read(file, path, tensor.data_ptr(), entry.end - entry.begin);
    tensors.emplace(entry.name, tensor);
  }
  return tensors;
}

TensorShapes read_safetensors_shapes(const std::string& path) {
  TensorShapes shapes;
  for (const Entry& entry : open_file(path, nullptr).entries) shapes[entry.name] = entry.shape;
  return shapes;
}

void save_safetensors(const std::string& path, const TensorMap& tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.numel()) * tensor.element_size();
    header[name] = {{"dtype", dtype_name(name, tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data start aligned

  OutputFile out(path);
  std::uint8_t prefix[8];
  put_little(prefix, text.size(), sizeof prefix);
  out.write(prefix);
  out.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
    out.write({static_cast<const std::uint8_t*>(plain.data_ptr()),
               static_cast<std::size_t>(plain.numel()) * plain.element_size()});
  }
  out.commit();
}

TensorMap state_of(const torch::nn::Module& module) {
  TensorMap state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value();
  return state;
}

void load_into(torch::nn::Module& module, const TensorMap& tensors, const std::string& file,
               bool strict) {
  std::vector<std::string> faults;
  TensorMap state = state_of(module);
  for (const auto& [name, target] : state) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      faults.push_back("'" + name + "' is missing");
    } else if (found->second.sizes() != target.sizes()) {
      faults.push_back("'" + name + "' is " + shape_text(found->second.sizes()) + ", not " +
                       shape_text(target.sizes()));
    }
  }
  if (strict) {
    for (const auto& [name, tensor] : tensors) {
      if (!state.contains(name)) faults.push_back("'" + name + "' is not part of the network");
    }
  }
  if (!faults.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(faults.size(), 4); ++i) {
      list += (i == 0 ? "" : ", ") + faults[i];
    }
    if (faults.size() > 4) list += " and " + std::to_string(faults.size() - 4) + " more";
    throw Error(ErrorKind::corrupt, file + " holds weights of another network: " + list + ".");
  }
  const torch::NoGradGuard no_grad;
  for (auto& [name, target] : state) target.copy_(tensors.at(name));
}

Metadata load_module(torch::nn::Module& module, const std::string& path, bool strict) {
  Metadata metadata;
  load_into(module, load_safetensors(path, &metadata), path, strict);
  return metadata;
}

}  // namespace semcodec
