#include "common/app/run_main.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "common/core/text.h"
#include "common/cpu/level.h"

namespace semcodec {
namespace {

std::string program_name(int argc, char** argv) {
  if (argc < 1 || argv == nullptr || argv[0] == nullptr) return "semcodec";
  const std::string path = argv[0];
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// One line, with a full stop.
std::string sentence(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (!text.empty() && text.back() != '.' && text.back() != '!') text += '.';
  return text;
}

/// Printed whatever the log level: an exit code alone explains nothing.
int report(const std::string& program, const std::string& text, int code) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), printable(sentence(text)).c_str());
  return code;
}

int guarded(const std::string& program, const std::function<void()>& body) {
  try {
    body();
    if (std::fflush(stdout) != 0) {
      return report(program, std::string("Cannot write to stdout: ") + std::strerror(errno), 6);
    }
    return 0;
  } catch (const Error& error) {
    return report(program, error.what(), error.exit_code());
  } catch (const CLI::Error& error) {
    if (error.get_exit_code() == 0) return 0;
    return report(program, std::string(error.what()) + ". See --help", 2);
  } catch (const std::bad_alloc&) {
    return report(program, "Not enough memory; a smaller size or fewer threads need less.", 1);
  } catch (const std::exception& error) {
    return report(program, std::string("Internal error: ") + error.what(), 1);
  } catch (...) {
    return report(program, "Internal error of unknown kind", 1);
  }
}

/// An unknown SEMCODEC_CPU ends every program alike.
void run_checked(const std::function<void()>& body) {
  cpu::level_in_use();
  body();
}

}  // namespace

void add_common_options(CLI::App& app, CommonOptions& common, const std::string& version_text) {
  app.set_version_flag("--version", version_text, "Print the version and what was built in");
  app.set_config("--config", "", "Read options from a TOML file; the command line wins", false);
  app.add_flag_function(
      "-v,--verbose",
      [&common](std::int64_t count) {
        common.verbose = static_cast<int>(count);
        if (count > 0) log::set_level(log::Level::debug);
      },
      "Say more");
  app.add_flag_function(
      "-q,--quiet",
      [&common](std::int64_t count) {
        common.quiet = count > 0;
        if (count > 0) log::set_level(log::Level::error);
      },
      "Say nothing but errors");
  app.add_option("--progress", common.progress, "Progress on stderr: auto, bar, json or none")
      ->check(CLI::IsMember({"auto", "bar", "json", "none"}))
      ->capture_default_str();
}

int run_main(int argc, char** argv, const std::function<void()>& body) {
  install_interrupt_handlers();
  return guarded(program_name(argc, argv), [&] { run_checked(body); });
}

int run_main(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  install_interrupt_handlers();
  return guarded(program_name(argc, argv), [&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& wish) {  // --help, --version
      app.exit(wish);
      return;
    }
    run_checked(body);
  });
}

}  // namespace semcodec
