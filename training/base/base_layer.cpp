#include "training/base/base_layer.h"

#include <cstring>
#include <filesystem>
#include <span>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/little_endian.h"
#include "semcodec/planes.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 64, kLengthBytes = 4;
constexpr char kMagic[8] = "SEMBASE";  // with the zero behind it
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kMaxDimension = 16384, kMaxFrames = 1 << 28;

/// The fields behind magic and version, in their order.
template <typename Plan, typename Visit>
void for_each_field(Plan& plan, Visit visit) {
  std::size_t at = 12;
  for (auto* field : {&plan.coded_width, &plan.coded_height, &plan.width, &plan.height,
                      &plan.quantiser, &plan.interval, &plan.first, &plan.pictures}) {
    visit(at, *field);
    at += 4;
  }
}

/// Whether a plan can be. The units need at least 5 bytes each of the `rest` behind the header.
bool sound(const BasePlan& p, std::size_t rest) {
  const auto side = [](int value, int coded) {
    return value >= kMinBaseDimension && value % 2 == 0 && value <= coded;
  };
  return p.coded_width > 0 && p.coded_height > 0 && side(p.width, p.coded_width) &&
         side(p.height, p.coded_height) && p.quantiser >= 0 && p.quantiser <= kMaxQuantiser &&
         p.interval >= 1 && p.first >= 0 && p.pictures >= 1 &&
         static_cast<std::size_t>(p.pictures) <= rest / (kLengthBytes + 1) &&
         static_cast<std::uint64_t>(p.frame(p.pictures - 1)) < kMaxFrames;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::corrupt, path + " is no sound base layer: " + why +
                                      "; make it again with `semcodec-train prepare`.");
}

BasePlan parse_header(std::span<const std::uint8_t> bytes, const std::string& path) {
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    refuse(path, "it does not begin as one");
  }
  const auto version = get_little(&bytes[8], 4);
  if (version != kVersion) refuse(path, "its version is " + std::to_string(version));
  BasePlan plan;
  bool small = true;
  for_each_field(plan, [&](std::size_t at, int& field) {
    const auto value = get_little(&bytes[at], 4);
    small = small && value < kMaxFrames;
    field = small ? static_cast<int>(value) : 0;
  });
  if (!small || !sound(plan, bytes.size() - kHeaderBytes) ||
      plan.coded_width > static_cast<int>(kMaxDimension) ||
      plan.coded_height > static_cast<int>(kMaxDimension)) {
    refuse(path, "its header has impossible numbers");
  }
  return plan;
}

/// Calls `visit` with each unit.
template <typename Visit>
BasePlan parse(const std::vector<std::uint8_t>& file, const std::string& path, Visit visit) {
  const BasePlan plan = parse_header(file, path);
  std::span<const std::uint8_t> rest(file);
  rest = rest.subspan(kHeaderBytes);
  for (int i = 0; i < plan.pictures; ++i) {
    if (rest.size() < kLengthBytes) refuse(path, "it ends in picture " + std::to_string(i));
    const auto length = get_little(rest.data(), kLengthBytes);
    rest = rest.subspan(kLengthBytes);
    if (length == 0 || length > rest.size()) {
      refuse(path, "picture " + std::to_string(i) + " has " + std::to_string(length) +
                       " bytes, of which " + std::to_string(rest.size()) + " are there");
    }
    visit(rest.first(length));
    rest = rest.subspan(length);
  }
  if (!rest.empty()) refuse(path, "there are bytes behind its last picture");
  return plan;
}

}  // namespace

void write_base_layer(const std::string& path, const BaseLayer& layer) {
  require(layer.units.size() == static_cast<std::size_t>(layer.plan.pictures), ErrorKind::internal,
          "A base layer has another number of units than of pictures.");
  std::vector<std::uint8_t> bytes(kHeaderBytes);
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  put_little(&bytes[8], kVersion, 4);
  for_each_field(layer.plan, [&](std::size_t at, const int& field) {
    put_little(&bytes[at], static_cast<std::uint64_t>(field), 4);
  });
  for (const auto& unit : layer.units) {
    std::uint8_t length[kLengthBytes];
    put_little(length, unit.size(), kLengthBytes);
    bytes.insert(bytes.end(), length, length + kLengthBytes);
    bytes.insert(bytes.end(), unit.begin(), unit.end());
  }
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

BaseLayer read_base_layer(const std::string& path) {
  BaseLayer layer;
  layer.plan = parse(read_file(path, kMaxFileBytes), path, [&](std::span<const std::uint8_t> unit) {
    layer.units.emplace_back(unit.begin(), unit.end());
  });
  return layer;
}

BasePlan read_base_plan(const std::string& path) {
  return parse(read_file(path, kMaxFileBytes), path, [](std::span<const std::uint8_t>) {});
}

std::string base_layer_path(const std::string& frames_path, int index) {
  return fs::path(frames_path).replace_extension().string() + "-" + std::to_string(index) + ".base";
}

std::vector<std::string> base_layers_of(const std::string& frames_path) {
  std::vector<std::string> paths;
  for (int i = 0;; ++i) {
    const auto path = base_layer_path(frames_path, i);
    if (!fs::exists(path)) return paths;
    paths.push_back(path);
  }
}

std::string pictures_path(const std::string& base_path) {
  return fs::path(base_path).replace_extension(".pictures").string();
}

}  // namespace semcodec
