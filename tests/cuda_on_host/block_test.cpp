// The stand-in for a GPU does what the kernels' tests rely on.

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "common/cuda/launch.cuh"

namespace semcodec {
namespace {

__global__ void sum_of_blocks(const int* values, int* sums) {
  __shared__ int partial[64];
  partial[threadIdx.x] = values[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

TEST(CudaOnHost, BarriersHoldBackTheWholeBlock) {
  std::vector<int> values(256), sums(4);
  for (int i = 0; i < 256; ++i) values[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(cuda::launch(sum_of_blocks, 4, 64, 0, nullptr, values.data(), sums.data()),
            cudaSuccess);
  EXPECT_EQ(sums, (std::vector<int>{2016, 6112, 10208, 14304}));
}

__global__ void sum_of_lanes(int* sums) {
  int value = static_cast<int>(threadIdx.x);
  for (unsigned half = 16; half > 0; half /= 2) value += __shfl_down_sync(~0U, value, half);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
}

TEST(CudaOnHost, LanesExchangeWithinTheirWarp) {
  int sums[2] = {};
  EXPECT_EQ(cuda::launch(sum_of_lanes, 1, 64, 0, nullptr, sums), cudaSuccess);
  EXPECT_EQ(sums[0], 496);
  EXPECT_EQ(sums[1], 1520);
}

__global__ void read_unwritten(unsigned char* out) {
  *out = *cuda::dynamic_shared<unsigned char>();
}

TEST(CudaOnHost, SharedMemoryIsNotZeroAtFirst) {
  unsigned char value = 0;
  EXPECT_EQ(cuda::launch(read_unwritten, 1, 1, 16, nullptr, &value), cudaSuccess);
  EXPECT_NE(value, 0);
}

__global__ void wait_apart() {
  if (threadIdx.x == 0) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}

TEST(CudaOnHost, RefusesWhatAGpuRefusesOrHangsOn) {
  EXPECT_THROW(cuda::launch(wait_apart, 1, 2, 0, nullptr), std::logic_error);
  EXPECT_THROW(cuda::launch(wait_apart, 1, 2048, 0, nullptr), std::logic_error);
  EXPECT_THROW(cuda::launch(wait_apart, dim3(1, 70000), 1, 0, nullptr), std::logic_error);
  EXPECT_THROW(cuda::launch(wait_apart, 1, 1, std::size_t{1} << 20, nullptr), std::logic_error);
}

}  // namespace
}  // namespace semcodec
