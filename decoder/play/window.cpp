#include "decoder/play/window.h"

#ifdef SEMCODEC_HAVE_SDL2
#define SDL_MAIN_HANDLED
#include <SDL.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#endif

#include "common/app/pace_clock.h"
#include "common/core/error.h"

namespace semcodec {

#ifdef SEMCODEC_HAVE_SDL2

namespace {

constexpr std::size_t kWaiting = 3;  // pictures that are ready before their time
constexpr std::chrono::milliseconds kTick(10);

struct Free {
  void operator()(SDL_Window* window) const { SDL_DestroyWindow(window); }
  void operator()(SDL_Renderer* renderer) const { SDL_DestroyRenderer(renderer); }
  void operator()(SDL_Texture* texture) const { SDL_DestroyTexture(texture); }
};

void check(bool good, const char* what) {
  require(good, ErrorKind::device,
          std::string("--play cannot ") + what + ": " + SDL_GetError() + ".");
}

/// SDL's side: lives in the window's thread alone.
class Screen {
 public:
  explicit Screen(const WindowOptions& options) {
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");  // Ctrl-C is run_main()'s
    check(SDL_Init(SDL_INIT_VIDEO) == 0, "reach a display");
    window_.reset(SDL_CreateWindow(options.title.c_str(), SDL_WINDOWPOS_UNDEFINED,
                                   SDL_WINDOWPOS_UNDEFINED, options.width, options.height,
                                   SDL_WINDOW_RESIZABLE));
    check(window_ != nullptr, "open a window");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    renderer_.reset(SDL_CreateRenderer(window_.get(), -1, 0));
    check(renderer_ != nullptr, "draw in its window");
    SDL_RenderSetLogicalSize(renderer_.get(), options.width, options.height);
  }
  ~Screen() {
    texture_.reset();
    renderer_.reset();
    window_.reset();
    SDL_Quit();
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const RgbImage& picture) {
    if (picture.width != width_ || picture.height != height_) {
      texture_.reset(SDL_CreateTexture(renderer_.get(), SDL_PIXELFORMAT_RGB24,
                                       SDL_TEXTUREACCESS_STREAMING, picture.width, picture.height));
      check(texture_ != nullptr, "hold a picture");
      width_ = picture.width;
      height_ = picture.height;
    }
    SDL_UpdateTexture(texture_.get(), nullptr, picture.pixels.data(), 3 * picture.width);
    present();
  }

  void present() {
    SDL_RenderClear(renderer_.get());
    if (texture_) SDL_RenderCopy(renderer_.get(), texture_.get(), nullptr, nullptr);
    SDL_RenderPresent(renderer_.get());
  }

  /// What the user did since the last call: true when the window is to close.
  bool closed() {
    SDL_Event event;
    while (SDL_PollEvent(&event) != 0) {
      if (event.type == SDL_QUIT) return true;
      const bool key = event.type == SDL_KEYDOWN;
      if (key && (event.key.keysym.sym == SDLK_q || event.key.keysym.sym == SDLK_ESCAPE))
        return true;
      if (event.type == SDL_WINDOWEVENT) present();  // uncovered, or of another size
    }
    return false;
  }

 private:
  std::unique_ptr<SDL_Window, Free> window_;
  std::unique_ptr<SDL_Renderer, Free> renderer_;
  std::unique_ptr<SDL_Texture, Free> texture_;
  int width_ = 0, height_ = 0;
};

struct Picture {
  RgbImage image;
  double seconds = 0;
};

}  // namespace

struct Window::Impl {
  explicit Impl(const WindowOptions& wanted) : options(wanted) {}

  void work(std::promise<void>& opened);
  void play(Screen& screen);
  std::optional<Picture> take();
  bool wait(Screen& screen, double seconds);
  bool over() { return ended || (options.cancelled && options.cancelled()); }
  void end() {
    const std::lock_guard<std::mutex> lock(mutex);
    ended = true;
    changed.notify_all();
  }

  WindowOptions options;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Picture> waiting;
  std::optional<double> still;  ///< no more pictures come; the last one stands that long
  std::atomic<bool> ended{false};
  std::atomic<std::int64_t> shown{0};
  std::exception_ptr error;
  std::thread thread;
};

void Window::Impl::work(std::promise<void>& opened) {
  bool open = false;
  try {
    Screen screen(options);
    open = true;
    opened.set_value();
    play(screen);
  } catch (...) {
    if (!open) {
      opened.set_exception(std::current_exception());
    } else {
      error = std::current_exception();
    }
  }
  end();
}

/// The next picture, nothing where none is there within a tick.
std::optional<Picture> Window::Impl::take() {
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait_for(lock, kTick, [this] { return !waiting.empty() || still || ended; });
  if (waiting.empty()) return std::nullopt;
  Picture picture = std::move(waiting.front());
  waiting.pop_front();
  changed.notify_all();
  return picture;
}

/// False when the window was closed meanwhile.
bool Window::Impl::wait(Screen& screen, double seconds) {
  const double until = steady_seconds() + seconds;
  while (!over()) {
    if (screen.closed()) {
      if (options.on_close) options.on_close();
      return false;
    }
    const double left = until - steady_seconds();
    if (left <= 0) return true;
    const double tick = std::chrono::duration<double>(kTick).count();
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, tick)));
  }
  return false;
}

void Window::Impl::play(Screen& screen) {
  PaceClock clock(options.live ? PaceClock::Kind::live : PaceClock::Kind::player);
  while (true) {
    auto picture = take();
    if (!picture) {
      std::optional<double> last;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (waiting.empty()) last = still;
      }
      if (!wait(screen, last.value_or(0)) || last) return;
      continue;
    }
    if (!wait(screen, clock.wait(picture->seconds, steady_seconds()))) return;
    screen.draw(picture->image);
    ++shown;
  }
}

Window::Window(const WindowOptions& options) : impl_(std::make_unique<Impl>(options)) {
  std::promise<void> opened;
  auto ready = opened.get_future();
  impl_->thread = std::thread([this, &opened] { impl_->work(opened); });
  try {
    ready.get();
  } catch (...) {
    impl_->thread.join();
    throw;
  }
}

Window::~Window() {
  impl_->end();
  if (impl_->thread.joinable()) impl_->thread.join();
}

bool Window::show(RgbImage picture, double seconds) {
  std::unique_lock<std::mutex> lock(impl_->mutex);
  while (impl_->waiting.size() >= kWaiting && !impl_->over()) {
    impl_->changed.wait_for(lock, 10 * kTick);
  }
  if (impl_->error) std::rethrow_exception(impl_->error);
  if (impl_->over()) return false;
  impl_->waiting.push_back({std::move(picture), seconds});
  impl_->changed.notify_all();
  return true;
}

void Window::finish(double still) {
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->still = still;
    impl_->changed.notify_all();
  }
  impl_->thread.join();
  if (impl_->error) std::rethrow_exception(impl_->error);
}

std::int64_t Window::shown() const { return impl_->shown; }

#else

struct Window::Impl {};

Window::Window(const WindowOptions&) {
  throw Error(ErrorKind::unsupported,
              "This build has no window for --play: install libsdl2-dev and build again, or use "
              "`semcodec-decode ... - | ffplay -`.");
}
Window::~Window() = default;
bool Window::show(RgbImage, double) { return false; }
void Window::finish(double) {}
std::int64_t Window::shown() const { return 0; }

#endif

}  // namespace semcodec
