# Decides SEMCODEC_HAVE_GLOO: whether LibTorch can connect ranks by Gloo, which torchrun's ranks need.
#
# The wheels hold Gloo in libtorch_cpu, but not its headers; training/parallel/gloo_types declares the
# few names that torch's header mentions. One small program is compiled and linked to see that both
# fit this LibTorch (once a build folder, some ten seconds).

set(SEMCODEC_GLOO_INCLUDE "")
if(NOT EXISTS ${SEMCODEC_TORCH_DIR}/include/gloo/context.h)
  set(SEMCODEC_GLOO_INCLUDE ${PROJECT_SOURCE_DIR}/training/parallel/gloo_types)
endif()
if(NOT DEFINED SEMCODEC_HAVE_GLOO)
  file(WRITE ${CMAKE_BINARY_DIR}/gloo_check.cpp "
#include <cstdint>
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
int main(int count, char**) {
  if (count < 9) return 0;
  auto store = c10::make_intrusive<c10d::TCPStore>(\"localhost\");
  auto group = c10::make_intrusive<c10d::ProcessGroupGloo>(
      store, 0, 1, c10d::ProcessGroupGloo::Options::create_default());
  return group->getRank();
}
")
  try_compile(SEMCODEC_HAVE_GLOO ${CMAKE_BINARY_DIR}/gloo_check ${CMAKE_BINARY_DIR}/gloo_check.cpp
              CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${SEMCODEC_GLOO_INCLUDE}"
              LINK_LIBRARIES LibTorch::cpu
              CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
  message(STATUS "Ranks by torchrun (Gloo of LibTorch): ${SEMCODEC_HAVE_GLOO}")
endif()
