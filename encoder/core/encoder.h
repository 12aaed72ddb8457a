#pragma once
// The sender: frames in, semantic records out.
//
// Frames go through stages (encoder/stages): the frame decider says which become coded ones, a
// rate governor at what quality, and what comes of them is coded and written. The sender of planes
// codes and writes in a thread of its own, while the caller's follows the motion of the frames
// after it and runs the edge network on the next coded frames; what a rate control decides waits
// for the bits of the last coded frame first. Under a peak limit a coded frame that
// would not fit is made again at a lower quality, and one that could not fit at any waits for a
// later frame. An entry point waits for the frames of the second behind it, unless that was ruled
// out: how fast they leave it says what its intra picture is worth.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/core/base_coder.h"
#include "common/core/image.h"
#include "encoder/core/base_search.h"
#include "encoder/core/settings.h"
#include "encoder/rate/leaky_bucket.h"
#include "encoder/rate/rate_control.h"
#include "encoder/stages/frame_decider.h"
#include "encoder/stages/intra_choice.h"
#include "models/generator/texture.h"
#include "models/pidinet/edge_detector.h"
#include "semcodec/stream_writer.h"

namespace semcodec {

/// The sender's networks.
struct EncoderModels {
  EdgeDetector edges;
  TextureEncoder texture{nullptr};  ///< empty: no texture planes
  torch::Device device = torch::kCPU;
};

struct EncoderOptions {
  Profile profile = Profile::semantic;
  double quality = 80;  ///< ignored when there is a rate control
  double keyint = 20;   ///< seconds between entry points at most; 0 = only the first
  bool scene_cut = true;
  /// Where nothing changed since the last coded frame, the next one waits until something has, for
  /// so many intervals at most; 1 = coded frames come on a grid, whatever they show.
  double patience = 3;
  PointOverrides overrides;  ///< laid over every operating point
  KeyCodec key_codec;        ///< empty: no intra pictures
  MakeBaseCoder base_coder;  ///< of the hybrid profile, which cannot do without
  int base_look_ahead = 35;  ///< BaseCoderOptions::look_ahead
  int base_effort = 3;       ///< BaseCoderOptions::effort
  /// With it and a look-ahead, size and interval of base pictures are chosen by trial at each entry
  /// point, on so many seconds behind it; frames wait so long.
  MakeBaseDecoder base_decoder;
  double base_search = 1.8;
  std::shared_ptr<BaseTrialMemory> base_trials;  ///< of passes before this one; may be null
  /// Seconds behind an entry point that are looked at before its intra picture is chosen; its
  /// frames are kept so long. 0 = never look ahead.
  double look_ahead = 1;
  std::optional<double> duration;  ///< seconds of video, where known
  std::vector<double> entries;     ///< where a pass before had entry points, seconds, rising
  std::shared_ptr<RateControl> rate_control;  ///< null: constant quality
  bool count_audio = true;          ///< audio records count towards what the control sees as spent
  std::optional<LeakyBucket> peak;  ///< limit on the coded frames' rate over short times
  double most_interval = 0;         ///< seconds between coded frames at most, 0 = as quality has it
  std::vector<double> keys;         ///< entry points wanted at these seconds since the first frame
};

/// What the frame decider of an encoder with these options goes by.
DeciderOptions decider_options(const EncoderOptions& options, const StreamInfo& info);

/// Statistics of one coded frame, for --stats.
struct CodedFrameReport {
  std::int64_t pts = 0;
  double seconds = 0;
  std::uint64_t bytes = 0;       ///< of its record, framing included
  std::uint64_t key_bytes = 0;   ///< of these, the intra picture
  std::uint64_t base_bytes = 0;  ///< of these, the base picture
  /// Of the whole stream up to this record, and what of that is audio.
  std::uint64_t stream_bytes = 0, audio_bytes = 0;
  EncodeStats cost;  ///< 1/256 bit by modality
  double quality = 0;
  double interval_scale = 1;  ///< the rate control's trim of the time between coded frames
  std::size_t between = 0;    ///< frames since the coded frame before
  bool entry_point = false, cut = false;
  std::optional<KeyReport> key;  ///< where an intra picture was chosen by content
};

/// The sender as programs use it.
class Encoder {
 public:
  using Observer = std::function<void(const SemanticFrame&, const CodedFrameReport&)>;
  virtual ~Encoder() = default;

  /// Called for each coded frame after it was written, in order, in the thread of push(), settle()
  /// and finish().
  virtual void set_observer(Observer observer) = 0;

  /// The next frame, at the coded size; pts rising. Throws Error(usage) on another size, and
  /// what writing an earlier frame threw.
  virtual void push(RgbImage picture, std::int64_t pts) = 0;
  /// Has something else written behind the frames so far.
  virtual void write(std::function<void(StreamWriter&)> what) = 0;
  /// The next frame pushed becomes an entry point.
  virtual void request_entry_point() = 0;
  /// The rate control's target from now on, bit/s. False when there is none that takes it.
  virtual bool set_target(double bits_per_second) = 0;
  /// Waits until all that was pushed and due is written. Before that only write() may use the
  /// writer.
  virtual void settle() = 0;
  /// Writes what is pending: the last frame becomes a coded one. Settles, does not finish the
  /// writer.
  virtual void finish() = 0;

  virtual std::int64_t frames() const = 0;
  /// The peak limit as it stands, nothing when none was asked for.
  virtual const std::optional<LeakyBucket>& peak() const = 0;
};

/// Sends planes. `info` names sizes and time base; `writer` outlives the encoder.
std::unique_ptr<Encoder> make_semantic_encoder(const EncoderOptions& options,
                                               const StreamInfo& info, EncoderModels models,
                                               StreamWriter& writer);

/// Sends base pictures (hybrid_encoder.cpp).
std::unique_ptr<Encoder> make_hybrid_encoder(const EncoderOptions& options, const StreamInfo& info,
                                             StreamWriter& writer);

}  // namespace semcodec
