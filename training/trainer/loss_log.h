#pragma once
// The losses of a run: averaged between two log lines, printed, and kept in losses.csv and in
// TensorBoard's event files.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "training/event_file.h"

namespace semcodec {

class LossLog {
 public:
  /// `columns`: names of the losses, in the order of losses.csv; others are summed but not
  /// reported. `writes`: of several ranks only the first one prints and writes.
  LossLog(const std::string& folder, std::vector<std::string> columns, bool writes)
      : folder_(folder), columns_(std::move(columns)), writes_(writes) {}

  /// Adds to the mean of this loss since the last report. Names as in losses.csv.
  void add(const std::string& name, double value) { sums_[name] += value; }
  void step_done() { ++steps_; }
  /// The sums since the last report, which then count as reported.
  std::map<std::string, double> take();

  /// Prints and writes the means. `over_ranks` sums a list over all ranks, of which there are
  /// `ranks`.
  void report(std::int64_t step, std::int64_t steps, double seconds_per_step, double rate,
              int ranks, const std::function<void(std::vector<double>&)>& over_ranks);
  /// Values that belong to no step alone, for TensorBoard.
  void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);
  void picture(std::int64_t step, int width, int height, std::span<const std::uint8_t> rgb);

  /// Starts or goes on at `step`: rows of later steps leave losses.csv (a run that was killed had
  /// gone beyond its checkpoint), and TensorBoard is told. Step 0 begins an empty file.
  void start_at(std::int64_t step);

  /// What has been added since the last report, for a checkpoint; restore() takes it back.
  std::string pending() const;
  void restore(const std::string& pending);

 private:
  std::string csv_path() const { return folder_ + "/losses.csv"; }
  std::string head() const;
  void append(const std::string& row);

  std::string folder_;
  std::vector<std::string> columns_;
  bool writes_;
  std::map<std::string, double> sums_;
  std::int64_t steps_ = 0;
  std::unique_ptr<EventFile> events_;
};

}  // namespace semcodec
