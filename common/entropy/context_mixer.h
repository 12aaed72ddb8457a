#pragma once
// Predicts binary decisions by mixing many adaptive contexts, in the manner of the PAQ family.
//
// Each context hashes to a slot: an adaptive probability, how often the slot was used,
// and a short history of its bits. A slot gives two inputs in the logistic domain:
//   1. the probability, weaker the fewer bits the slot has seen,
//   2. what the slot's bit history has meant elsewhere (an adaptive map).
// Sets of weights, one per selector value, mix the inputs; a last small mixer joins the sets'
// outputs; an adaptive probability map (APM) refines the result. Weights move along the coding
// cost's gradient, faster while a set is young.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/cpu/mixing.h"
#include "common/entropy/binary_coder.h"

namespace semcodec::entropy {

using cpu::kGroups;
using cpu::kInputs;
using cpu::kMaxContexts;

/// The shape of a mixer.
struct MixerShape {
  int contexts = 0;                             ///< at most kMaxContexts
  int table_bits = 12;                          ///< 2^table_bits slots, shared by the contexts
  std::array<int, kGroups> selectors = {1, 1};  ///< sizes of the groups of weight sets
  int apm_size = 1;                             ///< contexts of the APM
};

/// How much of what was learnt from pretraining stays firm: limits for counts and ages.
struct AdaptationLimit {
  int slots = 127;
  int histories = 255;
  int ages = 4095;
};

class ContextMixer {
 public:
  explicit ContextMixer(const MixerShape& shape);

  /// Sets the contexts of the next decisions; `node` (below) tells these apart.
  void set_context(int index, std::uint32_t value) {
    std::uint32_t h = (value + 1 + static_cast<std::uint32_t>(index) * 0x3c6ef372u) * 0x9e3779b1u;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h ^= h >> 13;
    contexts_[static_cast<std::size_t>(index)] = h;
    __builtin_prefetch(&slots_[h >> shift_]);
  }
  void set_selector(int index, int value) { selected_[static_cast<std::size_t>(index)] = value; }
  void set_apm(int value) { apm_context_ = value; }

  /// Probability of a 1, in 1/65536, that code() would use now.
  std::uint32_t probability(std::uint32_t node);

  /// Codes one decision and learns from it.
  int code(BinaryCoder& coder, int bit, std::uint32_t node);

  /// What was learnt counts for less from now on: see docs/format.md, pretraining.
  void limit_adaptation(const AdaptationLimit& adaptation_limit);

 private:
  /// check (16 bits) | p << 16 (16 bits) | count << 32 (8 bits) | history << 40 (8 bits); unpacked
  /// by hand, which compilers do worse.
  using Slot = std::uint64_t;
  /// p (16 bits) << 16 | count
  using Adaptive = std::uint32_t;

  /// `kKnown`: shape_.contexts, or 0 for any number.
  template <std::size_t kKnown>
  std::uint32_t predict(std::uint32_t node);
  template <std::size_t kKnown>
  void update(int bit);
  template <std::size_t kKnown>
  int code_known(BinaryCoder& coder, int bit, std::uint32_t node);

  const cpu::MixKernels* kernels_ = &cpu::mix_kernels();
  MixerShape shape_;
  int shift_ = 0;
  std::array<std::uint32_t, kMaxContexts> contexts_{};
  std::array<int, kGroups> selected_{};
  int apm_context_ = 0;

  std::vector<Slot> slots_;
  std::vector<Adaptive> histories_;  // [context][history state]
  std::vector<std::int32_t> weights_;
  std::vector<std::uint16_t> ages_;  // of the weight sets
  std::array<std::size_t, kGroups> group_start_{};
  std::vector<std::array<std::int32_t, kGroups>> last_weights_;  // [selector 0 value]
  std::vector<std::uint16_t> apm_;                               // [context][33]

  // Between predict and update.
  cpu::MixWork work_;
  std::array<Slot*, kMaxContexts> used_{};
  std::array<Slot, kMaxContexts> found_{};
  std::array<std::size_t, kGroups> set_{};
  std::array<std::int32_t, kGroups> out_{};
  std::array<std::int32_t, kGroups> out_p_{};
  std::int32_t mixed_p_ = 32768;
  std::size_t apm_low_ = 0;
  int apm_weight_ = 0;
};

}  // namespace semcodec::entropy
