#include "common/app/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "common/core/error.h"

namespace semcodec {
namespace {

std::atomic<bool> signalled{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the signal handler needs it");

extern "C" void on_signal(int) {
  if (signalled.exchange(true)) _exit(130);
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a read from a silent pipe must return so that the flag is seen.
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  // A closed pipe and a file that may not grow are errors of the write, which says so in a
  // sentence.
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

bool interrupted() noexcept { return signalled.load(); }

void throw_if_interrupted() {
  if (interrupted()) throw Error(ErrorKind::interrupted, "Interrupted.");
}

void reset_interrupt() noexcept { signalled = false; }

}  // namespace semcodec
