#include "training/stages/stage_runner.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

std::string content(const std::string& path) {
  if (!fs::exists(path)) return {};
  const auto bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

void write(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

std::map<std::string, std::string> parse(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(" = ");
    if (at != std::string::npos) out[line.substr(0, at)] = line.substr(at + 3);
  }
  return out;
}

/// Held while a training works in a folder; the system lets go of it when the process ends.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) {
    file_ = ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    require(file_ >= 0, ErrorKind::output, "Cannot write to " + folder + ".");
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      ::close(file_);
      throw Error(ErrorKind::output,
                  "Another training works in " + folder + "; end it or choose another output.");
    }
  }
  ~FolderLock() { ::close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

/// The kind whose exit code a program ended with, so that ours is the same.
ErrorKind kind_of(int code) {
  for (const auto kind : {ErrorKind::usage, ErrorKind::input, ErrorKind::corrupt,
                          ErrorKind::unsupported, ErrorKind::output, ErrorKind::device}) {
    if (Error(kind, {}).exit_code() == code) return kind;
  }
  return ErrorKind::internal;
}

}  // namespace

std::string describe_change(const std::string& before, const std::string& now) {
  const auto old = parse(before), fresh = parse(now);
  std::vector<std::string> changes;
  for (const auto& [key, value] : fresh) {
    const auto found = old.find(key);
    // An option may be new since then; what it was is not known.
    const std::string was = found == old.end() ? "not set" : found->second;
    if (was != value) changes.push_back(key + " is " + value + " (was " + was + ")");
  }
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, changes.size()); ++i) {
    text += (i == 0 ? "" : ", ") + changes[i];
  }
  if (changes.size() > 3) text += " and " + std::to_string(changes.size() - 3) + " more";
  return text.empty() && before != now ? "earlier settings changed" : text;
}

void set_aside(const std::string& path) {
  if (!fs::exists(path)) return;
  for (int i = 1;; ++i) {
    const std::string name = path + ".before-" + std::to_string(i);
    if (fs::exists(name)) continue;
    std::error_code code;
    fs::rename(path, name, code);
    require(!code, ErrorKind::output, "Cannot rename " + path + ": " + code.message() + ".");
    log::info("What an earlier run with other settings left is now " + name + ".");
    return;
  }
}

void run_jobs(const std::vector<Job>& jobs, const std::string& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  require(!code, ErrorKind::output, "Cannot make " + folder + ": " + code.message() + ".");
  const FolderLock lock(folder);
  const int stages = jobs.empty() ? 0 : jobs.back().stage;
  std::string settings;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i];
    settings += "[" + job.name + "]\n";
    for (const auto& [key, value] : job.settings) settings += key + " = " + value + "\n";
    const std::string base = folder + "/" + job.name, done = base + ".done",
                      begun = base + ".begun";
    const std::string where =
        "stage " + std::to_string(job.stage) + "/" + std::to_string(stages) + " " + job.title;
    const bool there = std::all_of(job.results.begin(), job.results.end(),
                                   [](const std::string& path) { return fs::exists(path); });
    if (there && content(done) == settings) {
      log::info(where + ": done before.");
      continue;
    }
    throw_if_interrupted();
    for (std::size_t k = i; k < jobs.size(); ++k) {
      fs::remove(folder + "/" + jobs[k].name + ".done", code);
    }
    const std::string before = content(begun);
    if (before == settings) {
      log::info(where + ": going on.");
    } else {
      if (!before.empty()) {
        log::info(where + ": anew, since " + describe_change(before, settings) + ".");
      } else {
        log::info(where);
      }
      if (job.clear) job.clear();
      write(begun, settings);
    }
    const int status = job.work();
    if (interrupted() || status == Error(ErrorKind::interrupted, {}).exit_code()) {
      throw Error(ErrorKind::interrupted,
                  "Stopped in " + where + "; the same command goes on from there.");
    }
    require(status == 0, kind_of(status),
            "Training ended in " + where + " (exit code " + std::to_string(status) +
                ") for the reason given above; mend it, and the same command goes on from there.");
    for (const auto& path : job.results) {
      require(fs::exists(path), ErrorKind::internal,
              "Training ended in " + where + ": it did not write " + path + ".");
    }
    write(done, settings);
  }
}

}  // namespace semcodec
