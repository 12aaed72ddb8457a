#include "semcodec/log.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace semcodec {
namespace {

TEST(LogHandler, TakesWhatPassesTheLevel) {
  std::vector<std::pair<log::Level, std::string>> taken;
  const auto before = log::level();
  log::set_level(log::Level::warning);
  log::set_handler(
      [&](log::Level level, const std::string& text) { taken.emplace_back(level, text); });
  testing::internal::CaptureStderr();
  log::info("too quiet");
  log::warning("about this");
  log::error("and that");
  log::set_handler({});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  log::set_level(before);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0], std::pair(log::Level::warning, std::string("about this")));
  EXPECT_EQ(taken[1], std::pair(log::Level::error, std::string("and that")));
}

TEST(LogHandler, AnEmptyOneGivesMessagesBackToStderr) {
  log::set_handler([](log::Level, const std::string&) {});
  log::set_handler({});
  testing::internal::CaptureStderr();
  log::error("seen");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error: seen\n");
}

}  // namespace
}  // namespace semcodec
