#pragma once
// What every program's main() does: options, signals, errors, exit codes.
//
//   int main(int argc, char** argv) {
//     CLI::App app("Encodes a video to a .sem stream");
//     semcodec::CommonOptions common;
//     semcodec::add_common_options(app, common, semcodec::version_text("semcodec-enc", {…}));
//     app.add_option(…);
//     return semcodec::run_main(app, argc, argv, [&] { …the work… });
//   }

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace semcodec {

struct CommonOptions {
  int verbose = 0;                ///< -v, --verbose
  bool quiet = false;             ///< -q, --quiet: errors only
  std::string progress = "auto";  ///< --progress auto|bar|json|none: see parse_progress_mode()
};

/// Adds --config FILE (TOML; a key is an option's long name), --version, -v/--verbose, -q/--quiet
/// and --progress. `common` must outlive the parsing. The log level follows as options are read.
void add_common_options(CLI::App& app, CommonOptions& common, const std::string& version_text);

/// Runs `body` and returns the exit code. Whatever it throws becomes one sentence on stderr:
/// Error → its exit_code(); CLI11's parse errors → 2; out of memory → 1 with advice; others → 1.
/// Installs the interrupt handlers first; flushes stdout last and reports a failure of that (6).
int run_main(int argc, char** argv, const std::function<void()>& body);

/// Parses the command line with `app` (help and version included), then does the above.
int run_main(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace semcodec
