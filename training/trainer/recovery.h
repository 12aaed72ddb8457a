#pragma once
// Going back to the last checkpoint when a training has gone wrong (divergence_guard.h).

#include <cstdint>
#include <map>
#include <string>

namespace semcodec {

struct RetryOptions {
  int retries = 4;    ///< returns to the last checkpoint before giving up
  double rate = 0.5;  ///< what each of them does to the learning rate
};

/// What going back changes, so that the same divergence does not come again. Part of a checkpoint.
struct Recovery {
  double rate_scale = 1;    ///< of the learning rate; the lower one stays for the rest of the run
  std::int64_t reseed = 0;  ///< other samples
  std::int64_t tries = 0;   ///< since the last time that all went well
  std::int64_t diverged_at = -1;

  /// To be called before a checkpoint of `step` is written: 100 steps beyond the divergence it is
  /// forgotten.
  void reached(std::int64_t step);

  void put(std::map<std::string, std::string>& metadata) const;
  /// What put() wrote; as new where it wrote nothing (checkpoints of earlier versions).
  static Recovery from(const std::map<std::string, std::string>& metadata);

  /// What to go on with after `divergence` ("the loss is no number") in `step`. Throws
  /// Error(internal) naming `checkpoint` when all tries are used up.
  Recovery after(std::int64_t step, const std::string& divergence, const RetryOptions& options,
                 const std::string& checkpoint) const;

  /// "Step 120: the loss is no number; going back to step 100 with 0.5 times the learning rate and
  /// other samples (try 1 of 4)."
  std::string sentence(std::int64_t back_to, const std::string& divergence,
                       const RetryOptions& options) const;
};

}  // namespace semcodec
