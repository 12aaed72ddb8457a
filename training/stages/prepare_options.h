#pragma once
// The sections [prepare] and [base] of a training's configuration, and the arguments of
// semcodec-train-prepare that they become: each with its value, so that a default which changes
// later does not change what a run means.

#include <cstdint>
#include <string>
#include <vector>

#include "training/config.h"
#include "training/trainer/option_table.h"

namespace semcodec {

/// From videos to frame stores.
struct PrepareOptions {
  std::string size = "512";       ///< long side, or "WxH"
  std::string layout = "videos";  ///< clip_list.h
  std::string rate;               ///< frames a second; empty: the clip's
  std::uint64_t limit = 0;        ///< most frames of a clip, 0 = all
};

OptionTable table_of(PrepareOptions& options);
PrepareOptions read_prepare_options(const Config& config);
std::vector<std::string> prepare_arguments(const PrepareOptions& options);

/// Base layers for the restorer.
struct BaseStageOptions {
  int layers = 0;  ///< a clip; 0: the package gets no restorer
  int effort = 5;  ///< libaom's cpu-used
};

OptionTable table_of(BaseStageOptions& options);
BaseStageOptions read_base_options(const Config& config);
std::vector<std::string> base_arguments(const BaseStageOptions& options);

}  // namespace semcodec
