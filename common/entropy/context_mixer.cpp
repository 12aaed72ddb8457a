#include "common/entropy/context_mixer.h"

#include <algorithm>

namespace semcodec::entropy {
namespace {

constexpr std::int32_t kWeightSum = 120000;  // of a fresh set, over all inputs, in 1/65536
constexpr std::int32_t kFirstRate = 600;     // learning rate of a fresh weight set, in 1/65536 ...
constexpr std::int32_t kLastRate = 130;      // ... and what it falls to,
constexpr std::int32_t kRateAge = 200;       // half of the way after so many decisions
constexpr std::uint16_t kAgeLimit = 4095;
constexpr std::int32_t kJoinRate = 50;  // of the last mixer
constexpr std::uint32_t kCountLimit = 127;
constexpr std::uint32_t kHistoryLimit = 255;
constexpr std::uint32_t kFreshHistoryCount = 6;
constexpr std::uint64_t kFreshSlot = std::uint64_t{32768} << 16;  // see ContextMixer::Slot
constexpr std::int32_t kApmShare = 3;                             // eighths of the result
constexpr std::int32_t kApmRate = 32768 / 50;

// Bit histories: ones and zeros seen (each 0...7) and the last two bits, packed as
// zeros << 5 | ones << 2 | last two bits. A bit that contradicts a long run shortens it, so that
// the history tells about now.
constexpr std::uint8_t next_history(int history, int bit) {
  int zeros = history >> 5;
  int ones = (history >> 2) & 7;
  const int last = ((history << 1) | bit) & 3;
  int& same = bit != 0 ? ones : zeros;
  int& other = bit != 0 ? zeros : ones;
  if (same < 7) ++same;
  if (other > 2) other = (other + 2) / 2;
  return static_cast<std::uint8_t>(zeros << 5 | ones << 2 | last);
}

struct MixerTables {
  std::array<std::array<std::uint8_t, 256>, 2> next{};  // history
  std::array<std::int32_t, 128> trust{};                // of a slot's count, of 65536
  std::array<std::int32_t, 256> rate{};                 // of 32768: 1 / (n + 1.5)
  std::array<std::int32_t, kAgeLimit + 1> learning{};

  constexpr MixerTables() {
    for (int h = 0; h < 256; ++h) {
      next[0][static_cast<std::size_t>(h)] = next_history(h, 0);
      next[1][static_cast<std::size_t>(h)] = next_history(h, 1);
    }
    for (int n = 0; n < 128; ++n) trust[static_cast<std::size_t>(n)] = 65536 * n / (n + 1);
    for (int n = 0; n < 256; ++n) rate[static_cast<std::size_t>(n)] = 65536 / (2 * n + 3);
    for (int age = 0; age <= kAgeLimit; ++age) {
      learning[static_cast<std::size_t>(age)] =
          kLastRate + (kFirstRate - kLastRate) * kRateAge / (kRateAge + age);
    }
  }
};
constexpr MixerTables kMixer;

// error in 1/65536, rate in 1/65536.
std::int32_t gain_of(std::int32_t error, std::int32_t rate) { return (error * rate) >> 10; }

// Target: 65535 for a 1, 0 for a 0.
std::uint32_t adapt(std::uint64_t was, std::int32_t target, std::int32_t rate) {
  const auto p = static_cast<std::int32_t>(was);
  return static_cast<std::uint32_t>(p + (((target - p) * rate + (1 << 14)) >> 15));
}

std::uint32_t count_of(std::uint64_t slot) { return slot >> 32 & 0xff; }

std::int32_t clamped(std::int32_t x) { return std::clamp(x, -kStretchMax, kStretchMax); }

}  // namespace

ContextMixer::ContextMixer(const MixerShape& shape) : shape_(shape), shift_(32 - shape.table_bits) {
  std::size_t sets = 0;
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    group_start_[g] = sets;
    sets += static_cast<std::size_t>(shape.selectors[g]);
  }
  slots_.resize(std::size_t{1} << shape.table_bits, kFreshSlot);
  histories_.resize(static_cast<std::size_t>(shape.contexts) * 256);
  for (std::size_t i = 0; i < histories_.size(); ++i) {
    const std::uint32_t zeros = (i & 255) >> 5;
    const std::uint32_t ones = (i & 255) >> 2 & 7;
    // (ones + 0.3) / (ones + zeros + 0.6), worth some uses.
    histories_[i] = (ones * 10 + 3) * 65535 / ((ones + zeros) * 10 + 6) << 16 | kFreshHistoryCount;
  }
  weights_.resize(sets * kInputs, kWeightSum / (2 * shape.contexts));
  ages_.resize(sets);
  last_weights_.resize(static_cast<std::size_t>(shape.selectors[0]), {32768, 32768});
  apm_.resize(static_cast<std::size_t>(shape.apm_size) * 33);
  for (std::size_t i = 0; i < apm_.size(); ++i) {
    apm_[i] = static_cast<std::uint16_t>(squash((static_cast<int>(i % 33) - 16) * 128));
  }
}

std::uint32_t ContextMixer::probability(std::uint32_t node) { return predict<0>(node); }

template <std::size_t kKnown>
std::uint32_t ContextMixer::predict(std::uint32_t node) {
  const auto contexts = kKnown > 0 ? kKnown : static_cast<std::size_t>(shape_.contexts);
  Slot* const slots = slots_.data();
  const std::uint32_t far = (node >> 3) * 0x9e3779b1u;
  for (std::size_t i = 0; i < contexts; ++i) {
    const std::uint32_t hash = contexts_[i];
    const std::size_t index = ((hash + far) >> shift_) ^ (node & 7);
    const std::uint64_t check = (hash + node * 0x9e35u) & 0xffff;
    Slot* slot = &slots[index];
    Slot* const other = &slots[index ^ 1];
    Slot s = *slot;
    if ((s & 0xffff) != check) {
      const Slot o = *other;
      if ((o & 0xffff) == check) {
        slot = other;
        s = o;
      } else {
        if (count_of(o) < count_of(s)) slot = other;
        s = kFreshSlot | check;
      }
    }
    used_[i] = slot;
    found_[i] = s;
    work_.x[i] = (kTables.stretch[s >> 20 & 0xfff] * kMixer.trust[count_of(s)]) >> 16;
    work_.x[kMaxContexts + i] = kTables.stretch[histories_[i * 256 + (s >> 40)] >> 20];
  }
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    set_[g] = group_start_[g] + static_cast<std::size_t>(selected_[g]);
    work_.weights[g] = &weights_[set_[g] * kInputs];
  }
  kernels_->mix(work_);
  const auto& last = last_weights_[static_cast<std::size_t>(selected_[0])];
  std::int32_t sum = 0;
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    out_[g] = clamped(work_.sum[g]);
    out_p_[g] = static_cast<std::int32_t>(squash(out_[g]));
    sum += (last[g] >> 4) * out_[g];
  }
  const std::int32_t x = clamped(sum >> 12);
  mixed_p_ = static_cast<std::int32_t>(squash(x));

  const int scaled = std::clamp(x, -2047, 2047) + 2048;
  apm_weight_ = scaled & 127;
  apm_low_ = static_cast<std::size_t>(apm_context_ * 33 + (scaled >> 7));
  const std::int32_t refined =
      (apm_[apm_low_] * (128 - apm_weight_) + apm_[apm_low_ + 1] * apm_weight_) >> 7;
  const std::int32_t p = (mixed_p_ * (8 - kApmShare) + refined * kApmShare) >> 3;
  return static_cast<std::uint32_t>(std::clamp(p, 2, 65534));
}

template <std::size_t kKnown>
void ContextMixer::update(int bit) {
  const auto contexts = kKnown > 0 ? kKnown : static_cast<std::size_t>(shape_.contexts);
  const std::int32_t target = bit != 0 ? 65536 : 0;
  auto& last = last_weights_[static_cast<std::size_t>(selected_[0])];
  const std::int32_t last_gain = gain_of(target - mixed_p_, kJoinRate);
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    std::uint16_t& age = ages_[set_[g]];
    work_.gain[g] = gain_of(target - out_p_[g], kMixer.learning[age]);
    age = static_cast<std::uint16_t>(age + (age < kAgeLimit));
    const std::int32_t moved = last[g] + ((out_[g] * last_gain + (1 << 13)) >> 14);
    last[g] = std::clamp(moved, -cpu::kWeightMax, cpu::kWeightMax);
  }
  kernels_->train(work_);
  const std::int32_t aim = bit != 0 ? 65535 : 0;
  const auto& next = kMixer.next[static_cast<std::size_t>(bit)];
  for (std::size_t i = 0; i < contexts; ++i) {
    const Slot s = found_[i];
    const std::uint64_t state = s >> 40;
    Adaptive& history = histories_[i * 256 + state];
    const std::uint32_t uses = history & 0xffff;
    history = adapt(history >> 16, aim, kMixer.rate[uses]) << 16 | (uses + (uses < kHistoryLimit));
    const std::uint32_t count = count_of(s);
    const std::uint32_t p = adapt(s >> 16 & 0xffff, aim, kMixer.rate[count]);
    *used_[i] = (s & 0xffff) | std::uint64_t{p} << 16 |
                std::uint64_t{count + (count < kCountLimit)} << 32 |
                std::uint64_t{next[state]} << 40;
  }
  // APM: the nearer of the two entries learns.
  std::uint16_t& entry = apm_[apm_low_ + (apm_weight_ >= 64 ? 1 : 0)];
  entry = static_cast<std::uint16_t>(adapt(entry, aim, kApmRate));
}

int ContextMixer::code(BinaryCoder& coder, int bit, std::uint32_t node) {
  // A known number of contexts lets the compiler unroll the loops over them.
  switch (shape_.contexts) {
    case 8:
      return code_known<8>(coder, bit, node);
    case 7:
      return code_known<7>(coder, bit, node);
    case 6:
      return code_known<6>(coder, bit, node);
    case 5:
      return code_known<5>(coder, bit, node);
    default:
      return code_known<0>(coder, bit, node);
  }
}

template <std::size_t kKnown>
int ContextMixer::code_known(BinaryCoder& coder, int bit, std::uint32_t node) {
  const int coded = coder.code(bit, predict<kKnown>(node));
  update<kKnown>(coded);
  return coded;
}

void ContextMixer::limit_adaptation(const AdaptationLimit& adaptation_limit) {
  for (Slot& slot : slots_) {
    const auto limit = static_cast<std::uint32_t>(adaptation_limit.slots);
    const std::uint64_t count = std::min(count_of(slot), limit);
    slot = (slot & ~(std::uint64_t{0xff} << 32)) | count << 32;
  }
  for (Adaptive& history : histories_) {
    const auto limit = static_cast<std::uint32_t>(adaptation_limit.histories);
    history = (history & 0xffff0000u) | std::min(history & 0xffff, limit);
  }
  for (std::uint16_t& age : ages_) {
    age = static_cast<std::uint16_t>(std::min<int>(age, adaptation_limit.ages));
  }
}

}  // namespace semcodec::entropy
