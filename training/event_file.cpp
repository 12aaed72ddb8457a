#include "training/event_file.h"

#include <unistd.h>
#include <zlib.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "common/bitstream/crc32c.h"
#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {

namespace {

void put_little(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

void put_big(std::string& out, std::uint32_t value) {
  for (int i = 3; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Protobuf's wire format, as far as it is needed here.
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void put_number(std::string& out, int field, std::uint64_t value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3);
  put_varint(out, value);
}
void put_double(std::string& out, int field, double value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 1);
  put_little(out, std::bit_cast<std::uint64_t>(value), 8);
}
void put_float(std::string& out, int field, float value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 5);
  put_little(out, std::bit_cast<std::uint32_t>(value), 4);
}
void put_bytes(std::string& out, int field, const std::string& value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(out, value.size());
  out += value;
}

/// TFRecord's: so that a CRC over data that hold CRCs is as good as any.
std::uint32_t masked_crc(const std::string& text) {
  const std::uint32_t crc = crc32c(bytes_of(text));
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void put_chunk(std::string& out, const std::string& name, const std::string& data) {
  put_big(out, static_cast<std::uint32_t>(data.size()));
  const std::string body = name + data;
  out += body;
  put_big(out, static_cast<std::uint32_t>(
                   ::crc32(0, bytes_of(body).data(), static_cast<uInt>(body.size()))));
}

}  // namespace

std::string png_of(int width, int height, std::span<const std::uint8_t> rgb) {
  const auto row = static_cast<std::size_t>(width) * 3;
  std::string lines;
  for (int y = 0; y < height; ++y) {
    // Filter 1, the difference to the pixel on the left: half the size of none at all.
    lines += '\x01';
    const std::uint8_t* in = rgb.data() + static_cast<std::size_t>(y) * row;
    for (std::size_t i = 0; i < row; ++i) {
      lines += static_cast<char>(in[i] - (i < 3 ? 0 : in[i - 3]));
    }
  }
  uLongf size = ::compressBound(static_cast<uLong>(lines.size()));
  std::string packed(size, '\0');
  require(::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, bytes_of(lines).data(),
                      static_cast<uLong>(lines.size()), 6) == Z_OK,
          ErrorKind::internal, "Cannot compress a picture.");
  packed.resize(size);
  std::string header;
  put_big(header, static_cast<std::uint32_t>(width));
  put_big(header, static_cast<std::uint32_t>(height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB
  std::string out("\x89PNG\r\n\x1a\n", 8);
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", packed);
  put_chunk(out, "IEND", {});
  return out;
}

EventFile::EventFile(const std::string& folder, std::int64_t step) {
  const auto seconds = static_cast<std::int64_t>(now());
  path_ = folder + "/events.out.tfevents." + std::to_string(seconds) + ".semcodec." +
          std::to_string(::getpid());
  for (int i = 2; ::access(path_.c_str(), F_OK) == 0; ++i) {
    path_ = folder + "/events.out.tfevents." + std::to_string(seconds) + ".semcodec." +
            std::to_string(::getpid()) + "-" + std::to_string(i);
  }
  stream_ = std::fopen(path_.c_str(), "wb");
  if (stream_ == nullptr) {
    log::warning("Cannot write " + path_ + ": " + std::strerror(errno) +
                 "; TensorBoard will show nothing of this run.");
    return;
  }
  event(0, 3, "brain.Event:2");
  std::string start;
  put_number(start, 1, 1);  // SessionLog.START
  event(step, 7, start);
}

EventFile::~EventFile() {
  if (stream_ != nullptr) std::fclose(stream_);
}

void EventFile::event(std::int64_t step, int number, const std::string& message) {
  if (stream_ == nullptr) return;
  std::string data;
  put_double(data, 1, now());
  put_number(data, 2, static_cast<std::uint64_t>(step));
  put_bytes(data, number, message);
  std::string length;
  put_little(length, data.size(), 8);
  std::string record = length;
  put_little(record, masked_crc(length), 4);
  record += data;
  put_little(record, masked_crc(data), 4);
  if (std::fwrite(record.data(), 1, record.size(), stream_) == record.size() &&
      std::fflush(stream_) == 0) {
    return;
  }
  log::warning("Cannot write " + path_ + ": " + std::strerror(errno) +
               "; TensorBoard will show no more of this run.");
  std::fclose(stream_);
  stream_ = nullptr;
}

void EventFile::scalars(std::int64_t step,
                        const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, number] : values) {
    std::string value;
    put_bytes(value, 1, tag);
    put_float(value, 2, static_cast<float>(number));
    put_bytes(summary, 1, value);
  }
  event(step, 5, summary);
}

void EventFile::picture(std::int64_t step, const std::string& tag, int width, int height,
                        std::span<const std::uint8_t> rgb) {
  std::string image, value, summary;
  put_number(image, 1, static_cast<std::uint64_t>(height));
  put_number(image, 2, static_cast<std::uint64_t>(width));
  put_number(image, 3, 3);  // RGB
  put_bytes(image, 4, png_of(width, height, rgb));
  put_bytes(value, 1, tag);
  put_bytes(value, 4, image);
  put_bytes(summary, 1, value);
  event(step, 5, summary);
}

}  // namespace semcodec
