#include "semcodec/version.h"

namespace semcodec {

std::string version() { return SEMCODEC_VERSION; }

}  // namespace semcodec
