#pragma once
// A stream from stdin, a FIFO or a device, whose reading ends when the one who waits for it is
// gone.

#include <functional>
#include <string>

#include "semcodec/stream_reader.h"

namespace semcodec {

/// Whether reading from there may wait for ever: stdin or a file that is no ordinary one.
bool may_block(const std::string& path);

/// Bytes of such a file, "-" for stdin, until `stop` says yes. Throws Error(input) when it cannot
/// be opened or read.
StreamReader::Source polled_input(const std::string& path, std::function<bool()> stop);

}  // namespace semcodec
