#pragma once
/// @file
/// Messages for people, on stderr unless a handler takes them. Data never goes through here.

#include <functional>
#include <string>

#include "semcodec/export.h"

namespace semcodec::log {

enum class Level { quiet = 0, error = 1, warning = 2, info = 3, debug = 4 };

/// Messages above this level are dropped. Default: info.
SEMCODEC_API void set_level(Level level);
SEMCODEC_API Level level();

/// Takes the messages that pass the level, one call at a time, from any thread; an empty one gives
/// them back to stderr.
using Handler = std::function<void(Level, const std::string&)>;
SEMCODEC_API void set_handler(Handler handler);

SEMCODEC_API void error(const std::string& message);
SEMCODEC_API void warning(const std::string& message);
SEMCODEC_API void info(const std::string& message);
SEMCODEC_API void debug(const std::string& message);

/// Like warning(), but each `key` is printed once in the life of the process. Used for fallbacks,
/// which are said aloud once together with what they cost.
SEMCODEC_API void warn_once(const std::string& key, const std::string& message);
/// The same for what costs nothing to worry about.
SEMCODEC_API void info_once(const std::string& key, const std::string& message);

}  // namespace semcodec::log
