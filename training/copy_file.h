#pragma once
// Copies that appear under their name when they are complete.

#include <string>

namespace semcodec {

/// Replaces `to`. Nothing to do where both are one file. Throws Error(output).
void copy_whole(const std::string& from, const std::string& to);

}  // namespace semcodec
