#pragma once
// Of c10's header what the kernels' launchers use, for the CPU.

#include <c10/util/Exception.h>

#define C10_CUDA_CHECK(status) TORCH_CHECK((status) == cudaSuccess, "A launch was refused.")
