#include "common/app/progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/core/error.h"

namespace semcodec {
namespace {

/// A file in memory that keeps what Progress prints.
class Screen {
 public:
  Screen() : stream_(std::tmpfile()) {}
  ~Screen() { std::fclose(stream_); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::FILE* stream() { return stream_; }
  std::string text() {
    std::fflush(stream_);
    std::rewind(stream_);
    std::string all;
    for (int c = std::fgetc(stream_); c != EOF; c = std::fgetc(stream_)) {
      all += static_cast<char>(c);
    }
    return all;
  }
  std::vector<std::string> lines() {
    std::istringstream all(text());
    std::vector<std::string> result;
    for (std::string line; std::getline(all, line);) result.push_back(line);
    return result;
  }

 private:
  std::FILE* stream_;
};

TEST(Progress, ParsesModes) {
  EXPECT_EQ(parse_progress_mode("auto"), ProgressMode::automatic);
  EXPECT_EQ(parse_progress_mode("json"), ProgressMode::json);
  EXPECT_THROW(parse_progress_mode("loud"), Error);
}

TEST(Progress, IsSilentWhenNotATerminal) {
  Screen screen;
  Progress progress(ProgressMode::automatic, "encode", 10, screen.stream());
  for (int i = 1; i <= 10; ++i) progress.update(i);
  progress.finish();
  EXPECT_EQ(screen.text(), "");
}

TEST(Progress, JsonIsOneObjectALineAndEndsWithDone) {
  Screen screen;
  Progress progress(ProgressMode::json, "enc\"ode", 10, screen.stream());
  progress.update(5, 0.5, 500);
  progress.update(10, 1.0, 1000);
  progress.finish();
  progress.finish();
  const auto lines = screen.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].find("{\"event\":\"progress\",\"task\":\"enc\\\"ode\",\"frame\":5,"
                          "\"frames\":10,"),
            0u);
  EXPECT_NE(lines[1].find("\"event\":\"done\""), std::string::npos);
  EXPECT_NE(lines[1].find("\"frame\":10"), std::string::npos);
  EXPECT_NE(lines[1].find("\"kbps\":8.000"), std::string::npos);
  EXPECT_EQ(lines[1].back(), '}');
}

TEST(Progress, UnknownNumbersAreNull) {
  Screen screen;
  Progress progress(ProgressMode::json, "decode", 0, screen.stream());
  progress.update(1);
  const std::string text = screen.text();
  EXPECT_NE(text.find("\"frames\":null"), std::string::npos);
  EXPECT_NE(text.find("\"kbps\":null"), std::string::npos);
  EXPECT_NE(text.find("\"eta\":null"), std::string::npos);
}

TEST(Progress, PrintsAtMostTenTimesASecond) {
  Screen screen;
  Progress progress(ProgressMode::json, "encode", 1000, screen.stream());
  const auto start = std::chrono::steady_clock::now();
  for (int i = 1; i <= 300; ++i) {
    progress.update(i);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LE(static_cast<double>(screen.lines().size()), 10 * seconds + 1);
  EXPECT_GE(screen.lines().size(), 2u);
}

TEST(Progress, BarIsRewrittenInPlaceAndWipedWhenLeft) {
  Screen screen;
  {
    Progress progress(ProgressMode::bar, "encode", 4, screen.stream());
    progress.update(2, 1.0, 1000);
  }
  const std::string text = screen.text();
  EXPECT_NE(text.find("\rencode [############............]  50% 2/4"), std::string::npos) << text;
  EXPECT_NE(text.find("8.0 kbit/s"), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 4), "\r\033[K");
}

}  // namespace
}  // namespace semcodec
