#include "training/trainer/loss_log.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"

namespace semcodec {

std::string LossLog::head() const {
  std::string text = "step";
  for (const auto& name : columns_) text += "," + name;
  return text;
}

std::map<std::string, double> LossLog::take() {
  steps_ = 0;
  return std::exchange(sums_, {});
}

void LossLog::report(std::int64_t step, std::int64_t steps, double seconds_per_step, double rate,
                     int ranks, const std::function<void(std::vector<double>&)>& over_ranks) {
  std::vector<double> means;
  for (const auto& name : columns_) {
    const auto found = sums_.find(name);
    means.push_back(found == sums_.end() ? 0.0 : found->second / static_cast<double>(steps_));
  }
  over_ranks(means);
  const auto seen = take();
  if (!writes_) return;
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(steps);
  std::string row = std::to_string(step);
  std::vector<std::pair<std::string, double>> values;
  for (std::size_t i = 0; i < means.size(); ++i) {
    const auto& name = columns_[i];
    row += ",";
    if (seen.count(name) == 0) continue;
    char text[64];
    std::snprintf(text, sizeof text, "%.5f", means[i] / ranks);
    row += text;
    line += "  " + name + " " + text;
    values.emplace_back("loss/" + name, means[i] / ranks);
  }
  char text[96];
  std::snprintf(text, sizeof text, "  %.2f steps/s  %.0f min left", 1.0 / seconds_per_step,
                static_cast<double>(steps - step) * seconds_per_step / 60.0);
  log::info(line + text);
  append(row);
  values.emplace_back("run/learning_rate", rate);
  values.emplace_back("run/steps_a_second", 1.0 / seconds_per_step);
  scalars(step, values);
}

void LossLog::scalars(std::int64_t step,
                      const std::vector<std::pair<std::string, double>>& values) {
  if (events_) events_->scalars(step, values);
}

void LossLog::append(const std::string& row) {
  const bool fresh = !std::filesystem::exists(csv_path());
  std::FILE* file = std::fopen(csv_path().c_str(), "a");
  bool good = file != nullptr;
  if (good && fresh) good = std::fprintf(file, "%s\n", head().c_str()) > 0;
  if (good) good = std::fprintf(file, "%s\n", row.c_str()) > 0;
  if (file != nullptr) good = std::fclose(file) == 0 && good;
  if (!good) {
    log::warn_once("losses", "Cannot write " + csv_path() + "; losses are only printed.");
  }
}

void LossLog::picture(std::int64_t step, int width, int height, std::span<const std::uint8_t> rgb) {
  if (events_) events_->picture(step, "samples", width, height, rgb);
}

void LossLog::start_at(std::int64_t step) {
  sums_.clear();
  steps_ = 0;
  if (!writes_) return;
  std::ifstream old(csv_path());
  std::string kept;
  bool cut = step == 0 && old.good();
  for (std::string line; step > 0 && std::getline(old, line);) {
    // A row may have been cut short by a full disk or a kill; then it is not worth keeping.
    const bool first = kept.empty();
    char* end = nullptr;
    const auto number = std::strtoll(line.c_str(), &end, 10);
    const bool row = end != line.c_str() && *end == ',' && !old.eof();
    if (first) {
      // A run of an earlier version goes on with the columns that have been added since.
      const bool older = head().starts_with(line + ",");
      kept = (older ? head() : line) + "\n";
      cut = cut || older;
    } else if (row && number <= step) {
      kept += line + "\n";
    } else {
      cut = true;
    }
  }
  old.close();
  if (cut && kept.empty()) {
    std::filesystem::remove(csv_path());
  } else if (cut) {
    OutputFile file(csv_path());
    file.write({reinterpret_cast<const std::uint8_t*>(kept.data()), kept.size()});
    file.commit();
  }
  events_ = std::make_unique<EventFile>(folder_, step);
}

std::string LossLog::pending() const {
  std::string text = std::to_string(steps_);
  for (const auto& [name, sum] : sums_) {
    char number[64];
    std::snprintf(number, sizeof number, "%.17g", sum);
    text += " " + name + " " + number;
  }
  return text;
}

void LossLog::restore(const std::string& pending) {
  std::istringstream text(pending);
  text >> steps_;
  std::string name;
  for (double sum = 0; text >> name >> sum;) sums_[name] = sum;
}

}  // namespace semcodec
