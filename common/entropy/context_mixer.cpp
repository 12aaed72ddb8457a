#include "common/entropy/context_mixer.h"

#include <algorithm>

namespace semcodec::entropy {
namespace {

constexpr std::int32_t kWeightMax = 1 << 18;
constexpr std::int32_t kWeightSum = 120000;  // of a fresh set, over all inputs, in 1/65536
constexpr int kDoubt = 1;                    // a slot's count weighs count / (count + kDoubt)
constexpr std::int32_t kFirstRate = 600;     // learning rate of a fresh weight set, in 1/65536 ...
constexpr std::int32_t kLastRate = 130;      // ... and what it falls to,
constexpr std::int32_t kRateAge = 200;       // half of the way after so many decisions
constexpr std::int32_t kJoinRate = 50;       // of the last mixer
constexpr int kFastLimit = 12;
constexpr std::uint16_t kHistoryLimit = 255;
constexpr std::uint16_t kFreshHistoryCount = 6;
constexpr std::uint32_t kApmShare = 3;  // eighths of the result
constexpr std::uint32_t kApmRate = 65536 / 50;

// Bit histories: ones and zeros seen (each 0...7) and the last two bits, packed as
// zeros << 5 | ones << 2 | last two bits. A bit that contradicts a long run shortens it, so that
// the history tells about now.
std::uint8_t next_history(std::uint8_t history, int bit) {
  int zeros = history >> 5;
  int ones = (history >> 2) & 7;
  const int last = ((history << 1) | bit) & 3;
  int& same = bit != 0 ? ones : zeros;
  int& other = bit != 0 ? zeros : ones;
  if (same < 7) ++same;
  if (other > 2) other = (other + 2) / 2;
  return static_cast<std::uint8_t>(zeros << 5 | ones << 2 | last);
}

// Moves p towards the bit by rate / 65536.
std::uint16_t adapt(std::uint16_t p, int bit, std::uint32_t rate) {
  const std::int32_t target = bit != 0 ? 65535 : 0;
  const std::int32_t moved =
      p + static_cast<std::int32_t>(((target - p) * static_cast<std::int64_t>(rate)) >> 16);
  return static_cast<std::uint16_t>(std::clamp(moved, 16, 65519));
}

// The mixing proper, in 32 bits and without branches so that compilers make vector code of it.
// |x| < 2^11.4, |w / 16| <= 2^14, at most 49 inputs: the sum stays below 2^31.
std::int32_t dot(const std::int32_t* w, const std::int32_t* x, int count) {
  std::int32_t sum = 0;
  for (int i = 0; i < count; ++i) sum += (w[i] >> 4) * x[i];
  return sum >> 12;
}

// A step along the gradient: x in 1/256, gain = error * rate in 2^-22 (below 2^16 in size), w in
// 1/65536.
void learn(std::int32_t* w, const std::int32_t* x, int count, std::int32_t gain) {
  for (int i = 0; i < count; ++i) {
    const std::int32_t moved = w[i] + ((x[i] * gain + (1 << 13)) >> 14);
    w[i] = std::min(std::max(moved, -kWeightMax), kWeightMax);
  }
}

// error in 1/65536, rate in 1/65536.
std::int32_t gain_of(std::int32_t error, std::int32_t rate) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(error) * rate) >> 10);
}

int confident(int x, int count) { return x * count / (count + kDoubt); }

}  // namespace

ContextMixer::ContextMixer(const MixerShape& shape) : shape_(shape) {
  inputs_ = shape.contexts * kInputsPerContext + 1;
  std::size_t sets = 0;
  for (const int size : shape.selectors) {
    if (size == 0) break;
    group_start_[static_cast<std::size_t>(groups_++)] = sets;
    sets += static_cast<std::size_t>(size);
  }
  slots_.resize(std::size_t{1} << shape.table_bits);
  histories_.resize(static_cast<std::size_t>(shape.contexts) * 256);
  weights_.resize(sets * static_cast<std::size_t>(inputs_));
  ages_.resize(sets);
  last_weights_.resize(static_cast<std::size_t>(shape.selectors[0] * groups_));
  last_ages_.resize(static_cast<std::size_t>(shape.selectors[0]));
  apm_.resize(static_cast<std::size_t>(shape.apm_size) * 33);
  reset();
}

void ContextMixer::reset() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  for (std::size_t i = 0; i < histories_.size(); ++i) {
    const std::uint32_t zeros = (i & 255) >> 5;
    const std::uint32_t ones = (i & 255) >> 2 & 7;
    // (ones + 0.3) / (ones + zeros + 0.6), worth some uses.
    histories_[i].p =
        static_cast<std::uint16_t>((ones * 10 + 3) * 65535 / ((ones + zeros) * 10 + 6));
    histories_[i].count = kFreshHistoryCount;
  }
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const auto input = static_cast<int>(i) % inputs_;
    const bool bias = input == inputs_ - 1;
    weights_[i] = bias ? 0 : kWeightSum / (inputs_ - 1);
  }
  std::fill(ages_.begin(), ages_.end(), std::uint16_t{0});
  std::fill(last_weights_.begin(), last_weights_.end(), 65536 / std::max(groups_, 1));
  std::fill(last_ages_.begin(), last_ages_.end(), std::uint16_t{0});
  for (std::size_t i = 0; i < apm_.size(); ++i) {
    apm_[i] = static_cast<std::uint16_t>(squash((static_cast<int>(i % 33) - 16) * 128));
  }
}

ContextMixer::Slot& ContextMixer::find(std::uint32_t hash) {
  const std::size_t index = hash >> (32 - shape_.table_bits);
  const auto check = static_cast<std::uint16_t>((hash * 0x85ebca6bu) >> 16 | 1);
  Slot& first = slots_[index];
  if (first.check == check) return first;
  Slot& second = slots_[index ^ 1];
  if (second.check == check) return second;
  Slot& worse = second.count < first.count ? second : first;
  worse = Slot{};
  worse.check = check;
  return worse;
}

std::uint32_t ContextMixer::predict(std::uint32_t node) {
  int input = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape_.contexts); ++i) {
    std::uint32_t hash = (contexts_[i] ^ (node * 0x2545f491u)) * 0x9e3779b1u;
    hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
    const Slot& slot = find(hash ^ hash >> 13);
    used_[i] = static_cast<std::size_t>(&slot - slots_.data());
    used_history_[i] = i * 256 + slot.history;
    x_[static_cast<std::size_t>(input++)] = confident(stretch(slot.slow), slot.count);
    x_[static_cast<std::size_t>(input++)] =
        slot.count == 0 ? 0 : stretch(histories_[used_history_[i]].p);
    x_[static_cast<std::size_t>(input++)] = confident(stretch(slot.fast), slot.count);
  }
  x_[static_cast<std::size_t>(input)] = 256;

  const std::int32_t* last = &last_weights_[static_cast<std::size_t>(selected_[0] * groups_)];
  for (std::size_t g = 0; g < static_cast<std::size_t>(groups_); ++g) {
    set_[g] = group_start_[g] + static_cast<std::size_t>(selected_[g]);
    const std::int32_t* w = &weights_[set_[g] * static_cast<std::size_t>(inputs_)];
    out_[g] = std::clamp(dot(w, x_.data(), inputs_), -kStretchMax, kStretchMax);
    out_p_[g] = squash(out_[g]);
  }
  const int x = std::clamp(dot(last, out_.data(), groups_), -kStretchMax, kStretchMax);
  mixed_p_ = squash(x);

  const int scaled = std::clamp(x, -2047, 2047) + 2048;
  apm_weight_ = scaled & 127;
  apm_low_ = static_cast<std::size_t>(apm_context_ * 33 + (scaled >> 7));
  const std::uint32_t refined = (apm_[apm_low_] * static_cast<std::uint32_t>(128 - apm_weight_) +
                                 apm_[apm_low_ + 1] * static_cast<std::uint32_t>(apm_weight_)) >>
                                7;
  const std::uint32_t p = (mixed_p_ * (8 - kApmShare) + refined * kApmShare) >> 3;
  return std::clamp<std::uint32_t>(p, 2, 65534);
}

void ContextMixer::update(int bit) {
  const std::int32_t target = bit != 0 ? 65536 : 0;
  // Last mixer.
  const auto last_set = static_cast<std::size_t>(selected_[0]);
  std::int32_t* last = &last_weights_[last_set * static_cast<std::size_t>(groups_)];
  const std::int32_t last_error = target - static_cast<std::int32_t>(mixed_p_);
  for (std::size_t g = 0; g < static_cast<std::size_t>(groups_); ++g) {
    std::int32_t* w = &weights_[set_[g] * static_cast<std::size_t>(inputs_)];
    const std::int32_t error = target - static_cast<std::int32_t>(out_p_[g]);
    std::uint16_t& age = ages_[set_[g]];
    const std::int32_t rate = kLastRate + (kFirstRate - kLastRate) * kRateAge / (kRateAge + age);
    if (age < 4095) ++age;
    learn(w, x_.data(), inputs_, gain_of(error, rate));
  }
  learn(last, out_.data(), groups_, gain_of(last_error, kJoinRate));
  // Contexts.
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape_.contexts); ++i) {
    Slot& slot = slots_[used_[i]];
    Adaptive& history = histories_[used_history_[i]];
    if (slot.count > 0) {
      history.p = adapt(history.p, bit, kTables.rate[history.count]);
      if (history.count < kHistoryLimit) ++history.count;
    }
    slot.slow = adapt(slot.slow, bit, kTables.rate[slot.count]);
    slot.fast = adapt(slot.fast, bit, kTables.rate[std::min<int>(slot.count, kFastLimit)]);
    if (slot.count < shape_.slow_limit) ++slot.count;
    slot.history = next_history(slot.history, bit);
  }
  // APM: the nearer of the two entries learns.
  std::uint16_t& entry = apm_[apm_low_ + (apm_weight_ >= 64 ? 1 : 0)];
  entry = adapt(entry, bit, kApmRate);
}

int ContextMixer::code(BinaryCoder& coder, int bit, std::uint32_t node) {
  const int coded = coder.code(bit, predict(node));
  update(coded);
  return coded;
}

}  // namespace semcodec::entropy
