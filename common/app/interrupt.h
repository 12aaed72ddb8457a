#pragma once
// Ctrl-C and SIGTERM: the first asks the program to finish what it has, the second ends it.

namespace semcodec {

/// From now on the first SIGINT or SIGTERM only sets a flag; the second ends the process at once
/// with status 130. SIGPIPE is ignored, so that a closed pipe is an ordinary write error.
/// run_main() calls it.
void install_interrupt_handlers();

/// True once a signal has come.
bool interrupted() noexcept;

/// Throws Error(interrupted) once a signal has come.
void throw_if_interrupted();

/// Forgets the signal. For tests.
void reset_interrupt() noexcept;

}  // namespace semcodec
