#include "semcodec/log.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

#include "common/core/text.h"

namespace semcodec::log {
namespace {

std::atomic<Level> current_level{Level::info};
std::mutex print_mutex;

Handler& handler() {
  static Handler function;
  return function;
}

void print(Level level, const char* prefix, const std::string& message) {
  if (level > current_level.load()) return;
  const std::lock_guard<std::mutex> lock(print_mutex);
  if (handler()) {
    handler()(level, message);
    return;
  }
  std::fprintf(stderr, "%s%s\n", prefix, printable(message, true).c_str());
}

bool first_time(const std::string& key) {
  static std::mutex seen_mutex;
  static std::set<std::string> seen;
  const std::lock_guard<std::mutex> lock(seen_mutex);
  return seen.insert(key).second;
}

}  // namespace

void set_handler(Handler new_handler) {
  const std::lock_guard<std::mutex> lock(print_mutex);
  handler() = std::move(new_handler);
}

void set_level(Level new_level) { current_level = new_level; }
Level level() { return current_level; }

void error(const std::string& message) { print(Level::error, "error: ", message); }
void warning(const std::string& message) { print(Level::warning, "warning: ", message); }
void info(const std::string& message) { print(Level::info, "", message); }
void debug(const std::string& message) { print(Level::debug, "debug: ", message); }

void warn_once(const std::string& key, const std::string& message) {
  if (first_time(key)) warning(message);
}

void info_once(const std::string& key, const std::string& message) {
  if (first_time(key)) info(message);
}

}  // namespace semcodec::log
