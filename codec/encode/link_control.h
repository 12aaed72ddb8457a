#pragma once
// Commands to an encoder that is running: one JSON object a line, from a file, a FIFO or stdin.
//
//   {"rate": 6000}           the target of --bitrate from now on, bit/s
//   {"max_rate": 9600}       what the link carries from now on, bit/s, everything counted
//   {"entry_point": true}    the next frame becomes an entry point
//
// Several may stand in one object. Lines that are none of these are warned of and left out.

#include <optional>
#include <string>
#include <vector>

namespace semcodec {

struct LinkCommand {
  std::optional<double> rate, max_rate;
  bool entry_point = false;
};

/// Nothing, and a sentence in `why`, when the line is no command.
std::optional<LinkCommand> parse_link_command(const std::string& line, std::string& why);

class LinkControl {
 public:
  /// Opens a file or FIFO, or stdin for "-". Throws Error(input).
  explicit LinkControl(const std::string& path);
  ~LinkControl();
  LinkControl(const LinkControl&) = delete;
  LinkControl& operator=(const LinkControl&) = delete;

  /// The commands that came since the last call; never waits. What is appended to a file counts.
  std::vector<LinkCommand> poll();

 private:
  std::string name_;
  int descriptor_ = -1;
  bool owned_ = false;
  std::string partial_;
};

}  // namespace semcodec
