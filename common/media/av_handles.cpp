#include "common/media/av_handles.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "common/core/log.h"

namespace semcodec::av {
namespace {

std::mutex message_mutex;
std::string message;

// Called by libav, possibly from its decoder threads.
void keep_message(void* source, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  char line[512];
  int print_prefix = 1;
  av_log_format_line2(source, level, format, arguments, line, sizeof line, &print_prefix);
  std::string text = line;
  while (!text.empty() && (text.back() == '\n' || text.back() == '.' || text.back() == ' ')) {
    text.pop_back();
  }
  // "[h264 @ 0x55d0c0ffee] …": the address helps nobody.
  const std::size_t at = text.find(" @ 0x");
  const std::size_t end = text.find("] ");
  if (at != std::string::npos && end != std::string::npos && at < end) {
    text = text.substr(1, at - 1) + ": " + text.substr(end + 2);
  }
  if (text.empty()) return;
  log::debug(text);
  const std::lock_guard<std::mutex> lock(message_mutex);
  message = text;
}

}  // namespace

std::string error_text(int code) {
  char buffer[AV_ERROR_MAX_STRING_SIZE] = {};
  if (av_strerror(code, buffer, sizeof buffer) < 0) return "error " + std::to_string(code);
  return buffer;
}

void capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(keep_message); });
}

std::string last_message() {
  const std::lock_guard<std::mutex> lock(message_mutex);
  return message;
}

void clear_messages() {
  const std::lock_guard<std::mutex> lock(message_mutex);
  message.clear();
}

std::string folded_message() {
  const std::string text = last_message();
  return text.empty() ? text : " (" + text + ")";
}

const std::int32_t* display_matrix(const AVStream& stream) {
  const std::uint8_t* bytes = nullptr;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX);
  if (data != nullptr && data->size >= 9 * sizeof(std::int32_t)) bytes = data->data;
#else
  std::size_t size = 0;
  bytes = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (size < 9 * sizeof(std::int32_t)) bytes = nullptr;
#endif
  return reinterpret_cast<const std::int32_t*>(bytes);
}

void set_display_matrix(AVStream& stream, const std::int32_t matrix[9]) {
  constexpr std::size_t kSize = 9 * sizeof(std::int32_t);
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  AVPacketSideData* data = allocated(av_packet_side_data_new(&stream.codecpar->coded_side_data,
                                                             &stream.codecpar->nb_coded_side_data,
                                                             AV_PKT_DATA_DISPLAYMATRIX, kSize, 0));
  std::memcpy(data->data, matrix, kSize);
#else
  std::memcpy(allocated(av_stream_new_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, kSize)), matrix,
              kSize);
#endif
}

}  // namespace semcodec::av
