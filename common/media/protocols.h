#pragma once
// Which of libav's protocols an address may use. Private to this folder.

#include <string>

namespace semcodec::av {

/// Whether this names something by a protocol ("tcp://..."), not a file.
bool is_url(const std::string& path);

/// "tcp" of "tcp://HOST:PORT"; "" for a file.
std::string scheme_of(const std::string& path);

/// What libav may open for an address, as its `protocol_whitelist`: the protocol that the user
/// named and those beneath it, "file" for a path, "none" for "" (stdin). A playlist or a
/// redirection thus reaches nothing else.
std::string protocols_for(const std::string& url);

}  // namespace semcodec::av
