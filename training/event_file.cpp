#include "training/event_file.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "common/core/crc32c.h"
#include "common/core/error.h"
#include "common/core/little_endian.h"
#include "common/core/log.h"
#include "tensorboard.pb.h"

namespace semcodec {

namespace {

void put_big(std::string& out, std::uint32_t value) {
  for (int i = 3; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
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
  tensorboard::Event version;
  version.set_file_version("brain.Event:2");
  write(0, version);
  tensorboard::Event start;
  start.mutable_session_log()->set_status(1);
  write(step, start);
}

EventFile::~EventFile() {
  if (stream_ != nullptr) std::fclose(stream_);
}

void EventFile::write(std::int64_t step, tensorboard::Event& event) {
  if (stream_ == nullptr) return;
  event.set_wall_time(now());
  event.set_step(step);
  const std::string data = event.SerializeAsString();
  std::string record;
  append_little(record, data.size(), 8);
  append_little(record, masked_crc(record), 4);
  record += data;
  append_little(record, masked_crc(data), 4);
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
  tensorboard::Event event;
  for (const auto& [tag, number] : values) {
    auto* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  write(step, event);
}

void EventFile::picture(std::int64_t step, const std::string& tag, int width, int height,
                        std::span<const std::uint8_t> rgb) {
  tensorboard::Event event;
  auto* value = event.mutable_summary()->add_value();
  value->set_tag(tag);
  auto* image = value->mutable_image();
  image->set_height(height);
  image->set_width(width);
  image->set_colorspace(3);
  image->set_encoded_image_string(png_of(width, height, rgb));
  write(step, event);
}

}  // namespace semcodec
