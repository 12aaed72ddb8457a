#include "training/edges/edge_task.h"

#include <utility>

#include "common/core/error.h"
#include "models/core/weights_path.h"
#include "training/autocast.h"

namespace semcodec {

namespace {

/// Cross-entropy of each pixel, from logits.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& target) {
  return torch::softplus(logits) - logits * target;
}

/// 1 − spread … 1 + spread.
double around(Random& random, double spread) {
  return 1 + spread * (2 * static_cast<double>(random.next() >> 11) / 9007199254740992.0 - 1);
}

std::int64_t below(Random& random, std::int64_t bound) {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
}

}  // namespace

std::vector<torch::Tensor*> tensors_of(EdgeCrops& crops) {
  return {&crops.rgb, &crops.edges, &crops.labelled};
}

torch::Tensor balanced_edge_loss(const torch::Tensor& logits, const torch::Tensor& annotation,
                                 double lambda, double eta) {
  const torch::Tensor edge = (annotation > eta).to(logits.dtype());
  const torch::Tensor none = (annotation <= 0).to(logits.dtype());
  const torch::Tensor edges = edge.sum({1, 2, 3}, true);
  const torch::Tensor others = none.sum({1, 2, 3}, true);
  const torch::Tensor total = (edges + others).clamp_min(1);
  const torch::Tensor weight = edge * (others / total) + none * (lambda * edges / total);
  return (weight * cross_entropy(logits, edge)).sum() / static_cast<double>(logits.size(0));
}

torch::Tensor soft_edge_loss(const torch::Tensor& logits, const torch::Tensor& probability) {
  return ((1 + 4 * probability) * cross_entropy(logits, probability)).sum() /
         static_cast<double>(logits.size(0));
}

EdgeTask::EdgeTask(const EdgeOptions& options, const Ranks& ranks)
    : EdgeTask(options, ranks,
               open_edge_pictures({options.data, options.annotations}, options.crop)) {}

EdgeTask::EdgeTask(const EdgeOptions& options, const Ranks& ranks, EdgePictures pictures)
    : TaskOn(options, ranks),
      options_(options),
      pictures_(std::move(pictures)),
      student_(PiDiNetConfig::named(options.size)),
      ema_(PiDiNetConfig::named(options.size)) {
  const bool by_teacher = !options.teacher.empty() && options.distillation > 0;
  require(by_teacher || (pictures_.annotated > 0 && options.labels > 0), ErrorKind::usage,
          "The edge network has nothing to learn from: set edges.teacher=pidinet, or "
          "edges.annotations=FOLDER, and their weights 'edges.distillation' or 'edges.labels' "
          "above 0.");
  if (by_teacher) teacher_.emplace(require_weights(options.teacher, "distillation"), device());
}

std::vector<TrainedNetwork> EdgeTask::networks() {
  return {{"student", student_.get(), ema_.get()}};
}

std::vector<OptimiserSettings> EdgeTask::optimisers() {
  const auto& o = options_;
  OptimiserSettings own{"student", student_->parameters(), o.learning_rate, o.beta1,
                        o.beta2,   o.weight_decay};
  own.clipped = {own.parameters};
  own.clip = o.clip_gradient;
  return {own};
}

std::string EdgeTask::describe() const {
  const auto annotated = std::to_string(pictures_.annotated);
  return std::to_string(pictures_.count) + " pictures, " + annotated + " of them annotated; " +
         (teacher_ ? "teacher " + options_.teacher : "no teacher") + ".";
}

EdgeCrops EdgeTask::draw(std::int64_t /*step*/, Random& random) const {
  return draw_share(random, options_.batch, [this](std::uint64_t seed) { return draw_crop(seed); });
}

EdgeCrops EdgeTask::draw_crop(std::uint64_t seed) const {
  Random random(seed);
  const std::int64_t crop = options_.crop;
  const auto index = random.below(pictures_.count);
  const EdgePicture picture = pictures_.get(index);
  require(picture.rgb.size(1) >= crop && picture.rgb.size(2) >= crop, ErrorKind::input,
          "Picture " + std::to_string(index) + " is smaller than the crop of " +
              std::to_string(crop) + " pixels; use a smaller 'edges.crop'.");
  const std::int64_t top = below(random, picture.rgb.size(1) - crop + 1);
  const std::int64_t left = below(random, picture.rgb.size(2) - crop + 1);
  const bool mirror = random.below(2) == 1, upend = random.below(4) == 0;
  const auto cut = [&](const torch::Tensor& whole) {
    auto part = whole.narrow(1, top, crop).narrow(2, left, crop).to(torch::kFloat32) / 255.0;
    if (mirror) part = part.flip({2});
    if (upend) part = part.flip({1});
    return part.unsqueeze(0);
  };
  // Light changes of brightness, colour cast and contrast: a phone's exposure, not a new scene.
  auto rgb = cut(picture.rgb);
  const double contrast = around(random, 0.2), brightness = around(random, 0.2);
  std::vector<float> gain(3);
  for (float& g : gain) g = static_cast<float>(brightness * around(random, 0.06));
  rgb = rgb * torch::tensor(gain).view({1, 3, 1, 1});
  rgb = ((rgb - rgb.mean()) * contrast + rgb.mean()).clamp(0, 1);
  const bool has = picture.edges.defined();
  return {rgb.contiguous(torch::MemoryFormat::ChannelsLast),
          has ? cut(picture.edges).contiguous() : torch::zeros({1, 1, crop, crop}),
          torch::full({1}, has ? 1.0 : 0.0)};
}

void EdgeTask::forward(const EdgeCrops& batch, const StepContext& /*context*/) {
  const Autocast autocast(device(), options_.bf16);
  maps_ = student_->forward_logits(batch.rgb);
  for (auto& map : maps_) map = map.to(torch::kFloat32);
}

torch::Tensor EdgeTask::loss(std::size_t /*optimiser*/, const EdgeCrops& batch,
                             StepContext& context) {
  const auto pixels = static_cast<double>(options_.crop) * options_.crop;
  torch::Tensor total = torch::zeros({}, batch.rgb.options());
  if (teacher_) {
    const auto targets = teacher_->detect_all(batch.rgb);
    torch::Tensor sum = torch::zeros_like(total);
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      sum = sum + soft_edge_loss(maps_[i], targets[i]);
    }
    context.note("distillation", sum / pixels);
    total = total + options_.distillation * sum;
  }
  const auto which = batch.labelled.nonzero().flatten();
  if (options_.labels > 0 && which.numel() > 0) {
    const auto edges = batch.edges.index_select(0, which);
    torch::Tensor sum = torch::zeros_like(total);
    for (const auto& map : maps_) {
      sum = sum +
            balanced_edge_loss(map.index_select(0, which), edges, options_.lambda, options_.eta);
    }
    context.note("labels", sum / pixels);
    total = total + options_.labels * sum;
  }
  context.set_error(total / pixels);
  return total;
}

std::vector<torch::Tensor> EdgeTask::samples(const EdgeCrops& batch, std::int64_t /*step*/) {
  return {batch.rgb, ema_->forward(batch.rgb).expand({-1, 3, -1, -1})};
}

void EdgeTask::export_result(std::int64_t step) {
  save_safetensors(options_.output + "/edges.safetensors", half_precision(*ema_),
                   {{"kind", "pidinet"}, {"size", options_.size}, {"steps", std::to_string(step)}});
}

}  // namespace semcodec
