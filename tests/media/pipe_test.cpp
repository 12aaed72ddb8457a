// stdin and stdout.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "common/core/error.h"
#include "common/media/versions.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

/// A pipe that a thread fills with the bytes.
class Feeder {
 public:
  explicit Feeder(std::vector<std::uint8_t> bytes) {
    signal(SIGPIPE, SIG_IGN);
    if (pipe(ends_) != 0) throw std::runtime_error("no pipe");
    thread_ = std::thread([this, data = std::move(bytes)] {
      std::size_t done = 0;
      while (done < data.size()) {
        const ssize_t put = ::write(ends_[1], data.data() + done, data.size() - done);
        if (put <= 0) break;
        done += static_cast<std::size_t>(put);
      }
      ::close(ends_[1]);
    });
  }
  ~Feeder() {
    ::close(ends_[0]);
    thread_.join();
  }
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;
  int descriptor() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

Clip read_from_pipe(const std::vector<std::uint8_t>& bytes) {
  Feeder feeder(bytes);
  const Redirect redirect(STDIN_FILENO, feeder.descriptor());
  return read_clip("-");
}

class StdoutFile {
 public:
  explicit StdoutFile(const std::string& path)
      : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)),
        redirect_(STDOUT_FILENO, file_) {}
  ~StdoutFile() { ::close(file_); }
  StdoutFile(const StdoutFile&) = delete;
  StdoutFile& operator=(const StdoutFile&) = delete;

 private:
  int file_;
  Redirect redirect_;
};

TEST(Pipe, ReadsEveryContainerFromAPipe) {
  const TemporaryFolder folder;
  for (const char* name : {"a.mp4", "a.mkv", "a.y4m"}) {
    write_clip(folder.path(name), 160, 96, regular_times(30),
               {.time_base = {1, 25}, .frame_rate = {25, 1}});
    const Clip clip = read_from_pipe(bytes_of(folder.path(name)));
    ASSERT_EQ(clip.frames.size(), 30u) << name;
    EXPECT_EQ(clip.warning, "") << name;
    EXPECT_GT(psnr(clip.frames[29].image, gradient(160, 96, 29)), 35) << name;
  }
}

TEST(Pipe, SeeksInARedirectedFile) {
  const TemporaryFolder folder;
  write_clip(folder.path("a.mkv"), 64, 64, regular_times(5), {.time_base = {1, 25}});
  const int file = ::open(folder.path("a.mkv").c_str(), O_RDONLY);
  {
    const Redirect redirect(STDIN_FILENO, file);
    const Clip clip = read_clip("-");
    EXPECT_EQ(clip.frames.size(), 5u);
    EXPECT_NEAR(clip.info.duration, 0.2, 0.01);
  }
  ::close(file);
}

TEST(Pipe, ExplainsEmptyAndWrongInput) {
  EXPECT_EQ(sentence_of([] { read_from_pipe({}); }), "stdin is empty; pipe a video into it.");
  const std::vector<std::uint8_t> text(3000, 'x');
  EXPECT_NE(sentence_of([&] { read_from_pipe(text); }).find("stdin is not a video"),
            std::string::npos);
}

TEST(Pipe, CancelEndsABlockedRead) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "YUV4MPEG2 ", 10), 10);
  const Redirect redirect(STDIN_FILENO, ends[0]);
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);  // without SA_RESTART, as the programs' handlers
  const pthread_t self = pthread_self();
  std::atomic<bool> done{false};
  std::thread poker([&] {
    while (!done) {
      pthread_kill(self, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  try {
    VideoReader reader("-", {.cancelled = [] { return true; }});
    ADD_FAILURE() << "opened half a header";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
  done = true;
  poker.join();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Pipe, WritesY4mAndFragmentedMp4ToStdout) {
  const TemporaryFolder folder;
  for (const char* format : {"", "mp4", "mkv"}) {
    const std::string path = folder.path(std::string("out") + format);
    {
      const StdoutFile captured(path);
      write_clip("-", 160, 96, regular_times(30),
                 {.time_base = {1, 25}, .frame_rate = {25, 1}, .format = format});
    }
    const Clip clip = read_clip(path);
    ASSERT_EQ(clip.frames.size(), 30u) << format;
    EXPECT_EQ(clip.warning, "");
    EXPECT_EQ(clip.frames[0].pts, 0) << format;
    EXPECT_NEAR(static_cast<double>(clip.frames[29].pts) * clip.info.time_base.value(), 29 / 25.0,
                1e-3)
        << format;
    EXPECT_GT(psnr(clip.frames[17].image, gradient(160, 96, 17)), 35) << format;
  }
}

TEST(Pipe, AClosedPipeIsAnOutputError) {
  for (const char* format : {"y4m", "mp4"}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ::close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    std::string sentence;
    {
      const Redirect redirect(STDOUT_FILENO, ends[1]);
      ::close(ends[1]);
      sentence = sentence_of([&] {
        write_clip("-", 160, 96, regular_times(60),
                   {.time_base = {1, 25}, .frame_rate = {25, 1}, .format = format});
      });
    }
    clearerr(stdout);
    EXPECT_NE(sentence.find("stdout: Broken pipe"), std::string::npos) << sentence;
  }
}

TEST(Versions, AreNumbers) {
  const auto versions = media_versions();
  ASSERT_EQ(versions.size(), 4u);
  EXPECT_EQ(versions[0].first, "libavformat");
  for (const auto& version : versions) {
    EXPECT_EQ(std::count(version.second.begin(), version.second.end(), '.'), 2);
  }
}

}  // namespace
}  // namespace semcodec
