#include "training/flow/flow_trainer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <future>
#include <map>
#include <numbers>
#include <sstream>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "models/flownet2/flow_estimator.h"
#include "training/autocast.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

torch::Tensor end_point_error(const torch::Tensor& predicted, const torch::Tensor& target) {
  // The small constant keeps the gradient of the root finite.
  return ((predicted - target).square().sum(1, true) + 1e-6).sqrt();
}

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

FlowTrainer::FlowTrainer(const FlowTrainingOptions& options, ImageSource train,
                         ImageSource held_out)
    : options_(options),
      train_(std::move(train)),
      held_out_(std::move(held_out)),
      random_(options.seed) {
  require(options_.batch > 0 && options_.iterations > 0 && options_.learning_rate > 0,
          ErrorKind::usage, "Flow training needs a positive batch, length and learning rate.");
  torch::manual_seed(options_.seed);
  net_ = FlowNet2(options_.net);
  net_->to(options_.device);
  to_channels_last(*net_);
  net_->train();
  optimiser_ = std::make_unique<torch::optim::Adam>(
      net_->parameters(), torch::optim::AdamOptions(options_.learning_rate).betas({0.9, 0.999}));
  for (const auto& p : net_->parameters()) average_.push_back(p.detach().clone());
}

std::string FlowTrainer::checkpoint_path() const {
  return (fs::path(options_.folder) / "checkpoint.pt").string();
}

FlowTrainer::Batch FlowTrainer::make_batch(const SyntheticMotionOptions& motion, int count,
                                           const ImageSource& source,
                                           std::mt19937_64& random) const {
  const std::int64_t h = motion.height, w = motion.width;
  Batch batch{torch::empty({count, 3, h, w}), torch::empty({count, 3, h, w}),
              torch::empty({count, 2, h, w}), torch::empty({count, 1, h, w})};
  for (int i = 0; i < count; ++i) {
    const MotionPair pair = make_motion_pair(motion, source, random);
    const auto put = [i](torch::Tensor& target, const std::vector<float>& values) {
      std::copy(values.begin(), values.end(), target[i].data_ptr<float>());
    };
    put(batch.image0, pair.image0);
    put(batch.image1, pair.image1);
    put(batch.flow, pair.flow);
    put(batch.visible, pair.visible);
  }
  // Pairs are made on the CPU, while the device computes.
  for (auto* part : {&batch.image0, &batch.image1, &batch.flow, &batch.visible}) {
    *part = part->to(options_.device);
  }
  return batch;
}

torch::Tensor FlowTrainer::loss(const FlowNet2Output& output, const Batch& batch) const {
  constexpr double kLevelWeights[] = {1.0, 0.5, 0.25, 0.125, 0.0625};
  constexpr double kHiddenWeight = 0.3;
  auto total = torch::zeros({}, batch.flow.options());
  // Pooled targets, shared by the members. Index: log2 of the reduction.
  std::vector<torch::Tensor> flows, weights;
  for (int k = 0; k <= 6; ++k) {
    flows.push_back(k == 0 ? batch.flow : torch::avg_pool2d(flows.back(), 2));
    weights.push_back(k == 0 ? batch.visible * (1 - kHiddenWeight) + kHiddenWeight
                             : torch::avg_pool2d(weights.back(), 2));
  }
  for (const auto& member : output.members) {
    const bool small_motion = member.name == "flownets_d";
    for (std::size_t k = 0; k < member.pyramid.size(); ++k) {
      const auto& predicted = member.pyramid[k];
      std::size_t level = 0;
      while (flows[level].size(3) != predicted.size(3)) ++level;
      auto weight = weights[level];
      if (small_motion) weight = weight / (1.0 + flows[level].square().sum(1, true).sqrt() / 5.0);
      const auto error = end_point_error(predicted * member.to_pixels, flows[level]);
      total = total + kLevelWeights[k] * (weight * (error + 0.01).pow(options_.robustness)).mean();
    }
  }
  return total;
}

double FlowTrainer::step(const Batch& batch, double& pixel_error) {
  optimiser_->zero_grad();
  torch::Tensor value;
  {
    const Autocast autocast(options_.device, options_.bf16);
    const auto output = net_->forward_training(batch.image0, batch.image1, options_.detach_members);
    value = loss(output, batch);
    const torch::NoGradGuard no_grad;
    const auto flow =
        output.flow.size(3) == batch.flow.size(3)
            ? output.flow
            : torch::upsample_bilinear2d(output.flow, batch.flow.sizes().slice(2), false);
    pixel_error = end_point_error(flow, batch.flow).mean().item<double>();
  }
  if (iteration_ == options_.fault_at && !std::exchange(fault_used_, true)) value = value * NAN;
  const double number = value.item<double>();
  if (!std::isfinite(number)) return number;  // run() knows what to do
  value.backward();
  finite_gradient_ =
      std::isfinite(torch::nn::utils::clip_grad_norm_(net_->parameters(), options_.clip_norm));
  if (!finite_gradient_) {
    log::warning("Flow step " + std::to_string(iteration_) +
                 ": the gradient is not finite; step left out.");
    return number;
  }
  optimiser_->step();
  const torch::NoGradGuard no_grad;
  // Early on the average follows quickly, or it would remember the random start for long.
  const double decay = std::min(options_.ema, (1.0 + static_cast<double>(iteration_)) /
                                                  (10.0 + static_cast<double>(iteration_)));
  const auto parameters = net_->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    average_[i].lerp_(parameters[i].detach(), 1.0 - decay);
  return number;
}

void FlowTrainer::set_rate() {
  const double done =
      std::min(1.0, static_cast<double>(iteration_) / static_cast<double>(options_.iterations));
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  double rate =
      options_.learning_rate * (options_.final_rate + (1.0 - options_.final_rate) * cosine);
  rate *= recovery_.rate_scale;
  if (iteration_ < options_.warmup) rate *= static_cast<double>(iteration_ + 1) / options_.warmup;
  for (auto& group : optimiser_->param_groups())
    static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
}

void FlowTrainer::run(const std::function<bool()>& stop) {
  const auto fetch = [this] {
    return make_batch(options_.motion, options_.batch, train_, random_);
  };
  if (iteration_ == 0 && !options_.folder.empty()) write_files();  // something to go back to
  // The next batch is drawn while the network computes.
  auto next = std::async(std::launch::async, fetch);
  auto saved = Clock::now(), logged = saved;
  double loss_sum = 0, error_sum = 0;
  int counted = 0;
  while (iteration_ < options_.iterations && !stop()) {
    const Batch batch = next.get();
    next = std::async(std::launch::async, fetch);
    set_rate();
    double error = 0;
    const double loss = step(batch, error);
    if (const auto divergence = guard_.check(loss, error, finite_gradient_)) {
      next.wait();  // it draws from the random state that is put back
      roll_back(*divergence);
      next = std::async(std::launch::async, fetch);
      counted = 0;
      loss_sum = error_sum = 0;
      continue;
    }
    loss_sum += loss;
    error_sum += error;
    ++counted;
    ++iteration_;
    if (iteration_ % options_.log_every == 0) {
      log::info("flow step " + std::to_string(iteration_) + "/" +
                std::to_string(options_.iterations) + "  loss " + fixed(loss_sum / counted, 4) +
                "  EPE " + fixed(error_sum / counted, 3) + " px  " +
                fixed(seconds_since(logged) / counted, 3) + " s/step");
      loss_sum = error_sum = 0;
      counted = 0;
      logged = Clock::now();
    }
    if (seconds_since(saved) >= options_.save_seconds) {
      next.wait();  // the random state is saved between batches
      save();
      saved = logged = Clock::now();
      counted = 0;
      loss_sum = error_sum = 0;
    }
  }
  next.wait();
  save();
}

void FlowTrainer::swap_average() {
  const torch::NoGradGuard no_grad;
  const auto parameters = net_->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto live = parameters[i].detach().clone();
    parameters[i].detach().copy_(average_[i]);
    average_[i].copy_(live);
  }
}

double FlowTrainer::validate(int pairs, bool degraded) {
  auto motion = options_.motion;
  motion.degrade_probability = degraded ? 1.0 : 0.0;
  std::mt19937_64 random(987654321);
  const torch::NoGradGuard no_grad;
  swap_average();
  double sum = 0, weight = 0;
  for (int done = 0; done < pairs; done += options_.batch) {
    const Batch batch =
        make_batch(motion, std::min(options_.batch, pairs - done), held_out_, random);
    const Autocast autocast(options_.device, options_.bf16);
    const auto error = end_point_error(net_->forward(batch.image0, batch.image1), batch.flow);
    sum += (error * batch.visible).sum().item<double>();
    weight += batch.visible.sum().item<double>();
  }
  swap_average();
  return sum / std::max(1.0, weight);
}

bool FlowTrainer::healthy() const {
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : net_->parameters()) {
    if (!parameter.sum().isfinite().item<bool>()) return false;
  }
  return true;
}

void FlowTrainer::roll_back(const std::string& divergence) {
  const auto next = recovery_.after(iteration_, divergence, options_.retry, checkpoint_path());
  require(resume(), ErrorKind::internal,
          "Step " + std::to_string(iteration_) + ": " + divergence +
              ", and there is no checkpoint to go back to.");
  recovery_ = next;
  random_.seed(options_.seed + static_cast<std::uint64_t>(iteration_) * 1000003 +
               static_cast<std::uint64_t>(recovery_.reseed) * 7777777777777ULL);
  guard_.restart();
  finite_gradient_ = true;
  log::warning(next.sentence(iteration_, divergence, options_.retry));
  write_files();  // so that a run killed now comes back with the lower rate
}

void FlowTrainer::save() {
  if (options_.validation_pairs > 0) {
    log::info("flow step " + std::to_string(iteration_) + "  held-out EPE " +
              fixed(validate(options_.validation_pairs, false), 3) + " px, degraded " +
              fixed(validate(options_.validation_pairs, true), 3) + " px");
  }
  if (!options_.folder.empty()) write_files();
}

void FlowTrainer::write_files() {
  if (!healthy()) {
    log::warning("No checkpoint at step " + std::to_string(iteration_) +
                 ": there are weights that are no numbers.");
    return;
  }
  recovery_.reached(iteration_);
  std::error_code code;
  fs::create_directories(options_.folder, code);
  TensorMap state;
  std::size_t i = 0;
  // Half precision is as good as bf16 inference, and half the size.
  for (const auto& item : net_->named_parameters())
    state[item.key()] = average_[i++].to(torch::kCPU, torch::kHalf);
  save_safetensors((fs::path(options_.folder) / "flow.safetensors").string(), state,
                   flow_metadata(options_.net, options_.input_scale));

  torch::serialize::OutputArchive archive, optimiser;
  const auto parameters = net_->parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    archive.write("live" + std::to_string(k), parameters[k]);
    archive.write("average" + std::to_string(k), average_[k]);
  }
  optimiser_->save(optimiser);
  archive.write("optimiser", optimiser);
  archive.write("iteration", torch::tensor(iteration_));
  std::map<std::string, std::string> recovery;
  recovery_.put(recovery);
  for (const auto& [name, text] : recovery) archive.write(name, c10::IValue(text));
  std::ostringstream random;
  random << random_;
  archive.write("random", c10::IValue(random.str()));
  const std::string temporary = checkpoint_path() + ".part";
  try {
    archive.save_to(temporary);
    fs::rename(temporary, checkpoint_path());
  } catch (const std::exception& error) {
    fs::remove(temporary, code);
    throw Error(ErrorKind::output, "Cannot write " + checkpoint_path() + ": " + error.what());
  }
}

bool FlowTrainer::resume() {
  const std::string path = checkpoint_path();
  if (options_.folder.empty() || !fs::exists(path)) return false;
  try {
    torch::serialize::InputArchive archive, optimiser;
    archive.load_from(path, options_.device);
    const torch::NoGradGuard no_grad;
    const auto parameters = net_->parameters();
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      torch::Tensor live, average;
      archive.read("live" + std::to_string(k), live);
      archive.read("average" + std::to_string(k), average);
      require(live.sizes() == parameters[k].sizes() && average.sizes() == live.sizes(),
              ErrorKind::corrupt, "its tensors have other sizes");
      parameters[k].detach().copy_(live);
      average_[k].copy_(average);
    }
    archive.read("optimiser", optimiser);
    optimiser_->load(optimiser);
    torch::Tensor iteration;
    archive.read("iteration", iteration);
    iteration_ = iteration.item<std::int64_t>();
    c10::IValue random;
    archive.read("random", random);
    std::istringstream(random.toStringRef()) >> random_;
    std::map<std::string, std::string> recovery;
    Recovery().put(recovery);
    for (auto& [name, text] : recovery) {  // not in checkpoints of earlier versions
      c10::IValue value;
      if (archive.try_read(name, value)) text = value.toStringRef();
    }
    recovery_ = Recovery::from(recovery);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::corrupt, "Cannot continue from " + path + " (" +
                                        std::string(error.what()).substr(0, 120) +
                                        "); remove it or choose the options it was made with.");
  }
  return true;
}

void FlowTrainer::start_from(const std::string& safetensors) {
  load_module(*net_, safetensors);
  const auto parameters = net_->parameters();
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) average_[i].copy_(parameters[i]);
}

}  // namespace semcodec
