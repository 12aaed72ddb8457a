#pragma once
// Predicts binary decisions by mixing many adaptive contexts, in the manner of the PAQ family.
//
// Each context hashes to a slot: two probabilities that adapt at different rates, how often the
// slot was used, and a short history of its bits. A slot gives three inputs in the logistic domain:
//   1. the slow probability, weaker the fewer bits the slot has seen,
//   2. what the slot's bit history has meant elsewhere (HistoryMap),
//   3. the fast probability, weaker likewise.
// Sets of weights, one per selector value, mix the inputs; a last small mixer joins the sets'
// outputs; an adaptive probability map (APM) refines the result. Weights move along the coding
// cost's gradient, faster while a set is young.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/entropy/binary_coder.h"

namespace semcodec::entropy {

inline constexpr int kMaxContexts = 16;
inline constexpr int kInputsPerContext = 3;
inline constexpr int kMaxSelectors = 4;

/// The shape of a mixer.
struct MixerShape {
  int contexts = 0;                               ///< at most kMaxContexts
  int table_bits = 12;                            ///< 2^table_bits slots, shared by the contexts
  std::array<int, kMaxSelectors> selectors = {};  ///< sizes of the weight-set groups; 0 = unused
  int apm_size = 1;                               ///< contexts of the APM
  int slow_limit = 127;                           ///< a slow rate never falls below 1/(limit+1.5)
};

class ContextMixer {
 public:
  explicit ContextMixer(const MixerShape& shape);

  /// Back to the state after construction.
  void reset();

  /// Sets the contexts of the next decisions; `node` (below) is hashed in for each decision.
  void set_context(int index, std::uint32_t value) {
    contexts_[static_cast<std::size_t>(index)] =
        (value + 1 + static_cast<std::uint32_t>(index) * 0x3c6ef372u) * 0x9e3779b1u;
  }
  void set_selector(int index, int value) {
    selected_[static_cast<std::size_t>(index)] = value;
  }
  void set_apm(int value) { apm_context_ = value; }

  /// Codes one decision and learns from it.
  int code(BinaryCoder& coder, int bit, std::uint32_t node);

 private:
  struct Slot {
    std::uint16_t check = 0;
    std::uint16_t slow = 32768;
    std::uint16_t fast = 32768;
    std::uint8_t count = 0;
    std::uint8_t history = 0;
  };
  struct Adaptive {
    std::uint16_t p = 32768;
    std::uint16_t count = 0;
  };

  Slot& find(std::uint32_t hash);
  std::uint32_t predict(std::uint32_t node);
  void update(int bit);

  MixerShape shape_;
  int inputs_ = 0;
  int groups_ = 0;
  std::array<std::uint32_t, kMaxContexts> contexts_{};
  std::array<int, kMaxSelectors> selected_{};
  int apm_context_ = 0;

  std::vector<Slot> slots_;
  std::vector<Adaptive> histories_;  // [context][history state]
  std::vector<std::int32_t> weights_;
  std::vector<std::uint16_t> ages_;  // of the weight sets
  std::array<std::size_t, kMaxSelectors> group_start_{};
  std::vector<std::int32_t> last_weights_;  // [selector 0 value][group]
  std::vector<std::uint16_t> last_ages_;
  std::vector<std::uint16_t> apm_;  // [context][33]

  // Between predict and update.
  std::array<std::size_t, kMaxContexts> used_{};
  std::array<std::size_t, kMaxContexts> used_history_{};
  std::array<std::int32_t, kMaxContexts * kInputsPerContext + 1> x_{};
  std::array<std::size_t, kMaxSelectors> set_{};
  std::array<std::int32_t, kMaxSelectors> out_{};
  std::array<std::uint32_t, kMaxSelectors> out_p_{};
  std::uint32_t mixed_p_ = 32768;
  std::size_t apm_low_ = 0;
  int apm_weight_ = 0;
};

}  // namespace semcodec::entropy
