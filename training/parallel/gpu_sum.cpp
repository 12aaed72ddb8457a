#include "training/parallel/gpu_sum.h"

#include <dlfcn.h>

#include <cstdlib>

#include "common/core/error.h"
#include "models/core/weights_path.h"

namespace semcodec {

std::unique_ptr<GpuSum> join_nccl(int rank, int size) {
  const std::string advice = "; leave 'all_reduce' at \"main_memory\".";
  const char* host = std::getenv("MASTER_ADDR");
  const char* port = std::getenv("MASTER_PORT");
  require(host != nullptr && port != nullptr, ErrorKind::unsupported,
          "NCCL connects ranks that torchrun has started, and these it has not" + advice);
  const std::string path = own_folder() + "/libsemcodec_nccl.so";
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  const char* why = library == nullptr ? ::dlerror() : nullptr;
  require(library != nullptr, ErrorKind::unsupported,
          "This build cannot connect GPUs by NCCL (" + std::string(why == nullptr ? path : why) +
              ")" + advice);
  const auto make =
      reinterpret_cast<decltype(&semcodec_nccl_sum)>(::dlsym(library, "semcodec_nccl_sum"));
  require(make != nullptr, ErrorKind::unsupported, path + " is of another version" + advice);
  const char* restart = std::getenv("TORCHELASTIC_RESTART_COUNT");
  try {
    return std::unique_ptr<GpuSum>(
        make(host, std::atoi(port), restart == nullptr ? "0" : restart, rank, size));
  } catch (const std::exception& error) {
    const std::string text = error.what();
    throw Error(ErrorKind::unsupported, "NCCL does not connect the GPUs (" +
                                            text.substr(0, text.find('\n')) + ")" + advice);
  }
}

}  // namespace semcodec
