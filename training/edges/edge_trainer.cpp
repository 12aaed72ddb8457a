#include "training/edges/edge_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text.setf(std::ios::fixed);
  text.precision(digits);
  text << value;
  return text.str();
}

/// Cross-entropy of each pixel, from logits.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& target) {
  return torch::softplus(logits) - logits * target;
}

}  // namespace

void EdgeTrainingOptions::check() const {
  const auto need = [](bool good, const std::string& sentence) {
    require(good, ErrorKind::usage, sentence);
  };
  PiDiNetConfig::named(size);
  need(crop >= 32 && crop % 8 == 0 && crop <= 1024,
       "--crop must be a multiple of 8 from 32 to 1024.");
  need(batch >= 1 && batch <= 256, "--batch must be 1 to 256.");
  need(steps >= 1, "--steps must be at least 1.");
  need(max_seconds >= 0 && save_seconds > 0 && log_steps >= 1,
       "Times and intervals must be positive.");
  need(learning_rate > 0 && weight_decay >= 0, "The learning rate must be positive.");
  need(average_decay >= 0 && average_decay < 1, "--average must be in 0..1.");
  need(eta >= 0 && eta < 1 && lambda > 0, "--eta must be in 0..1 and --lambda positive.");
  need(labels >= 0 && distillation >= 0 && (labels > 0 || distillation > 0),
       "At least one of --labels and --distillation must be above 0.");
  need(distillation == 0 || !teacher.empty(),
       "Distillation needs --teacher; for labels alone give --distillation 0.");
  need(!checkpoint.empty(), "--checkpoint must name a file.");
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

EdgeTrainer::EdgeTrainer(const EdgeTrainingOptions& options, EdgePictures pictures,
                         torch::Device device, bool resume)
    : options_(options), pictures_(std::move(pictures)), device_(device), random_(options.seed) {
  options_.check();
  require(pictures_.count > 0, ErrorKind::input, "There are no pictures to train on.");
  torch::manual_seed(options_.seed);
  student_ = PiDiNet(PiDiNetConfig::named(options_.size));
  average_ = PiDiNet(student_->config());
  load_into(*average_, state_of(*student_), "the student");
  if (options_.distillation > 0) {
    teacher_.emplace(options_.teacher, device_);
  }
  student_->to(device_);
  average_->to(device_);
  to_channels_last(*student_);
  to_channels_last(*average_);
  optimizer_ = std::make_unique<torch::optim::Adam>(
      student_->parameters(),
      torch::optim::AdamOptions(options_.learning_rate).weight_decay(options_.weight_decay));
  if (resume && std::filesystem::exists(options_.checkpoint)) {
    restore();
    log::info("Resuming at step " + std::to_string(step_) + " from " + options_.checkpoint + ".");
  }
}

EdgeTrainer::~EdgeTrainer() = default;

EdgeTrainer::Batch EdgeTrainer::draw() {
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  };
  const auto around = [&](double spread) {
    return 1 + spread * (2 * static_cast<double>(random_() >> 11) / 9007199254740992.0 - 1);
  };
  const std::int64_t crop = options_.crop;
  std::vector<torch::Tensor> pictures, edges;
  torch::Tensor labelled = torch::zeros({options_.batch, 1, 1, 1});
  for (int i = 0; i < options_.batch; ++i) {
    const auto index = static_cast<std::size_t>(below(static_cast<std::int64_t>(pictures_.count)));
    const EdgePicture picture = pictures_.get(index);
    require(picture.rgb.size(1) >= crop && picture.rgb.size(2) >= crop, ErrorKind::input,
            "Picture " + std::to_string(index) + " is smaller than the crop of " +
                std::to_string(crop) + " pixels; use a smaller --crop.");
    const std::int64_t top = below(picture.rgb.size(1) - crop + 1);
    const std::int64_t left = below(picture.rgb.size(2) - crop + 1);
    const bool mirror = below(2) == 1, upend = below(4) == 0;
    const auto cut = [&](const torch::Tensor& whole) {
      torch::Tensor part =
          whole.narrow(1, top, crop).narrow(2, left, crop).to(torch::kFloat32) / 255.0;
      if (mirror) part = part.flip({2});
      if (upend) part = part.flip({1});
      return part;
    };
    // Light changes of brightness, colour cast and contrast: a phone's exposure, not a new scene.
    torch::Tensor rgb = cut(picture.rgb);
    const double contrast = around(0.2);
    std::vector<double> gain(3);
    const double brightness = around(0.2);
    for (double& g : gain) g = brightness * around(0.06);
    rgb = rgb * torch::tensor(gain, torch::kFloat32).view({3, 1, 1});
    pictures.push_back(((rgb - rgb.mean()) * contrast + rgb.mean()).clamp(0, 1));
    if (options_.labels > 0) {
      const bool has = picture.edges.defined();
      edges.push_back(has ? cut(picture.edges) : torch::zeros({1, crop, crop}));
      labelled[i] = has ? 1.0 : 0.0;
    }
  }
  Batch batch;
  batch.rgb = torch::stack(pictures).to(device_).contiguous(torch::MemoryFormat::ChannelsLast);
  if (!edges.empty() && labelled.sum().item<double>() > 0) {
    batch.edges = torch::stack(edges).to(device_);
    batch.labelled = labelled.to(device_);
  }
  return batch;
}

double EdgeTrainer::train_step() {
  const Batch batch = draw();
  std::vector<torch::Tensor> target;
  if (teacher_) target = teacher_->detect_all(batch.rgb);
  const std::vector<torch::Tensor> maps = student_->forward_logits(batch.rgb);
  torch::Tensor loss = torch::zeros({}, batch.rgb.options());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (teacher_) loss = loss + options_.distillation * soft_edge_loss(maps[i], target[i]);
    if (batch.edges.defined()) {
      const torch::Tensor which = batch.labelled.flatten().nonzero().flatten();
      loss = loss + options_.labels * balanced_edge_loss(maps[i].index_select(0, which),
                                                         batch.edges.index_select(0, which),
                                                         options_.lambda, options_.eta);
    }
  }
  if (step_ == options_.fault_at && !std::exchange(fault_used_, true)) loss = loss * NAN;
  const double value = loss.item<double>();
  if (!std::isfinite(value)) return value;  // run() knows what to do
  optimizer_->zero_grad();
  if (loss.requires_grad()) {
    loss.backward();
    // No limit; the norm says whether the gradient is sound.
    constexpr double kNoLimit = 1e30;
    finite_gradient_ =
        std::isfinite(torch::nn::utils::clip_grad_norm_(student_->parameters(), kNoLimit));
    if (finite_gradient_) optimizer_->step();
  }
  update_ema(*average_, *student_, options_.average_decay, step_);
  ++step_;
  return value / static_cast<double>(options_.crop * options_.crop);
}

double EdgeTrainer::progress() const {
  const double of_steps = static_cast<double>(step_) / static_cast<double>(options_.steps);
  const double of_time = options_.max_seconds > 0 ? seconds_ / options_.max_seconds : 0;
  return std::max(of_steps, of_time);
}

void EdgeTrainer::run(const std::function<bool()>& stop) {
  auto logged = Clock::now(), saved = logged, stepped = logged;
  double sum = 0;
  int count = 0;
  if (step_ == 0) save();  // something to go back to
  while (progress() < 1 && !stop()) {
    // The first hundred steps ease in: Adam's second moments are not yet worth a full step.
    const double way = progress();
    const double rate = options_.learning_rate * recovery_.rate_scale *
                        (way < 0.5   ? 1.0
                         : way < 0.8 ? 0.1
                                     : 0.01) *
                        std::min(1.0, static_cast<double>(step_ + 1) / 100);
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
    }
    const double loss = train_step();
    seconds_ += since(stepped);
    stepped = Clock::now();
    if (const auto divergence = guard_.check(loss, loss, finite_gradient_)) {
      roll_back(*divergence);
      sum = 0;
      count = 0;
      continue;
    }
    sum += loss;
    ++count;
    if (step_ % options_.log_steps == 0) {
      log::info("edges step " + std::to_string(step_) + "  loss " + fixed(sum / count, 4) +
                "  rate " + fixed(rate, 6) + "  " +
                fixed(count * options_.batch / since(logged), 1) + " pictures/s  " +
                fixed(seconds_, 0) + " s");
      sum = 0;
      count = 0;
      logged = Clock::now();
    }
    if (since(saved) > options_.save_seconds) {
      save();
      saved = Clock::now();
    }
  }
  save();
}

void EdgeTrainer::roll_back(const std::string& divergence) {
  const auto next = recovery_.after(step_, divergence, options_.retry, options_.checkpoint);
  const double spent = seconds_;
  require(std::filesystem::exists(options_.checkpoint), ErrorKind::internal,
          "Step " + std::to_string(step_) + ": " + divergence +
              ", and there is no checkpoint to go back to.");
  restore();
  recovery_ = next;
  seconds_ = spent;  // a limit of time holds for all that was tried
  random_.seed(options_.seed + static_cast<std::uint64_t>(step_) * 1000003 +
               static_cast<std::uint64_t>(recovery_.reseed) * 7777777777777ULL);
  guard_.restart();
  finite_gradient_ = true;
  log::warning(next.sentence(step_, divergence, options_.retry));
  save();  // so that a run killed now comes back with the lower rate
}

void EdgeTrainer::save() {
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : student_->parameters()) {
    if (parameter.sum().isfinite().item<bool>()) continue;
    log::warning("No checkpoint at step " + std::to_string(step_) +
                 ": there are weights that are no numbers.");
    return;
  }
  recovery_.reached(step_);
  TensorMap out;
  put_module(out, "student.", *student_);
  put_module(out, "average.", *average_);
  put_adam(out, "adam.", *optimizer_);
  std::ostringstream random;
  random << random_;
  Metadata metadata = {{"kind", "edge-training"},
                       {"size", options_.size},
                       {"step", std::to_string(step_)},
                       {"seconds", std::to_string(seconds_)},
                       {"random", random.str()}};
  recovery_.put(metadata);
  save_safetensors(options_.checkpoint, out, metadata);
}

void EdgeTrainer::restore() {
  const std::string& file = options_.checkpoint;
  Metadata metadata;
  const TensorMap in = load_safetensors(file, &metadata);
  require(metadata["kind"] == "edge-training", ErrorKind::corrupt,
          file + " is no checkpoint of an edge training.");
  take_module(in, "student.", *student_, file);
  take_module(in, "average.", *average_, file);
  take_adam(in, "adam.", *optimizer_, file);
  std::istringstream step(metadata["step"]), seconds(metadata["seconds"]),
      random(metadata["random"]);
  step >> step_;
  seconds >> seconds_;
  random >> random_;
  require(!step.fail() && !seconds.fail() && !random.fail() && step_ >= 0 && seconds_ >= 0,
          ErrorKind::corrupt, file + " holds no sound step count, time and random state.");
  recovery_ = Recovery::from(metadata);
}

void EdgeTrainer::export_weights(const std::string& path) const {
  TensorMap out;
  for (const auto& [name, tensor] : state_of(*average_)) out[name] = tensor.to(torch::kFloat16);
  save_safetensors(
      path, out, {{"kind", "pidinet"}, {"size", options_.size}, {"steps", std::to_string(step_)}});
}

}  // namespace semcodec
