#include "codec/encode/stats_file.h"

#include "common/core/file.h"

namespace semcodec {

namespace {

using nlohmann::ordered_json;

double bits_of(std::uint64_t bytes) { return 8.0 * static_cast<double>(bytes); }

/// The same parts as semcodec-info's table; they add up to the file. A writer has no "other"
/// records.
ordered_json modality_totals(const StreamStats& stats) {
  ordered_json totals;
  for (const auto& [name, bits] : shares_of(stats)) {
    if (name != "other") totals[name] = bits;
  }
  return totals;
}

ordered_json target_json(const RateRequest& request, const RunResult& result, bool count_audio) {
  ordered_json target = {{"kind", request.bitrate       ? "bitrate"
                                  : request.target_bits ? "size"
                                                        : "quality"}};
  const double counted = bits_of(result.counted_bytes(count_audio));
  double wanted = 0;
  if (request.bitrate) {
    target["bit_per_second"] = *request.bitrate;
    wanted = *request.bitrate * result.seconds;
  }
  if (request.target_bits) {
    target["bytes"] = *request.target_bits / 8;
    wanted = *request.target_bits;
  }
  target["counted_bytes"] = counted / 8;
  if (wanted > 0) target["error"] = counted / wanted - 1;
  if (result.peak) {
    target["max_bit_per_second"] = result.peak->rate();
    target["window_seconds"] = request.window;
    target["fullest_window"] = result.peak->fullest();
    target["overflows"] = result.peak->overflows();
  }
  return target;
}

}  // namespace

double mean_quality(const PassRecord& record) {
  double sum = 0, time = 0, last = 0;
  for (const CodedFrameCost& coded_frame : record.coded_frames) {
    const double elapsed = coded_frame.seconds - last + 1e-6;  // so that a lone coded frame counts
    sum += elapsed * coded_frame.choice.quality;
    time += elapsed;
    last = coded_frame.seconds;
  }
  return time > 0 ? sum / time : 0;
}

namespace {

ordered_json key_json(const KeyReport& key) {
  ordered_json options = ordered_json::array();
  for (const KeyOption& option : key.options) {
    options.push_back({{"quality", option.quality},
                       {"bits", option.bits},
                       {"fidelity", option.fidelity},
                       {"gain", option.gain},
                       {"worth", option.worth}});
  }
  return {{"quality", key.options[key.chosen].quality},
          {"fade", key.scene.fade ? ordered_json(*key.scene.fade) : ordered_json()},
          {"detail", key.scene.detail},
          {"life", key.scene.life},
          {"plane_bits", key.scene.plane_bits},
          {"interval", key.scene.interval},
          {"options", std::move(options)}};
}

}  // namespace

ordered_json to_json(const CodedFrameReport& report) {
  ordered_json json = {{"pts", report.pts},
                       {"seconds", report.seconds},
                       {"bytes", report.bytes},
                       {"bits_motion", cost_bits(report.cost.motion)},
                       {"bits_palette", cost_bits(report.cost.palette)},
                       {"bits_structure", cost_bits(report.cost.structure)},
                       {"bits_labels", cost_bits(report.cost.labels)},
                       {"bits_texture", cost_bits(report.cost.texture)},
                       {"bits_key", bits_of(report.key_bytes)},
                       {"bits_base", bits_of(report.base_bytes)},
                       {"quality", report.quality},
                       {"interval_scale", report.interval_scale},
                       {"interpolated_frames", report.between},
                       {"entry_point", report.entry_point},
                       {"cut", report.cut}};
  if (report.key) json["key"] = key_json(*report.key);
  return json;
}

void write_stats(const EncodeJob& job, const std::string& output, const VideoRunResult& result,
                 const std::vector<PassLine>& passes) {
  const auto rate = [&](std::uint64_t bytes) {
    return result.seconds > 0 ? bits_of(bytes) / result.seconds : 0.0;
  };
  ordered_json list = ordered_json::array();
  for (const PassLine& pass : passes) {
    list.push_back({{"control", pass.control},
                    {"quality", pass.quality},
                    {"bytes", pass.bytes},
                    {"kept", pass.kept}});
  }
  const ordered_json all = {
      {"input", job.input},
      {"output", output},
      {"frames", result.frames},
      {"seconds", result.seconds},
      {"bytes", result.stats.bytes},
      {"audio_bytes", result.stats.audio_bytes},
      {"bit_per_second", rate(result.stats.bytes)},
      {"mean_quality", mean_quality(result.record)},
      {"entry_points", result.stats.entry_points},
      {"target", target_json(job.setup.rate, result, job.setup.options.count_audio)},
      {"passes", std::move(list)},
      {"bits", modality_totals(result.stats)},
      {"coded_frames", result.coded_frames}};
  const std::string text = all.dump(1) + "\n";
  OutputFile out(job.options.stats);
  out.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  out.commit();
}

}  // namespace semcodec
