#include "training/stages/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "common/app/interrupt.h"
#include "common/core/error.h"

namespace semcodec {

int run_child(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& text : command) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  int report[2];  // the child says here why it could not become the program
  require(::pipe2(report, O_CLOEXEC) == 0, ErrorKind::internal,
          "Cannot make a pipe: " + std::string(std::strerror(errno)) + ".");
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it died before prctl
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    ::execvp(arguments[0], arguments.data());
    const int cause = errno;
    [[maybe_unused]] const auto told = ::write(report[1], &cause, sizeof cause);
    ::_exit(127);
  }
  const int failed = child < 0 ? errno : 0;
  ::close(report[1]);
  int cause = 0;
  const bool started =
      child > 0 && ::read(report[0], &cause, sizeof cause) != static_cast<ssize_t>(sizeof cause);
  ::close(report[0]);
  int status = 0;
  if (!started) {
    if (child > 0) ::waitpid(child, &status, 0);
    throw Error(ErrorKind::input, "Cannot start " + command.front() + ": " +
                                      std::strerror(child < 0 ? failed : cause) + ".");
  }
  bool passed_on = false;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) break;
    if (interrupted() && !passed_on) {
      ::kill(-child, SIGTERM);
      passed_on = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string program_beside(const std::string& name) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  return (self.parent_path() / name).string();
}

}  // namespace semcodec
