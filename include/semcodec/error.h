#pragma once
/// @file
/// Errors of the whole project.
///
/// Everything that can go wrong for a reason outside the program (a bad file, a full disk, an
/// option that makes no sense) is thrown as Error, whose text is one sentence that names the thing
/// and says what to do. The programs print that sentence on stderr and end with exit_code().
/// Programming mistakes are assertions, never Errors.

#include <stdexcept>
#include <string>

#include "semcodec/export.h"

namespace semcodec {

enum class ErrorKind {
  usage,        ///< an option or argument is wrong                        (exit code 2)
  input,        ///< an input file is missing, unreadable or not what it should be   (3)
  corrupt,      ///< a .sem stream or model file is damaged                          (4)
  unsupported,  ///< a valid input needs something this build or model lacks         (5)
  output,       ///< the output cannot be written                                    (6)
  device,       ///< the device asked for is not there                               (7)
  interrupted,  ///< the user pressed Ctrl-C                                       (130)
  internal      ///< anything else                                                   (1)
};

class SEMCODEC_API Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }
  int exit_code() const noexcept;

 private:
  ErrorKind kind_;
};

/// Throws Error(kind, sentence) unless the condition holds.
inline void require(bool condition, ErrorKind kind, const std::string& sentence) {
  if (!condition) throw Error(kind, sentence);
}

}  // namespace semcodec
