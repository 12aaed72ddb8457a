#pragma once
// Where and in which number format networks run.
//
// The programs link only libtorch_cpu, which starts quickly and works on machines without CUDA.
// libtorch_cuda.so, and our own kernels in libsemcodec_cuda.so, are loaded at run time, when a CUDA
// device is asked for. Torch decides once, at the first question about CUDA, whether it has CUDA:
// so a program calls parse_device() before anything else that touches torch.

#include <torch/torch.h>

#include <optional>
#include <string>

namespace semcodec {

/// "cpu", "cuda" (= "cuda:0"), "cuda:N", or "auto": CUDA when the driver (libcuda.so.1), torch's
/// CUDA library and a device are there, else the CPU, which is said once. Throws Error(usage) on
/// other texts and Error(device), telling what was found, when the device asked for is not there.
torch::Device parse_device(const std::string& text);

/// Loads torch's CUDA library and our kernels beside it. Returns whether CUDA devices can be used;
/// `why` receives the reason when not. Cheap when called again.
bool load_cuda(std::string* why = nullptr);

/// Whether libsemcodec_cuda.so was found and loaded (its operators are registered with torch).
bool cuda_kernels_loaded();

/// Whether this CPU computes bfloat16 products in hardware (AVX512_BF16 or AMX_BF16) and the
/// operating system saves the registers. Without it bf16 is emulated and slower than fp32.
bool cpu_has_bf16();

/// Whether it has tiles for them besides (AMX_BF16), with which oneDNN's convolutions are several
/// times as fast as without (docs/benchmarks.md).
bool cpu_has_amx();

/// What networks should compute in: CPU bf16 or fp32, CUDA fp16. The environment variable
/// SEMCODEC_DTYPE (fp32 or bf16) overrides it, which tests and comparisons use; under SEMCODEC_CPU
/// (common/cpu/level.h) it is what a CPU without more would get. Whatever is not the fast choice is
/// said once. Throws Error(usage) on other values of both.
torch::Dtype inference_dtype(const torch::Device& device);

/// Whether a network on `device` runs by an engine of our own (EdgeEngine, GeneratorEngine) where
/// there is one that knows it. So on CPUs with kernels on pair planes, unless single precision is
/// asked for: by a `dtype` given by hand, or, where none is, by SEMCODEC_DTYPE=fp32. Engines keep
/// features in bfloat16 whatever the format of the networks that torch runs.
bool engine_wanted(const torch::Device& device, std::optional<torch::Dtype> dtype = std::nullopt);

/// One line for people: "CPU, bf16, pair kernels avx512bf16, 2 threads", "CPU, fp32, 2 threads" or
/// "cuda:0, fp16, own kernels".
std::string describe(const torch::Device& device);

/// Puts all 4-d parameters and buffers into channels-last memory order, in which oneDNN and cuDNN
/// convolve fastest. (torch::nn::Module::to has no such overload in C++.)
void to_channels_last(torch::nn::Module& module);

/// Makes torch take only operators that give the same bits every time on one machine, and throw
/// where it has none. Before the first use of a device.
void set_deterministic(bool on);

/// Whether set_deterministic(true) is in force.
bool deterministic();

/// Lets the allocator keep what tensors free for the next ones. set_threads() does it too.
void keep_memory();

/// Threads that one operator may use; 0 = one a core.
void set_threads(int count);

/// What set_threads() set in this thread.
int threads_in_use();

}  // namespace semcodec
