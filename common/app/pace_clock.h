#pragma once
// When pictures are due, by their times in the video. Arithmetic alone: the caller says what time
// it is.

#include <functional>
#include <optional>

namespace semcodec {

class PaceClock {
 public:
  enum class Kind {
    camera,  ///< a picture is due its time behind the first one, whatever was late before it
    player,  ///< one that comes late is shown at once, and those behind it keep their distance to
             ///< it
    live     ///< the same, and where all come early for a while, later ones are due sooner again
  };
  explicit PaceClock(Kind kind) : kind_(kind) {}

  /// Seconds to wait from `now` for the picture of `time`, both in seconds; 0 when it is due. The
  /// first picture is due at once, and so is one behind a leap of more than kLongestStill.
  double wait(double time, double now);

  static constexpr double kLongestStill = 10;

 private:
  void catch_up(double slack, double now);

  Kind kind_;
  std::optional<double> offset_;  ///< of the clock against the video
  double last_time_ = 0;
  double least_slack_ = 0, since_ = 0;  ///< by how much pictures came early
};

/// The machine's clock, seconds.
double steady_seconds();
/// Sleeps, a tenth of a second at a time, until `stop` says yes (it may be empty).
void pause_for(double seconds, const std::function<bool()>& stop);

}  // namespace semcodec
