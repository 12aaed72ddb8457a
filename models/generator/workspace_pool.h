#pragma once
// The maps of an engine (generator_engine.h, interpolator_engine.h), kept for the next picture of
// that size.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace semcodec::generate {

/// `Space` has a width and a height. May be used by several threads at a time; outlives its loans.
template <typename Space>
class WorkspacePool {
 public:
  /// An idle space of that size, else what `make()` returns (a unique_ptr). It comes back when the
  /// last copy of the pointer goes.
  template <typename Make>
  std::shared_ptr<Space> acquire(int width, int height, const Make& make) {
    std::unique_ptr<Space> space;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty() && (idle_.back()->width != width || idle_.back()->height != height)) {
        idle_.clear();  // of another size
      }
      if (!idle_.empty()) {
        space = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (space == nullptr) space = make();
    return {space.release(), [this](Space* done) {
              std::unique_ptr<Space> back(done);
              const std::lock_guard<std::mutex> lock(mutex_);
              idle_.push_back(std::move(back));
            }};
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Space>> idle_;
};

}  // namespace semcodec::generate
