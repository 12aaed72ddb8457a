#include "encoder/core/encoder.h"

namespace semcodec {

DeciderOptions decider_options(const EncoderOptions& options, const StreamInfo& info) {
  DeciderOptions out;
  out.time_base = {info.time_base_num, info.time_base_den};
  if (info.frame_rate_num > 0) {
    out.frame_seconds = static_cast<double>(info.frame_rate_den) / info.frame_rate_num;
  }
  out.keyint = options.keyint;
  out.scene_cut = options.scene_cut;
  out.patience = options.patience;
  out.most_interval = options.most_interval;
  out.keys = options.keys;
  return out;
}

}  // namespace semcodec
