#pragma once
// A child process of `semcodec-train all`.

#include <string>
#include <vector>

namespace semcodec {

/// Runs a program with its arguments and waits for it. It reads nothing, writes where we write,
/// and lives in a process group of its own, so that a terminal's Ctrl-C reaches it once: passed on
/// from here. When this process dies, it dies too, whatever the reason.
/// Returns the exit code; 128 + N when signal N ended it. Throws Error when it cannot be started.
int run_child(const std::vector<std::string>& command);

/// A program of ours: `name` in the folder that this program lies in.
std::string program_beside(const std::string& name);

}  // namespace semcodec
