#include "codec/baseline/baseline_player.h"

#include <cstring>
#include <string>
#include <utility>

#include "common/core/error.h"
#include "decoder/synthesis/base_flow.h"
#include "models/baselines/fast_vid2vid.h"
#include "models/generator/conditions.h"

namespace semcodec {

namespace {

/// H×W×3 bytes on the CPU.
torch::Tensor bytes_of(const torch::Tensor& picture) {
  return (picture[0] * 255.0)
      .round()
      .to(torch::kUInt8)
      .permute({1, 2, 0})
      .to(torch::kCPU)
      .contiguous();
}

}  // namespace

BaselinePlayer::BaselinePlayer(std::shared_ptr<Baseline> net, int coded_width, int coded_height,
                               torch::Device device)
    : net_(std::move(net)),
      sequence_(net_),
      width_(coded_width),
      height_(coded_height),
      device_(device) {
  // Fast-vid2vid halves its input before its first layer.
  const int multiple = net_->config().kind == "fast-vid2vid" ? 2 * net_->stride() : net_->stride();
  require(width_ % multiple == 0 && height_ % multiple == 0, ErrorKind::unsupported,
          net_->config().kind + " needs a coded size in multiples of " + std::to_string(multiple) +
              ", not " + std::to_string(width_) + "x" + std::to_string(height_) +
              "; encode with another --size.");
}

torch::Tensor BaselinePlayer::condition_of(const SemanticFrame& frame) const {
  const auto half = select_condition(render_condition(frame, width_, height_), net_->config());
  return torch::upsample_nearest2d(half, {height_, width_}).to(device_);
}

RgbImage BaselinePlayer::image_of(const torch::Tensor& picture) const {
  const auto bytes = bytes_of(picture);
  RgbImage image(width_, height_);
  std::memcpy(image.pixels.data(), bytes.data_ptr<std::uint8_t>(), image.pixels.size());
  return image;
}

void BaselinePlayer::generate(std::int64_t pts, const torch::Tensor& condition,
                              std::vector<ShownFrame>& out) {
  const torch::NoGradGuard no_grad;
  Key key{pts, sequence_.next(condition).frame.clamp(0, 1)};
  if (last_ && !waiting_.empty()) {
    const auto before = bytes_of(last_->picture), now = bytes_of(key.picture);
    const auto back = base_flow(now, before, height_, width_).to(device_);
    const auto on = base_flow(before, now, height_, width_).to(device_);
    for (const auto at : waiting_) {
      const auto tau = torch::full({1},
                                   static_cast<float>(static_cast<double>(at - last_->pts) /
                                                      static_cast<double>(pts - last_->pts)),
                                   key.picture.options());
      out.push_back(
          {at, image_of(interpolate_keys(last_->picture, key.picture, back, on, tau).clamp(0, 1))});
    }
  }
  waiting_.clear();
  out.push_back({pts, image_of(key.picture)});
  last_ = std::move(key);
  skipped_ = torch::Tensor();
  since_key_ = 0;
}

void BaselinePlayer::end_scene(std::vector<ShownFrame>& out) {
  if (skipped_.defined()) {
    // What is shown after it holds it.
    std::vector<std::int64_t> before, after;
    for (const auto at : waiting_) {
      if (at != skipped_pts_) (at < skipped_pts_ ? before : after).push_back(at);
    }
    waiting_ = std::move(before);
    generate(skipped_pts_, skipped_, out);
    waiting_ = std::move(after);
  }
  if (last_) {
    for (const auto at : waiting_) out.push_back({at, image_of(last_->picture)});
  }
  waiting_.clear();
}

std::vector<ShownFrame> BaselinePlayer::push(const SemanticFrame& frame) {
  std::vector<ShownFrame> out;
  const bool begins = !last_ || frame.cut || frame.entry_point;
  for (const auto at : frame.interpolated_pts) waiting_.push_back(at);
  if (begins) {
    end_scene(out);
    sequence_.restart();
    last_.reset();
    generate(frame.pts, condition_of(frame), out);
    return out;
  }
  if (++since_key_ < (net_->config().kind == "fast-vid2vid" ? net_->config().key_interval : 1)) {
    skipped_ = condition_of(frame);
    skipped_pts_ = frame.pts;
    waiting_.push_back(frame.pts);
    return out;
  }
  generate(frame.pts, condition_of(frame), out);
  return out;
}

std::vector<ShownFrame> BaselinePlayer::finish() {
  std::vector<ShownFrame> out;
  end_scene(out);
  return out;
}

}  // namespace semcodec
