#pragma once
// Batches: structs of tensors whose first dimension counts the samples. A struct says once which
// tensors it has, by a function tensors_of(T&) that lists pointers to all of them in a fixed order;
// undefined ones stay undefined.

#include <torch/torch.h>

#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

namespace semcodec {

template <typename T>
concept TensorStruct = requires(T& sample) {
  { tensors_of(sample) } -> std::same_as<std::vector<torch::Tensor*>>;
};

/// `sample` with `f` applied to each of its tensors.
template <TensorStruct T, typename Function>
T with_each(T sample, const Function& f) {
  for (auto* tensor : tensors_of(sample)) {
    if (tensor->defined()) *tensor = f(*tensor);
  }
  return sample;
}

/// One batch of several samples. What is no tensor is as in the first one.
template <TensorStruct T>
T collate(std::vector<T> samples) {
  std::vector<std::vector<torch::Tensor*>> all;
  for (auto& sample : samples) all.push_back(tensors_of(sample));
  T batch = samples.front();
  const auto whole = tensors_of(batch);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (!whole[i]->defined()) continue;
    std::vector<torch::Tensor> parts;
    for (const auto& of_sample : all) parts.push_back(*of_sample[i]);
    *whole[i] = torch::cat(parts, 0);
  }
  return batch;
}

template <TensorStruct T>
std::int64_t batch_size(T batch) {
  return tensors_of(batch).front()->size(0);
}

/// Samples first … first + count − 1 of a batch.
template <TensorStruct T>
T part_of(const T& batch, std::int64_t first, std::int64_t count) {
  return with_each(batch, [&](const torch::Tensor& x) { return x.narrow(0, first, count); });
}

/// In page-locked memory, from which a copy to the GPU runs beside its work. Only with CUDA.
template <TensorStruct T>
T pinned(const T& batch) {
  return with_each(batch, [](const torch::Tensor& x) { return x.pin_memory(); });
}

template <TensorStruct T>
T to_device(const T& batch, torch::Device device) {
  return with_each(batch, [&](const torch::Tensor& x) { return x.to(device, true); });
}

}  // namespace semcodec
