#define SDL_MAIN_HANDLED
#include "decoder/play/window.h"

#include <SDL.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "common/app/pace_clock.h"
#include "common/core/error.h"

namespace semcodec {
namespace {

class WindowTest : public ::testing::Test {
 protected:
  void SetUp() override { setenv("SDL_VIDEODRIVER", "dummy", 1); }
};

TEST_F(WindowTest, ShowsAllPicturesAndNoneBeforeItsTime) {
  Window window({.title = "test", .width = 64, .height = 48});
  const double begin = steady_seconds();
  // The size may change on the way.
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(window.show(RgbImage(i < 5 ? 64 : 32, 48), 7 + 0.05 * i));
  }
  window.finish(0.05);
  EXPECT_GE(steady_seconds() - begin, 0.5);
  EXPECT_EQ(window.shown(), 10);
}

TEST_F(WindowTest, ClosingItEndsTheShow) {
  std::atomic<int> closed{0};
  Window window({.title = "test", .width = 64, .height = 48, .on_close = [&] { ++closed; }});
  EXPECT_TRUE(window.show(RgbImage(64, 48), 0));
  SDL_Event quit{};
  quit.type = SDL_QUIT;
  ASSERT_EQ(SDL_PushEvent(&quit), 1);
  // Pictures due in the far future: only the closing can end this.
  int shown = 0;
  while (window.show(RgbImage(64, 48), 5.0 + shown) && shown < 100) ++shown;
  EXPECT_LT(shown, 100);
  EXPECT_EQ(closed, 1);
  window.finish(1000);
}

TEST_F(WindowTest, CancellingEndsIt) {
  std::atomic<bool> cancelled{false};
  Window window(
      {.title = "test", .width = 64, .height = 48, .cancelled = [&] { return cancelled.load(); }});
  EXPECT_TRUE(window.show(RgbImage(64, 48), 0));
  EXPECT_TRUE(window.show(RgbImage(64, 48), 9));
  cancelled = true;
  EXPECT_FALSE(window.show(RgbImage(64, 48), 9.5));
}

TEST_F(WindowTest, WithoutADisplayItSaysSo) {
  setenv("SDL_VIDEODRIVER", "nosuchdriver", 1);
  try {
    Window window({.title = "test", .width = 64, .height = 48});
    FAIL() << "a window without a display";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::device);
    EXPECT_NE(std::string(error.what()).find("display"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace semcodec
