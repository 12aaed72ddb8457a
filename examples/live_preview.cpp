// live_preview VIDEO [OUT.y4m]: encodes with low delay and shows at once what a receiver would see.
//
//   live_preview camera.mkv | ffplay -
//
// The encoder's records go through a pipe, as they would through a network, to a decoder in a
// thread of its own.

#include <semcodec/byte_pipe.h>
#include <semcodec/decoder.h>
#include <semcodec/encoder.h>
#include <semcodec/error.h>
#include <semcodec/video_reader.h>
#include <semcodec/video_writer.h>

#include <cstdio>
#include <future>
#include <optional>
#include <string>

namespace {

/// Decodes and shows until the link is closed; returns the number of frames.
std::int64_t receive(semcodec::BytePipe& link, const std::string& output) {
  semcodec::StreamDecoderOptions options;
  options.low_delay = true;
  semcodec::StreamDecoder decoder([&](auto into) { return link.read(into); }, "link", options);
  const semcodec::StreamInfo& info = decoder.info();
  std::optional<semcodec::VideoWriter> writer;
  while (const auto frame = decoder.next()) {
    if (!writer) {
      semcodec::WriterOptions form;
      form.format = "y4m";
      form.time_base = {info.time_base_num, info.time_base_den};
      form.frame_rate = {info.frame_rate_num, info.frame_rate_den};
      writer.emplace(output, form);
    }
    writer->write(frame->image, frame->pts);
  }
  if (writer) writer->finish();
  return writer ? writer->frames() : 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "Usage: live_preview VIDEO [OUT.y4m]\n");
    return 2;
  }
  semcodec::VideoReader video(argv[1]);
  const auto& source = video.info();
  semcodec::StreamEncoderOptions options;
  options.low_delay = true;
  options.index = false;
  semcodec::BytePipe link;
  semcodec::StreamEncoder encoder(
      [&](auto bytes) { link.push(bytes); },
      {source.width, source.height, source.time_base, source.frame_rate, source.sample_aspect, {}},
      options);
  const std::string output = argc == 3 ? argv[2] : "-";
  auto shown = std::async(std::launch::async, [&] { return receive(link, output); });
  try {
    while (auto frame = video.next()) encoder.push(std::move(frame->image), frame->pts);
    encoder.finish();
  } catch (...) {
    link.close();  // the receiver ends with what it got
    throw;
  }
  link.close();
  std::fprintf(stderr, "%lld frames shown, %llu bytes sent\n", static_cast<long long>(shown.get()),
               static_cast<unsigned long long>(encoder.stats().bytes));
  return 0;
} catch (const semcodec::Error& error) {
  std::fprintf(stderr, "live_preview: %s\n", error.what());
  return error.exit_code();
}
