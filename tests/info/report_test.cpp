// What semcodec-info prints of a stream that somebody else wrote.

#include "decoder/info/report.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

StreamReport report_of(const StreamInfo& info, const std::string& codec) {
  test::Bytes bytes;
  StreamWriter writer(
      [&](std::span<const std::uint8_t> more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
      },
      info);
  AudioInfo audio = test::sample_audio_info();
  audio.codec = codec;
  writer.write_audio_info(audio);
  writer.write(test::sample_coded_frames(1, 1, 1, test::tiny_shape()).front());
  writer.finish();
  StreamReader reader(test::source_of(bytes), "test stream");
  return make_report(reader, true, true);
}

TEST(Report, NoTextOfAStreamReachesTheTerminalAsItIs) {
  StreamInfo info = test::sample_info();
  info.encoder = "\x1b]0;owned\x07";
  info.profile = "a\nstatus        complete";
  info.model_name = "../\x1b[2J";
  info.model_hash =
      "\xc2\x9b"
      "1m";
  const auto report = report_of(info, "aac\x1b[31m");
  const std::string text = report_text(report, true, true);
  const std::string json = report_json(report, true, true);
  for (const std::string& out : {text, json}) {
    const auto bad = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n') || byte >= 0x7f;
    };
    EXPECT_TRUE(std::none_of(out.begin(), out.end(), bad)) << out;
  }
  EXPECT_NE(text.find("\\x1b]0;owned\\x07"), std::string::npos) << text;
  EXPECT_NE(text.find("a\\x0astatus"), std::string::npos) << text;
}

}  // namespace
}  // namespace semcodec
