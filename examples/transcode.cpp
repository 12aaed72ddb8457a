// transcode VIDEO OUT.sem OUT.mp4 [KBIT/S]: encodes a video, decodes the stream again, and says
// what it took.

#include <semcodec/decoder.h>
#include <semcodec/encode_file.h>
#include <semcodec/error.h>
#include <semcodec/video_writer.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace {

semcodec::EncodeSummary encode(const std::string& video, const std::string& stream,
                               const char* kilobits) {
  semcodec::EncodeFileOptions options;
  if (kilobits != nullptr) options.encoder.bit_rate = 1000 * std::atof(kilobits);
  options.progress = [](const semcodec::EncodeProgress& now) {
    std::fprintf(stderr, "\r%s: frame %lld", now.task.c_str(), static_cast<long long>(now.frames));
    if (now.done) std::fputc('\n', stderr);
  };
  return semcodec::encode_file(video, stream, options);
}

std::int64_t decode(const std::string& stream, const std::string& video) {
  semcodec::StreamDecoder decoder(stream);
  const semcodec::StreamInfo& info = decoder.info();
  std::optional<semcodec::VideoWriter> writer;
  while (const auto frame = decoder.next()) {
    if (!writer) {
      semcodec::WriterOptions options;
      options.width = info.width;
      options.height = info.height;
      options.time_base = {info.time_base_num, info.time_base_den};
      options.frame_rate = {info.frame_rate_num, info.frame_rate_den};
      options.audio = decoder.audio_info();
      writer.emplace(video, options);
    }
    for (const auto& packet : decoder.take_audio()) writer->write(packet);
    writer->write(frame->image, frame->pts);
  }
  if (!writer) throw semcodec::Error(semcodec::ErrorKind::corrupt, stream + " holds no frame.");
  for (const auto& packet : decoder.take_audio()) writer->write(packet);
  writer->finish();
  return writer->frames();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "Usage: transcode VIDEO OUT.sem OUT.mp4 [KBIT/S]\n");
    return 2;
  }
  const auto summary = encode(argv[1], argv[2], argc == 5 ? argv[4] : nullptr);
  const auto frames = decode(argv[2], argv[3]);
  std::printf("%lld frames in, %lld out, %.2f kbit/s\n", static_cast<long long>(summary.frames),
              static_cast<long long>(frames),
              8e-3 * static_cast<double>(summary.stats.bytes) / summary.seconds);
  return 0;
} catch (const semcodec::Error& error) {
  std::fprintf(stderr, "transcode: %s\n", error.what());
  return error.exit_code();
}
