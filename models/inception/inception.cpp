#include "models/inception/inception.h"

#include <algorithm>
#include <vector>

#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr double kEpsilon = 1e-3;  // of the batch norms

/// A convolution: what it is called inside its block, its channels and window. Windows other than
/// those with stride 2 keep the size, except in the first two layers.
struct Plan {
  std::string name;
  std::int64_t in, out, high, wide, stride;
  bool padded;
};

class PlanList {
 public:
  std::vector<Plan> plans;

  void add(const std::string& name, int in, int out, int high, int wide, int stride = 1,
           bool padded = true) {
    plans.push_back({name, in, out, high, wide, stride, padded});
  }

  /// 1x1, 5x5, two 3x3, pool.
  void block_a(const std::string& name, int in, int pooled) {
    add(name + "1x1", in, 64, 1, 1);
    add(name + "5x5_1", in, 48, 1, 1);
    add(name + "5x5_2", 48, 64, 5, 5);
    add(name + "3x3dbl_1", in, 64, 1, 1);
    add(name + "3x3dbl_2", 64, 96, 3, 3);
    add(name + "3x3dbl_3", 96, 96, 3, 3);
    add(name + "_pool", in, pooled, 1, 1);
  }

  /// 1x1, a 7x7 and a double 7x7 taken apart into rows and columns, pool.
  void block_c(const std::string& name, int width) {
    add(name + "1x1", 768, 192, 1, 1);
    add(name + "7x7_1", 768, width, 1, 1);
    add(name + "7x7_2", width, width, 1, 7);
    add(name + "7x7_3", width, 192, 7, 1);
    add(name + "7x7dbl_1", 768, width, 1, 1);
    add(name + "7x7dbl_2", width, width, 7, 1);
    add(name + "7x7dbl_3", width, width, 1, 7);
    add(name + "7x7dbl_4", width, width, 7, 1);
    add(name + "7x7dbl_5", width, 192, 1, 7);
    add(name + "_pool", 768, 192, 1, 1);
  }

  /// 1x1, and 3x3 windows split into a row beside a column, pool.
  void block_e(const std::string& name, int in) {
    add(name + "1x1", in, 320, 1, 1);
    add(name + "3x3_1", in, 384, 1, 1);
    add(name + "3x3_2a", 384, 384, 1, 3);
    add(name + "3x3_2b", 384, 384, 3, 1);
    add(name + "3x3dbl_1", in, 448, 1, 1);
    add(name + "3x3dbl_2", 448, 384, 3, 3);
    add(name + "3x3dbl_3a", 384, 384, 1, 3);
    add(name + "3x3dbl_3b", 384, 384, 3, 1);
    add(name + "_pool", in, 192, 1, 1);
  }
};

std::vector<Plan> all_plans() {
  PlanList list;
  list.add("Conv2d_1a_3x3", 3, 32, 3, 3, 2, false);
  list.add("Conv2d_2a_3x3", 32, 32, 3, 3, 1, false);
  list.add("Conv2d_2b_3x3", 32, 64, 3, 3);
  list.add("Conv2d_3b_1x1", 64, 80, 1, 1);
  list.add("Conv2d_4a_3x3", 80, 192, 3, 3, 1, false);
  list.block_a("Mixed_5b.branch", 192, 32);
  list.block_a("Mixed_5c.branch", 256, 64);
  list.block_a("Mixed_5d.branch", 288, 64);
  list.add("Mixed_6a.branch3x3", 288, 384, 3, 3, 2, false);
  list.add("Mixed_6a.branch3x3dbl_1", 288, 64, 1, 1);
  list.add("Mixed_6a.branch3x3dbl_2", 64, 96, 3, 3);
  list.add("Mixed_6a.branch3x3dbl_3", 96, 96, 3, 3, 2, false);
  list.block_c("Mixed_6b.branch", 128);
  list.block_c("Mixed_6c.branch", 160);
  list.block_c("Mixed_6d.branch", 160);
  list.block_c("Mixed_6e.branch", 192);
  list.add("Mixed_7a.branch3x3_1", 768, 192, 1, 1);
  list.add("Mixed_7a.branch3x3_2", 192, 320, 3, 3, 2, false);
  list.add("Mixed_7a.branch7x7x3_1", 768, 192, 1, 1);
  list.add("Mixed_7a.branch7x7x3_2", 192, 192, 1, 7);
  list.add("Mixed_7a.branch7x7x3_3", 192, 192, 7, 1);
  list.add("Mixed_7a.branch7x7x3_4", 192, 192, 3, 3, 2, false);
  list.block_e("Mixed_7b.branch", 1280);
  list.block_e("Mixed_7c.branch", 2048);
  return list.plans;
}

torch::Tensor take(const TensorMap& tensors, const std::string& origin, const std::string& name,
                   const std::vector<std::int64_t>& shape) {
  const auto found = tensors.find(name);
  require(found != tensors.end() && found->second.sizes() == at::IntArrayRef(shape),
          ErrorKind::corrupt,
          origin + " holds no Inception-v3 of FID: '" + name +
              "' is missing or of another shape; import it again with --as inception.");
  return found->second.to(torch::kFloat64);
}

torch::Tensor shrink(const torch::Tensor& x) { return torch::max_pool2d(x, 3, 2); }

torch::Tensor mean_of_neighbours(const torch::Tensor& x) {
  return torch::avg_pool2d(x, 3, 1, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
}

}  // namespace

Inception::Inception(const std::string& file, torch::Device device)
    : Inception(load_safetensors(file), file, device) {}

Inception::Inception(const TensorMap& tensors, const std::string& origin, torch::Device device) {
  const torch::NoGradGuard no_grad;
  for (const Plan& p : all_plans()) {
    const auto statistic = [&](const char* field) {
      return take(tensors, origin, p.name + ".bn." + field, {p.out});
    };
    const torch::Tensor scale = statistic("weight") / (statistic("running_var") + kEpsilon).sqrt();
    const torch::Tensor weight =
        take(tensors, origin, p.name + ".conv.weight", {p.out, p.in, p.high, p.wide}) *
        scale.view({-1, 1, 1, 1});
    const torch::Tensor bias = statistic("bias") - statistic("running_mean") * scale;
    const auto to_device = [&](const torch::Tensor& t) { return t.to(torch::kFloat32).to(device); };
    Unit unit{to_device(weight).contiguous(torch::MemoryFormat::ChannelsLast),
              to_device(bias),
              p.stride,
              {0, 0}};
    if (p.padded) unit.padding = {p.high / 2, p.wide / 2};
    units_.emplace(p.name, std::move(unit));
  }
}

TensorMap Inception::expected() {
  TensorMap tensors;
  for (const Plan& p : all_plans()) {
    tensors[p.name + ".conv.weight"] = torch::zeros({p.out, p.in, p.high, p.wide});
    for (const char* field : {"weight", "bias", "running_mean", "running_var"}) {
      tensors[p.name + ".bn." + field] = torch::zeros({p.out});
    }
  }
  return tensors;
}

torch::Tensor Inception::run(const torch::Tensor& x, const std::string& name) const {
  const Unit& unit = units_.at(name);
  return torch::conv2d(x, unit.weight, unit.bias, unit.stride, unit.padding).relu_();
}

torch::Tensor Inception::run(torch::Tensor x, const std::string& block,
                             std::initializer_list<const char*> branch) const {
  for (const char* name : branch) x = run(x, block + ".branch" + name);
  return x;
}

torch::Tensor Inception::block_a(const torch::Tensor& x, const std::string& name) const {
  return torch::cat({run(x, name, {"1x1"}), run(x, name, {"5x5_1", "5x5_2"}),
                     run(x, name, {"3x3dbl_1", "3x3dbl_2", "3x3dbl_3"}),
                     run(mean_of_neighbours(x), name, {"_pool"})},
                    1);
}

torch::Tensor Inception::block_b(const torch::Tensor& x, const std::string& name) const {
  return torch::cat(
      {run(x, name, {"3x3"}), run(x, name, {"3x3dbl_1", "3x3dbl_2", "3x3dbl_3"}), shrink(x)}, 1);
}

torch::Tensor Inception::block_c(const torch::Tensor& x, const std::string& name) const {
  return torch::cat({run(x, name, {"1x1"}), run(x, name, {"7x7_1", "7x7_2", "7x7_3"}),
                     run(x, name, {"7x7dbl_1", "7x7dbl_2", "7x7dbl_3", "7x7dbl_4", "7x7dbl_5"}),
                     run(mean_of_neighbours(x), name, {"_pool"})},
                    1);
}

torch::Tensor Inception::block_d(const torch::Tensor& x, const std::string& name) const {
  return torch::cat({run(x, name, {"3x3_1", "3x3_2"}),
                     run(x, name, {"7x7x3_1", "7x7x3_2", "7x7x3_3", "7x7x3_4"}), shrink(x)},
                    1);
}

torch::Tensor Inception::block_e(const torch::Tensor& x, const std::string& name,
                                 bool max_pool) const {
  const torch::Tensor once = run(x, name, {"3x3_1"});
  const torch::Tensor twice = run(x, name, {"3x3dbl_1", "3x3dbl_2"});
  const torch::Tensor pooled = max_pool ? torch::max_pool2d(x, 3, 1, 1) : mean_of_neighbours(x);
  return torch::cat({run(x, name, {"1x1"}), run(once, name, {"3x3_2a"}),
                     run(once, name, {"3x3_2b"}), run(twice, name, {"3x3dbl_3a"}),
                     run(twice, name, {"3x3dbl_3b"}), run(pooled, name, {"_pool"})},
                    1);
}

torch::Tensor Inception::features(const torch::Tensor& rgb) const {
  require(rgb.dim() == 4 && rgb.size(1) == 3, ErrorKind::input,
          "Inception needs RGB pictures, N x 3 x H x W.");
  const torch::NoGradGuard no_grad;
  torch::Tensor x = torch::upsample_bilinear2d(rgb, {kSide, kSide}, /*align_corners=*/false);
  x = (2 * x - 1).contiguous(torch::MemoryFormat::ChannelsLast);
  for (const char* name : {"Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"}) x = run(x, name);
  x = shrink(x);
  for (const char* name : {"Conv2d_3b_1x1", "Conv2d_4a_3x3"}) x = run(x, name);
  x = shrink(x);
  for (const char* name : {"Mixed_5b", "Mixed_5c", "Mixed_5d"}) x = block_a(x, name);
  x = block_b(x, "Mixed_6a");
  for (const char* name : {"Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"}) x = block_c(x, name);
  x = block_d(x, "Mixed_7a");
  x = block_e(x, "Mixed_7b", false);
  x = block_e(x, "Mixed_7c", true);
  return x.mean({2, 3});
}

}  // namespace semcodec
