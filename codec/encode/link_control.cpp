#include "codec/encode/link_control.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr double kLeastRate = 100, kMostRate = 1e9;

}  // namespace

std::optional<LinkCommand> parse_link_command(const std::string& line, std::string& why) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    why = "it is no JSON object";
    return std::nullopt;
  }
  LinkCommand command;
  for (const auto& [key, value] : json.items()) {
    const bool rate = key == "rate" || key == "max_rate";
    if (rate && value.is_number() && value >= kLeastRate && value <= kMostRate) {
      (key == "rate" ? command.rate : command.max_rate) = value.get<double>();
    } else if (key == "entry_point" && value.is_boolean()) {
      command.entry_point = value.get<bool>();
    } else {
      why = rate ? key + " should be a number from 100 to 1e9" : "'" + key + "' is not known";
      return std::nullopt;
    }
  }
  return command;
}

LinkControl::LinkControl(const std::string& path) : name_(path == "-" ? "stdin" : path) {
  owned_ = path != "-";
  // A FIFO is opened for writing too: it then has no end when a writer goes.
  descriptor_ = owned_ ? ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC) : STDIN_FILENO;
  if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  require(descriptor_ >= 0, ErrorKind::input,
          "Cannot open " + path + " for --control: " + std::strerror(errno) + ".");
}

LinkControl::~LinkControl() {
  if (owned_) ::close(descriptor_);
}

std::vector<LinkCommand> LinkControl::poll() {
  std::vector<LinkCommand> commands;
  char buffer[4096];
  for (pollfd ready{descriptor_, POLLIN, 0}; ::poll(&ready, 1, 0) > 0;) {
    const ssize_t got = ::read(descriptor_, buffer, sizeof buffer);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] != '\n') {
        if (partial_.size() < kLongestLine) partial_ += buffer[i];
        continue;
      }
      std::string why;
      if (partial_.find_first_not_of(" \t\r") != std::string::npos) {
        if (const auto command = parse_link_command(partial_, why)) {
          commands.push_back(*command);
        } else {
          log::warning(name_ + ": \"" + partial_.substr(0, 80) + "\" is left out: " + why + ".");
        }
      }
      partial_.clear();
    }
  }
  return commands;
}

}  // namespace semcodec
