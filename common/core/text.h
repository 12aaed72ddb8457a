#pragma once
// Texts that come from outside, made fit to be shown on a terminal or in a log.

#include <string>
#include <string_view>

namespace semcodec {

/// The text with everything a terminal could act on written as \xNN, byte by byte: control
/// characters (C0, DEL, C1), characters that change the direction of writing, and bytes that are
/// no UTF-8. A backslash stays as it is. With `keep_lines` newlines and tabs stay.
std::string printable(std::string_view text, bool keep_lines = false);

}  // namespace semcodec
