#include "common/app/run_main.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {
namespace {

/// argv as main() gets it.
class Arguments {
 public:
  explicit Arguments(std::vector<std::string> words) : words_(std::move(words)) {
    for (auto& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  int count() const { return static_cast<int>(words_.size()); }
  char** values() { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

struct Outcome {
  int code;
  std::string out, err;
};

Outcome run(std::vector<std::string> words, const std::function<void()>& body,
            const std::function<void(CLI::App&)>& set_up = {}) {
  Arguments arguments(std::move(words));
  CLI::App app("A test");
  CommonOptions common;
  add_common_options(app, common, "prog 1.2.3");
  if (set_up) set_up(app);
  const auto level = log::level();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_main(app, arguments.count(), arguments.values(), body);
  log::set_level(level);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(RunMain, ReturnsZeroAndPrintsNothing) {
  bool ran = false;
  const Outcome outcome = run({"/usr/bin/prog"}, [&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST(RunMain, TurnsErrorsIntoOneSentenceAndTheirCode) {
  const auto throwing = [](ErrorKind kind) {
    return run({"dir/prog"}, [kind] { throw Error(kind, "The sky is green."); });
  };
  const std::vector<std::pair<ErrorKind, int>> codes = {
      {ErrorKind::usage, 2},         {ErrorKind::input, 3},   {ErrorKind::corrupt, 4},
      {ErrorKind::unsupported, 5},   {ErrorKind::output, 6},  {ErrorKind::device, 7},
      {ErrorKind::interrupted, 130}, {ErrorKind::internal, 1}};
  for (const auto& [kind, code] : codes) {
    const Outcome outcome = throwing(kind);
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.err, "prog: The sky is green.\n");
  }
}

TEST(RunMain, TurnsOtherExceptionsIntoOneLine) {
  const Outcome memory = run({"prog"}, [] { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code, 1);
  EXPECT_EQ(memory.err.find("prog: Not enough memory"), 0u);
  const Outcome other = run({"prog"}, [] { throw std::logic_error("two\nlines"); });
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(other.err, "prog: Internal error: two lines.\n");
  const Outcome odd = run({"prog"}, [] { throw 7; });
  EXPECT_EQ(odd.code, 1);
}

TEST(RunMain, HelpAndVersionDoNotRunTheBody) {
  bool ran = false;
  const Outcome help = run({"prog", "--help"}, [&] { ran = true; });
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--config"), std::string::npos);
  const Outcome version = run({"prog", "--version"}, [&] { ran = true; });
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "prog 1.2.3\n");
  EXPECT_FALSE(ran);
}

TEST(RunMain, WrongOptionsAreOneSentenceAndCodeTwo) {
  const Outcome outcome = run({"prog", "--nonsense"}, [] {});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("--nonsense"), std::string::npos);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  EXPECT_EQ(run({"prog", "--progress", "loud"}, [] {}).code, 2);
  EXPECT_EQ(run({"prog", "--config", "/nonexistent.toml"}, [] {}).code, 2);
}

TEST(RunMain, ConfigFileSetsOptionsAndTheCommandLineWins) {
  const auto path = std::filesystem::temp_directory_path() / "semcodec_run_main_test.toml";
  std::ofstream(path) << "rate = 5\nname = \"from file\"\n";
  int rate = 0;
  std::string name;
  const auto set_up = [&](CLI::App& app) {
    app.add_option("--rate", rate);
    app.add_option("--name", name);
  };
  const Outcome outcome = run(
      {"prog", "--config", path.string(), "--rate", "7"}, [] {}, set_up);
  std::filesystem::remove(path);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(rate, 7);
  EXPECT_EQ(name, "from file");
}

TEST(RunMain, VerboseAndQuietSetTheLogLevel) {
  auto level = log::Level::info;
  run({"prog", "-v"}, [&] { level = log::level(); });
  EXPECT_EQ(level, log::Level::debug);
  run({"prog", "--quiet"}, [&] { level = log::level(); });
  EXPECT_EQ(level, log::Level::error);
}

TEST(Interrupt, FirstSignalSetsTheFlag) {
  reset_interrupt();
  install_interrupt_handlers();
  EXPECT_FALSE(interrupted());
  throw_if_interrupted();
  raise(SIGINT);
  EXPECT_TRUE(interrupted());
  const Outcome outcome = run({"prog"}, [] { throw_if_interrupted(); });
  EXPECT_EQ(outcome.code, 130);
  reset_interrupt();
}

TEST(InterruptDeathTest, SecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        install_interrupt_handlers();
        raise(SIGTERM);
        raise(SIGTERM);
        std::exit(0);
      },
      testing::ExitedWithCode(130), "");
}

TEST(Interrupt, ClosedPipeIsAnErrorNotADeath) {
  install_interrupt_handlers();
  raise(SIGPIPE);
  SUCCEED();  // reaching this line is the test
}

}  // namespace
}  // namespace semcodec
