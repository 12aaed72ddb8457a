#include "common/app/units.h"

#include <gtest/gtest.h>

#include "common/app/version.h"
#include "common/core/error.h"

namespace semcodec {
namespace {

TEST(Units, Bitrates) {
  EXPECT_EQ(parse_bitrate("8k"), 8000);
  EXPECT_EQ(parse_bitrate("500K"), 500000);
  EXPECT_EQ(parse_bitrate("1.5M"), 1500000);
  EXPECT_EQ(parse_bitrate("9600"), 9600);
  EXPECT_EQ(parse_bitrate("7.9 kbit/s"), 7900);
  EXPECT_EQ(parse_bitrate("2Gbps"), 2000000000);
  for (const char* bad : {"", "k", "-8k", "8q", "8kk", "0", "1e3", "8k ", "99999999999999999999",
                          "nan", "1.2.3", "kbit/s"}) {
    EXPECT_THROW(parse_bitrate(bad), Error) << bad;
  }
}

TEST(Units, Bytes) {
  EXPECT_EQ(parse_bytes("500K"), 500000);
  EXPECT_EQ(parse_bytes("1.5MB"), 1500000);
  EXPECT_EQ(parse_bytes("2 kB"), 2000);
  EXPECT_EQ(parse_bytes("9600"), 9600);
  for (const char* bad : {"", "K", "-1K", "0", "5 bit/s", "5q", "KB"}) {
    EXPECT_THROW(parse_bytes(bad), Error) << bad;
  }
}

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("448x256"), (PictureSize{448, 256}));
  EXPECT_EQ(parse_size("1X16384"), (PictureSize{1, 16384}));
  for (const char* bad : {"", "448", "x", "448x", "x256", "0x256", "448x-1", "448x256x3", "16385x1",
                          "99999999999x2", "4 x4"}) {
    EXPECT_THROW(parse_size(bad), Error) << bad;
  }
}

TEST(Units, Seconds) {
  EXPECT_DOUBLE_EQ(parse_seconds("12.5"), 12.5);
  EXPECT_DOUBLE_EQ(parse_seconds("12.5s"), 12.5);
  EXPECT_DOUBLE_EQ(parse_seconds("300ms"), 0.3);
  EXPECT_DOUBLE_EQ(parse_seconds("2m"), 120);
  EXPECT_DOUBLE_EQ(parse_seconds("1h"), 3600);
  EXPECT_DOUBLE_EQ(parse_seconds("1:02.5"), 62.5);
  EXPECT_DOUBLE_EQ(parse_seconds("1:02:03"), 3723);
  for (const char* bad : {"", "-1", "1:", ":1", "1:60", "1.5:00", "1:2:3:4", "1 s", "abc", "1sm"}) {
    EXPECT_THROW(parse_seconds(bad), Error) << bad;
  }
}

TEST(Units, Rates) {
  EXPECT_EQ(parse_rate("30"), (Rational{30, 1}));
  EXPECT_EQ(parse_rate("30000/1001"), (Rational{30000, 1001}));
  EXPECT_EQ(parse_rate("29.97"), (Rational{30000, 1001}));
  EXPECT_EQ(parse_rate("23.976"), (Rational{24000, 1001}));
  EXPECT_EQ(parse_rate("59.94"), (Rational{60000, 1001}));
  EXPECT_EQ(parse_rate("12.5"), (Rational{12500, 1000}));
  for (const char* bad : {"", "0", "30/0", "-30", "30/", "a", "0/1", "30fps"}) {
    EXPECT_THROW(parse_rate(bad), Error) << bad;
  }
}

TEST(Units, ErrorsQuoteTheTextAndAreUsageErrors) {
  try {
    parse_bitrate("8q");
    FAIL() << "accepted 8q";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("\"8q\""), std::string::npos);
  }
}

TEST(Units, Formats) {
  EXPECT_EQ(format_bitrate(420), "420 bit/s");
  EXPECT_EQ(format_bitrate(8000), "8.0 kbit/s");
  EXPECT_EQ(format_bitrate(1.5e6), "1.50 Mbit/s");
  EXPECT_EQ(format_seconds(7.4), "0:07");
  EXPECT_EQ(format_seconds(754), "12:34");
  EXPECT_EQ(format_seconds(3723), "1:02:03");
  EXPECT_EQ(format_seconds(-1), "0:00");
  EXPECT_EQ(format_bytes(812), "812 B");
  EXPECT_EQ(format_bytes(1400), "1.4 kB");
  EXPECT_EQ(format_bytes(3200000), "3.2 MB");
}

TEST(Version, NamesProgramAndLibraries) {
  const std::string text =
      version_text("semcodec-enc", {{"libavformat", "59.27"}, {"zstd", "1.5"}});
  EXPECT_EQ(text.rfind("semcodec-enc " + version() + "\n", 0), 0u);
  EXPECT_NE(text.find("libavformat 59.27, zstd 1.5\n"), std::string::npos);
  EXPECT_NE(text.find("built with "), std::string::npos);
  EXPECT_EQ(version_text("x", {}).find("\n\n"), std::string::npos);
}

}  // namespace
}  // namespace semcodec
