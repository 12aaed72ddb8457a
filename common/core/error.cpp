#include "common/core/error.h"

namespace semcodec {

int Error::exit_code() const noexcept {
  switch (kind_) {
    case ErrorKind::usage:
      return 2;
    case ErrorKind::input:
      return 3;
    case ErrorKind::corrupt:
      return 4;
    case ErrorKind::unsupported:
      return 5;
    case ErrorKind::output:
      return 6;
    case ErrorKind::device:
      return 7;
    case ErrorKind::interrupted:
      return 130;
    case ErrorKind::internal:
      break;
  }
  return 1;
}

}  // namespace semcodec
