#include "encoder/stages/frame_decider.h"

#include <algorithm>
#include <utility>

#include "semcodec/planes.h"

namespace semcodec {

FrameDecider::FrameDecider(const DeciderOptions& options, Sink& sink)
    : options_(options),
      sink_(sink),
      schedule_(options.frame_seconds, options.most_interval, options.keys) {}

void FrameDecider::push(RgbImage picture, std::int64_t pts) {
  if (!first_pts_) first_pts_ = pts;
  const bool cut = cuts_.push(picture).cut && options_.scene_cut && frames_ > 0;
  ++frames_;
  end_pts_ = pts;
  queue_.push_back({SourceFrame{std::move(picture), pts, cut}, {}});
  advance();
}

void FrameDecider::after_frames(std::function<void()> what) {
  queue_.push_back({std::nullopt, std::move(what)});
  if (!queue_.front().frame) advance();
}

void FrameDecider::finish() {
  ended_ = true;
  advance();
  flush_last();
}

void FrameDecider::advance() {
  while (!queue_.empty()) {
    Item& next = queue_.front();
    if (next.frame && !ended_) {
      const auto known = seconds(next.frame->pts, end_pts_);
      if (sink_.wait(*next.frame, known, waiting().size() - 1)) return;
    }
    Item item = std::move(next);
    queue_.pop_front();
    if (item.frame) {
      take(std::move(*item.frame));
    } else {
      item.what();
    }
  }
}

std::vector<const SourceFrame*> FrameDecider::waiting() const {
  std::vector<const SourceFrame*> frames;
  for (const Item& item : queue_) {
    if (item.frame) frames.push_back(&*item.frame);
  }
  return frames;
}

void FrameDecider::take(SourceFrame frame) {
  if (frame.cut) {
    flush_last();
    ++scenes_;
  } else if (last_) {
    interpolated_.push_back(last_->pts);
    last_.reset();
  }
  sink_.follow(frame);
  const double now = since_first(frame.pts);
  const bool forced = frame.cut || !coded_pts_ || schedule_.key_due(now) ||
                      schedule_.overdue(now) ||
                      interpolated_.size() + 2 >= static_cast<std::size_t>(kMaxInterpolatedFrames);
  const bool due =
      forced || (sink_.room(now) && schedule_.due(now, sink_.interval()) && !may_wait(frame));
  if (due) {
    code(std::move(frame), forced);
  } else {
    last_ = std::move(frame);
  }
}

void FrameDecider::flush_last() {
  if (last_) code(*std::exchange(last_, std::nullopt), true);
}

bool FrameDecider::may_wait(const SourceFrame& frame) const {
  return seconds(*coded_pts_, frame.pts) + options_.frame_seconds / 2 <
             options_.patience * sink_.interval() &&
         change_.still(frame.picture);
}

bool FrameDecider::may_be_entry(const SourceFrame& frame) const {
  return !entry_pts_ || frame.cut || schedule_.key_due(since_first(frame.pts)) ||
         (options_.keyint > 0 && seconds(*entry_pts_, frame.pts) >= options_.keyint);
}

void FrameDecider::code(SourceFrame frame, bool forced) {
  CodedFramePlan plan;
  plan.seconds = since_first(frame.pts);
  plan.interpolated_pts = std::exchange(interpolated_, {});
  plan.entry_point = may_be_entry(frame);
  if (options_.patience > 1) change_.remember(frame.picture);
  coded_pts_ = frame.pts;
  if (plan.entry_point) entry_pts_ = frame.pts;
  const double now = plan.seconds;
  plan.frame = std::move(frame);
  const double interval = sink_.code(std::move(plan));
  schedule_.sent(now, interval, forced);
}

}  // namespace semcodec
