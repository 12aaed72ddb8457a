#pragma once
// A window that shows pictures at their times, by SDL2, in a thread of its own. A build without
// SDL2 has the class too, and its constructor says so.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "semcodec/image.h"

namespace semcodec {

struct WindowOptions {
  std::string title{};
  int width = 0;  ///< at which the window opens; pictures of any size are scaled to it
  int height = 0;
  bool live = false;  ///< pictures that were held up do not delay those after them for good
  /// Called once, from the window's thread, when the user closes it (also by q or Escape).
  std::function<void()> on_close{};
  /// Asked while something is waited for; true ends it.
  std::function<bool()> cancelled{};
};

class Window {
 public:
  /// Opens it. Throws Error(unsupported) without SDL2, Error(device) where there is no display.
  explicit Window(const WindowOptions& options);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  /// Hands over a picture, to be shown at `seconds` of the video. Waits while a few others wait.
  /// False when the window is closed or `cancelled`: nothing more will be shown.
  bool show(RgbImage picture, double seconds);

  /// Waits until all have been shown, the last one for `still` seconds, and closes the window.
  void finish(double still);

  std::int64_t shown() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
