#include "models/core/device.h"

#include <malloc.h>

#include <cpuid.h>
#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/cpu/level.h"
#include "models/core/weights_path.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

bool open_library(const std::string& name, std::string* why = nullptr) {
  // Global, so that our kernels find torch's symbols; never closed, as torch registers itself.
  if (dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return true;
  const char* error = dlerror();
  if (why != nullptr) *why = error != nullptr ? error : "unknown error";
  return false;
}

/// The folder of the shared library that holds torch's CPU part.
std::string torch_folder() {
  Dl_info info{};
  const auto address = reinterpret_cast<const void*>(&at::get_num_threads);
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return fs::path(info.dli_fname).parent_path().string();
}

struct CudaState {
  bool driver = false;   ///< libcuda.so.1 was found
  bool usable = false;   ///< torch finds a device
  bool kernels = false;  ///< ours are loaded
  std::string why;       ///< not usable
  std::string why_no_kernels = "libsemcodec_cuda.so was not found beside the program";
};

CudaState try_cuda() {
  CudaState state;
  std::string reason;
  if (!open_library("libcuda.so.1")) {
    state.why = "the NVIDIA driver (libcuda.so.1) was not found";
    return state;
  }
  state.driver = true;
  if (!open_library("libtorch_cuda.so") &&
      !open_library(torch_folder() + "/libtorch_cuda.so", &reason)) {
    state.why = "torch's CUDA library could not be loaded (" + reason + ")";
    return state;
  }
  try {
    state.usable = torch::cuda::is_available() && torch::cuda::device_count() > 0;
    if (!state.usable) state.why = "torch's CUDA library was loaded, but found no device";
  } catch (const std::exception& error) {
    state.why = std::string("torch's CUDA library failed (") + error.what() + ")";
  }
  if (!state.usable) return state;
  const std::string library = "libsemcodec_cuda.so";
  for (const std::string& folder :
       {own_folder(), own_folder() + "/../lib", own_folder() + "/semcodec", std::string()}) {
    const std::string path = folder.empty() ? library : folder + "/" + library;
    std::error_code code;
    if (!folder.empty() && !fs::exists(path, code)) continue;
    if (open_library(path, &reason)) {
      state.kernels = true;
      break;
    }
    if (!folder.empty()) state.why_no_kernels = reason;
  }
  return state;
}

const CudaState& cuda_state() {
  static const CudaState state = try_cuda();
  return state;
}

/// CPUID leaf 7 sub-leaf: 0 or 1; zeros where the CPU does not have it.
struct Leaf7 {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  explicit Leaf7(unsigned sub_leaf) {
#if defined(__x86_64__)
    if (__get_cpuid_count(7, sub_leaf, &eax, &ebx, &ecx, &edx) == 0) eax = ebx = ecx = edx = 0;
#else
    (void)sub_leaf;
#endif
  }
};

/// The register sets that the operating system saves (XCR0), 0 where it cannot be asked.
unsigned saved_registers() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#else
  return 0;
#endif
}

/// Says what the choice of the CPU by "auto" costs. A machine without a driver has most likely no
/// GPU, and nothing is lost there.
void report_cpu(const CudaState& state) {
  if (!state.driver) {
    log::info_once("device", "No NVIDIA driver was found; the networks run on the CPU.");
    return;
  }
  log::warn_once("device", "The GPU is not used, because " + state.why +
                               "; the networks run on the CPU, many times slower.");
}

void report_kernels(const CudaState& state) {
  if (state.kernels) return;
  log::warn_once("cuda kernels",
                 "The project's own CUDA kernels were not loaded (" + state.why_no_kernels +
                     "); warping and correlation run as many small steps of torch, slower and with "
                     "more memory.");
}

/// What SEMCODEC_DTYPE asks for.
std::optional<torch::Dtype> wished_dtype() {
  const char* wish = std::getenv("SEMCODEC_DTYPE");
  if (wish == nullptr || *wish == '\0') return std::nullopt;
  const std::string text = wish;
  require(text == "fp32" || text == "bf16", ErrorKind::usage,
          "SEMCODEC_DTYPE is '" + text + "'; it can be fp32 or bf16, or be left unset.");
  return text == "fp32" ? torch::kFloat32 : torch::kBFloat16;
}

std::string name_of(torch::Dtype dtype) {
  return dtype == torch::kFloat32 ? "fp32" : dtype == torch::kFloat16 ? "fp16" : "bf16";
}

/// Which bfloat16 products the CPU has and the operating system lets run.
struct Products {
  bool bf16 = false, amx = false;
};

const Products& products() {
  static const Products found = [] {
    const unsigned saved = saved_registers();
    constexpr unsigned kAvx512State = 0xe6;  // SSE, AVX, opmask, upper ZMM
    constexpr unsigned kAmxState = 0x60000;  // tile configuration and data
    const Leaf7 basic(0), more(1);
    const bool avx512 = (basic.ebx >> 16 & 1) != 0 && (saved & kAvx512State) == kAvx512State;
    return Products{avx512 && (more.eax >> 5 & 1) != 0,
                    avx512 && (basic.edx >> 22 & 1) != 0 && (saved & kAmxState) == kAmxState};
  }();
  return found;
}

torch::Dtype usual_dtype(const torch::Device& device) {
  if (device.is_cuda()) return torch::kFloat16;
  return cpu_has_bf16() && !cpu::level_is_forced_down() ? torch::kBFloat16 : torch::kFloat32;
}

std::string level_name() { return cpu::name_of(cpu::level_in_use()); }

/// Below AVX2 torch's operators run.
bool have_engines() { return cpu::level_in_use() != cpu::Level::generic; }

/// Says what a CPU without bfloat16, or one that SEMCODEC_CPU makes such, costs.
void report_single_precision() {
  const std::string engines =
      have_engines() ? ", edges and frames by kernels for " + level_name() : "";
  if (cpu::level_is_forced_down()) {
    log::info_once("dtype", "SEMCODEC_CPU: networks run in single precision" + engines +
                                ", slower than this CPU can.");
    return;
  }
  log::info_once("dtype",
                 "This CPU does not compute bfloat16 (AVX512_BF16 or AMX_BF16); networks run in "
                 "single precision" +
                     engines + ", about half as fast as with it.");
}

}  // namespace

bool load_cuda(std::string* why) {
  if (why != nullptr) *why = cuda_state().why;
  return cuda_state().usable;
}

bool cuda_kernels_loaded() { return cuda_state().kernels; }

torch::Device parse_device(const std::string& text) {
  if (text == "cpu") return torch::kCPU;
  if (text == "auto") {
    if (!load_cuda()) {
      report_cpu(cuda_state());
      return torch::kCPU;
    }
    report_kernels(cuda_state());
    return {torch::kCUDA, 0};
  }
  int index = 0;
  bool well_formed = text == "cuda";
  if (text.starts_with("cuda:")) {
    const char* begin = text.data() + 5;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(begin, end, index);
    well_formed = parsed.ec == std::errc() && parsed.ptr == end && index >= 0 && begin != end;
  }
  require(well_formed, ErrorKind::usage,
          "'" + text + "' is not a device; use auto, cpu, cuda or cuda:N.");
  std::string why;
  require(load_cuda(&why), ErrorKind::device,
          "Device " + text + " is not there: " + why + "; use --device cpu or auto.");
  const auto count = static_cast<int>(torch::cuda::device_count());
  require(index < count, ErrorKind::device,
          "Device " + text + " is not there: this machine has " + std::to_string(count) +
              " CUDA device(s), cuda:0 to cuda:" + std::to_string(count - 1) + ".");
  report_kernels(cuda_state());
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

bool cpu_has_bf16() { return products().bf16 || products().amx; }

bool cpu_has_amx() { return products().amx; }

torch::Dtype inference_dtype(const torch::Device& device) {
  const torch::Dtype usual = usual_dtype(device);
  const auto wish = wished_dtype();
  if (wish && *wish != usual) {
    log::info_once("dtype", "SEMCODEC_DTYPE: networks compute in " + name_of(*wish) +
                                " instead of " + name_of(usual) +
                                (*wish == torch::kFloat32 ? ", exacter and about half as fast."
                                                          : ", which suits this machine less."));
    return *wish;
  }
  if (device.is_cpu() && usual == torch::kFloat32) {
    report_single_precision();
  }
  return usual;
}

bool engine_wanted(const torch::Device& device, std::optional<torch::Dtype> dtype) {
  if (!device.is_cpu() || !have_engines()) return false;
  return dtype ? *dtype == torch::kBFloat16 : wished_dtype() != torch::kFloat32;
}

std::string describe(const torch::Device& device) {
  const std::string format = name_of(inference_dtype(device));
  if (device.is_cuda()) {
    return device.str() + ", " + format + (cuda_kernels_loaded() ? ", own kernels" : "");
  }
  const std::string kernels = engine_wanted(device) ? "pair kernels " + level_name() + ", " : "";
  return "CPU, " + format + ", " + kernels + std::to_string(at::get_num_threads()) + " threads";
}

void set_deterministic(bool on) {
  // cuBLAS reads this once, before its first product.
  if (on) ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  auto& context = at::globalContext();
  context.setDeterministicAlgorithms(on, /*warn_only=*/false);
  // Torch would fill every new tensor with NaN to betray reads of unset memory: a tool for tests.
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(on);
  context.setBenchmarkCuDNN(!on && context.benchmarkCuDNN());
  context.setDeterministicMkldnn(on);
}

bool deterministic() { return at::globalContext().deterministicAlgorithms(); }

void to_channels_last(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  const auto convert = [](torch::Tensor& tensor) {
    if (tensor.dim() == 4) tensor.set_data(tensor.contiguous(torch::MemoryFormat::ChannelsLast));
  };
  for (torch::Tensor& tensor : module.parameters()) convert(tensor);
  for (torch::Tensor& tensor : module.buffers()) convert(tensor);
}

void keep_memory() {
#ifdef __GLIBC__
  // Above the threshold malloc maps fresh pages for each tensor and gives them back at its end, and
  // the kernel then clears the same megabytes for every layer: a tenth of the time of a frame.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int threads_in_use() { return at::get_num_threads(); }

void set_threads(int count) {
  keep_memory();
  require(count >= 0, ErrorKind::usage, "The number of threads cannot be negative.");
  if (count == 0) count = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  at::set_num_threads(count);
}

}  // namespace semcodec
