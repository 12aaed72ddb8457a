# Decides whether the CUDA module is built (SEMCODEC_HAVE_CUDA) and says so.
set(SEMCODEC_HAVE_CUDA OFF)
if(NOT SEMCODEC_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER AND TARGET LibTorch::cuda)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 86-real 89-real 90)
    endif()
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 17)   # CMake 3.25 does not know CUDA20
    find_package(CUDAToolkit REQUIRED)
    set(SEMCODEC_HAVE_CUDA ON)
  elseif(SEMCODEC_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SEMCODEC_CUDA=ON, but nvcc or a CUDA build of LibTorch was not found; "
                        "install the CUDA toolkit or configure with -DSEMCODEC_CUDA=OFF")
  endif()
endif()
message(STATUS "CUDA kernels: ${SEMCODEC_HAVE_CUDA}")
