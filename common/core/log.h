#pragma once
// Messages for people, on stderr. Data never goes through here. What a terminal could act on is
// written out (text.h), since messages name files and quote streams.

#include <string>

namespace semcodec::log {

enum class Level { quiet = 0, error = 1, warning = 2, info = 3, debug = 4 };

/// Messages above this level are dropped. Default: info.
void set_level(Level level);
Level level();

void error(const std::string& message);
void warning(const std::string& message);
void info(const std::string& message);
void debug(const std::string& message);

/// Like warning(), but each `key` is printed once in the life of the process. Used for fallbacks,
/// which are said aloud once together with what they cost.
void warn_once(const std::string& key, const std::string& message);
/// The same for what costs nothing to worry about.
void info_once(const std::string& key, const std::string& message);

}  // namespace semcodec::log
