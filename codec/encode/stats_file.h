#pragma once
// The file of --stats.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "codec/encode/video_run.h"

namespace semcodec {

/// One line of the list of passes.
struct PassLine {
  std::string control;  ///< "quality", "one-pass" or "planned"
  double quality = 0;   ///< planned, or the mean over time
  std::uint64_t bytes = 0;
  bool kept = false;
};

nlohmann::ordered_json to_json(const CodedFrameReport& report);

/// Mean of the coded frames' qualities, each weighted with the time since the one before.
double mean_quality(const PassRecord& record);

void write_stats(const EncodeJob& job, const std::string& output, const VideoRunResult& result,
                 const std::vector<PassLine>& passes);

}  // namespace semcodec
