#include "decoder/info/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "common/core/text.h"

namespace semcodec {
namespace {

void add_size(std::vector<std::string>& sizes, int width, int height, int levels) {
  std::string text = std::to_string(width) + "x" + std::to_string(height);
  if (levels > 0) text += "x" + std::to_string(levels);
  if (std::find(sizes.begin(), sizes.end(), text) == sizes.end()) sizes.push_back(text);
}

void add_sizes(PlaneSizes& sizes, const SemanticFrame& frame) {
  const auto plane = [](std::vector<std::string>& to, const Plane& p) {
    if (!p.empty()) add_size(to, p.width, p.height, p.levels);
  };
  if (!frame.motion.empty()) add_size(sizes.motion, frame.motion.width, frame.motion.height, 0);
  plane(sizes.structure, frame.structure);
  plane(sizes.labels, frame.labels);
  for (const Plane& channel : frame.texture) plane(sizes.texture, channel);
  if (frame.base) add_size(sizes.base, frame.base->width, frame.base->height, 0);
}

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all.empty() ? "none" : all;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// Columns of the chart where no terminal says otherwise; names and peaks come on top.
constexpr int kChartColumns = 60;
constexpr int kChartMargin = 26;

double seconds_of(const StreamInfo& info, std::int64_t units) {
  return static_cast<double>(units) * info.time_base_num / info.time_base_den;
}

std::string frame_marks(const RecordLine& line) {
  std::string marks;
  if (line.entry_point) marks += " entry";
  if (line.cut) marks += " cut";
  if (line.intra_picture) marks += " intra picture";
  if (line.base_bytes > 0) marks += " base " + std::to_string(8 * line.base_bytes);
  return marks;
}

void put_records(std::ostringstream& out, const StreamReport& report, bool digests) {
  out << "\n    offset   bytes  kind\n";
  for (const RecordLine& line : report.records) {
    char head[64];
    std::snprintf(head, sizeof head, "%10llu %7u  ", static_cast<unsigned long long>(line.offset),
                  line.bytes);
    out << head << line.kind;
    if (line.kind == "frame") {
      const EncodeStats& p = line.planes;
      out << " pts " << line.pts << " (" << fixed(seconds_of(report.info, line.pts), 3) << " s), "
          << line.between << " between, bits: motion " << fixed(cost_bits(p.motion), 0)
          << " palette " << fixed(cost_bits(p.palette), 0) << " structure "
          << fixed(cost_bits(p.structure), 0) << " labels " << fixed(cost_bits(p.labels), 0)
          << " texture " << fixed(cost_bits(p.texture), 0) << frame_marks(line);
      if (digests) out << " " << line.digest;
    } else if (line.kind == "audio") {
      out << " " << line.packets << " packets";
    }
    out << "\n";
  }
}

}  // namespace

double StreamReport::seconds() const {
  if (stats.frames == 0) return 0;
  const double span = seconds_of(info, last_pts - first_pts);
  if (info.frame_rate_num > 0) {
    return span + static_cast<double>(info.frame_rate_den) / info.frame_rate_num;
  }
  return stats.frames > 1 ? span + span / static_cast<double>(stats.frames - 1) : 0;
}

StreamReport make_report(StreamReader& reader, bool records, bool digests) {
  StreamReport report;
  report.info = reader.info();
  report.format_version = reader.format_version();
  report.has_index = reader.totals().has_value();
  bool first = true;
  while (const auto item = reader.next()) {
    RecordLine line;
    line.offset = item->offset;
    line.bytes = item->bytes;
    if (const SemanticFrame* frame = item->frame()) {
      if (std::exchange(first, false)) {
        report.first_pts =
            frame->interpolated_pts.empty() ? frame->pts : frame->interpolated_pts.front();
      }
      report.last_pts = frame->pts;
      add_sizes(report.sizes, *frame);
      line.kind = "frame";
      line.pts = frame->pts;
      line.between = frame->interpolated_pts.size();
      line.entry_point = frame->entry_point;
      line.cut = frame->cut;
      line.intra_picture = frame->intra_picture.has_value();
      line.base_bytes = item->base_bytes;
      line.planes = item->planes;
      report.coded_frames.push_back({seconds_of(report.info, frame->pts - report.first_pts),
                                     item->planes,
                                     frame->intra_picture ? frame->intra_picture->bytes.size() : 0,
                                     item->base_bytes, item->bytes});
      if (digests) line.digest = plane_digest(*frame);
    } else if (const AudioInfo* audio = item->audio_info()) {
      line.kind = "audio info";
      if (!report.audio) report.audio = *audio;
    } else if (const AudioBatch* batch = item->audio()) {
      line.kind = "audio";
      line.packets = batch->size();
    }
    if (records || digests) report.records.push_back(std::move(line));
  }
  report.stats = reader.stats();
  report.status = reader.status();
  report.lost_records = reader.lost_records();
  report.skipped_frames = reader.skipped_frames();
  report.problem = reader.problem();
  return report;
}

std::string report_text(const StreamReport& report, bool records, bool digests,
                        const ChartStyle& style) {
  const StreamInfo& info = report.info;
  const StreamStats& s = report.stats;
  const double seconds = report.seconds();
  std::ostringstream out;
  const auto row = [&](const std::string& name, const std::string& value) {
    out << name << std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') << printable(value)
        << "\n";
  };
  const auto size = [](int w, int h) { return std::to_string(w) + "x" + std::to_string(h); };
  row("format", report.format_version + (report.has_index ? ", with index" : ", no index"));
  row("encoder", info.encoder.empty() ? "unknown" : info.encoder);
  row("profile", info.profile.empty() ? "none" : info.profile);
  row("model", info.model_name.empty() ? "none" : info.model_name + " " + info.model_hash);
  row("picture", size(info.width, info.height) + ", sample aspect " + std::to_string(info.sar_num) +
                     ":" + std::to_string(info.sar_den));
  row("coded size", size(info.coded_width, info.coded_height));
  row("time base", std::to_string(info.time_base_num) + "/" + std::to_string(info.time_base_den));
  row("frame rate", info.frame_rate_num == 0
                        ? "unknown"
                        : fixed(static_cast<double>(info.frame_rate_num) / info.frame_rate_den, 3));
  row("duration", fixed(seconds, 3) + " s, " + std::to_string(s.frames) + " frames, " +
                      std::to_string(s.coded_frames) + " coded frames, " +
                      std::to_string(s.entry_points) + " entry points, " +
                      std::to_string(s.intra_pictures) + " intra pictures, " +
                      std::to_string(s.base_pictures) + " base pictures");
  row("motion", join(report.sizes.motion));
  row("structure", join(report.sizes.structure));
  row("labels", join(report.sizes.labels));
  row("texture", join(report.sizes.texture));
  row("base pictures", join(report.sizes.base));
  row("audio", !report.audio
                   ? "none"
                   : report.audio->codec + ", " + std::to_string(report.audio->sample_rate) +
                         " Hz, " + std::to_string(report.audio->channels) + " channels, " +
                         std::to_string(s.audio_packets) + " packets");
  row("status", to_string(report.status));
  row("truncated", report.status == StreamStatus::truncated ? "yes" : "no");
  if (report.lost_records > 0) {
    row("lost", std::to_string(report.lost_records) + " records, and " +
                    std::to_string(report.skipped_frames) + " frames that needed them");
  }
  if (!report.problem.empty()) row("problem", report.problem);
  out << "\npart              bits     kbit/s   share\n";
  const double total = static_cast<double>(s.bytes) * 8;
  auto parts = shares_of(s);
  parts.emplace_back("all", total);
  for (const auto& [name, part_bits] : parts) {
    if (part_bits <= 0 && name != "all") continue;
    char line[128];
    std::snprintf(line, sizeof line, "%-12s %9.0f %10.3f %6.1f%%\n", name.c_str(), part_bits,
                  seconds > 0 ? part_bits / seconds / 1000 : 0.0,
                  total > 0 ? part_bits / total * 100 : 0.0);
    out << line;
  }
  const int columns =
      style.columns > 0 ? std::max(10, style.columns - kChartMargin) : kChartColumns;
  out << draw_timeline(make_timeline(report.coded_frames, seconds, columns), style.unicode);
  if (records || digests) put_records(out, report, digests);
  return out.str();
}

std::string report_json(const StreamReport& report, bool records, bool digests) {
  using nlohmann::ordered_json;
  const StreamInfo& info = report.info;
  const StreamStats& s = report.stats;
  const double seconds = report.seconds();
  ordered_json json;
  json["format_version"] = report.format_version;
  json["encoder"] = info.encoder;
  json["profile"] = info.profile;
  json["model"] = {{"name", info.model_name}, {"hash", info.model_hash}};
  json["width"] = info.width;
  json["height"] = info.height;
  json["coded_width"] = info.coded_width;
  json["coded_height"] = info.coded_height;
  json["sample_aspect"] = {info.sar_num, info.sar_den};
  json["time_base"] = {info.time_base_num, info.time_base_den};
  json["frame_rate"] = {info.frame_rate_num, info.frame_rate_den};
  json["seconds"] = seconds;
  json["first_pts"] = report.first_pts;
  json["last_pts"] = report.last_pts;
  json["frames"] = s.frames;
  json["coded_frames"] = s.coded_frames;
  json["entry_points"] = s.entry_points;
  json["intra_pictures"] = s.intra_pictures;
  json["base_pictures"] = s.base_pictures;
  json["plane_sizes"] = {{"motion", report.sizes.motion},
                         {"structure", report.sizes.structure},
                         {"labels", report.sizes.labels},
                         {"texture", report.sizes.texture},
                         {"base", report.sizes.base}};
  if (report.audio) {
    json["audio"] = {{"codec", report.audio->codec},
                     {"sample_rate", report.audio->sample_rate},
                     {"channels", report.audio->channels},
                     {"packets", s.audio_packets}};
  } else {
    json["audio"] = nullptr;
  }
  json["index"] = report.has_index;
  json["status"] = to_string(report.status);
  json["truncated"] = report.status == StreamStatus::truncated;
  json["lost_records"] = report.lost_records;
  json["skipped_frames"] = report.skipped_frames;
  json["problem"] = report.problem;
  json["bytes"] = s.bytes;
  json["kbit_per_second"] = seconds > 0 ? static_cast<double>(s.bytes) * 8 / seconds / 1000 : 0.0;
  for (const auto& [name, part_bits] : shares_of(s)) json["bits"][name] = part_bits;
  const Timeline timeline = make_timeline(report.coded_frames, seconds, kChartColumns);
  json["over_time"] = {{"seconds_per_column", timeline.seconds_per_column},
                       {"bits", ordered_json::object()}};
  for (const auto& [name, columns] : timeline.parts) json["over_time"]["bits"][name] = columns;
  if (records || digests) {
    json["records"] = ordered_json::array();
    for (const RecordLine& line : report.records) {
      ordered_json row{{"kind", line.kind}, {"offset", line.offset}, {"bytes", line.bytes}};
      if (line.kind == "frame") {
        row["pts"] = line.pts;
        row["between"] = line.between;
        row["entry_point"] = line.entry_point;
        row["cut"] = line.cut;
        row["intra_picture"] = line.intra_picture;
        row["base"] = line.base_bytes;
        row["bits"] = {{"motion", cost_bits(line.planes.motion)},
                       {"palette", cost_bits(line.planes.palette)},
                       {"structure", cost_bits(line.planes.structure)},
                       {"labels", cost_bits(line.planes.labels)},
                       {"texture", cost_bits(line.planes.texture)}};
        if (digests) row["digest"] = line.digest;
      } else if (line.kind == "audio") {
        row["packets"] = line.packets;
      }
      json["records"].push_back(std::move(row));
    }
  }
  // Texts of a stream may be any bytes: what is no UTF-8 is replaced, and the output is ASCII, so
  // that no terminal acts on it.
  return json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace semcodec
