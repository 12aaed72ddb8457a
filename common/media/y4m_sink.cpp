// Uncompressed YUV4MPEG2, 4:2:0 with chroma sited left, limited range, at a constant rate.

#include <cmath>
#include <optional>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/colour.h"
#include "common/media/output_target.h"
#include "common/media/sink.h"

namespace semcodec {
namespace {

/// A longer gap between two pictures is a broken timestamp rather than a still picture.
constexpr double kLongestGap = 600;  // seconds

class Y4mSink final : public VideoSink {
 public:
  Y4mSink(const std::string& path, const WriterOptions& options)
      : name_(path == "-" ? "stdout" : path),
        options_(options),
        rate_(options.frame_rate),
        file_(path, options.cancelled) {
    if (!rate_.known()) {
      const double ticks = 1 / options.time_base.value();
      rate_ = ticks >= 1 && ticks <= 240 ? Rational{options.time_base.den, options.time_base.num}
                                         : Rational{25, 1};
      log::warn_once("y4m-rate", "The frame rate is not known; " + name_ + " gets " +
                                     std::to_string(rate_.num) + "/" + std::to_string(rate_.den) +
                                     " frames a second.");
    }
    if (options.audio) {
      log::warn_once("y4m-audio", "y4m has no audio; " + name_ + " goes without.");
    }
  }

  void start(int width, int height) override {
    const AVColorSpace matrix =
        av::guess_bt709(width, height) ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    converter_.emplace(width, height, AV_PIX_FMT_YUV420P, av::ColourTags{matrix, false});
    const auto ratio = [](Rational r) {
      return std::to_string(r.num) + ":" + std::to_string(r.den);
    };
    put("YUV4MPEG2 W" + std::to_string(width) + " H" + std::to_string(height) + " F" +
        ratio(rate_) + " Ip A" + ratio(options_.sample_aspect) +
        " C420mpeg2 XCOLORRANGE=LIMITED\n");
  }

  void write(const RgbImage& image, std::int64_t pts) override {
    if (!first_pts_) first_pts_ = pts;
    const double seconds =
        static_cast<double>(pts - *first_pts_) * options_.time_base.value() + shift_;
    auto slot = static_cast<std::int64_t>(std::llround(seconds * rate_.value()));
    if (static_cast<double>(slot - slot_) > kLongestGap * rate_.value()) {
      log::warn_once("y4m-gap", "A gap of more than ten minutes between two pictures is left out.");
      shift_ -= static_cast<double>(slot - slot_ - 1) / rate_.value();
      slot = slot_ + 1;
    }
    // The picture before is shown until this one begins; of two in one slot the later one counts.
    if (held_ && slot > slot_) put_held(slot - slot_);
    slot_ = slot;
    held_ = converter_->convert(image);
  }

  void write(const AudioPacket&) override {}

  void finish() override {
    if (held_) put_held(1);
    file_.commit();
  }

  std::uint64_t bytes() const override { return file_.bytes(); }
  std::string audio_handling() const override { return "none"; }

 private:
  void put(const std::string& text) {
    file_.put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  void put_held(std::int64_t times) {
    for (; times > 0; --times) {
      put("FRAME\n");
      for (int plane = 0; plane < 3; ++plane) {
        const int width = plane == 0 ? held_->width : (held_->width + 1) / 2;
        const int height = plane == 0 ? held_->height : (held_->height + 1) / 2;
        for (int y = 0; y < height; ++y) {
          const std::uint8_t* row = held_->data[plane] + std::ptrdiff_t{held_->linesize[plane]} * y;
          file_.put({row, static_cast<std::size_t>(width)});
        }
      }
    }
    file_.flush();  // whoever reads the pipe sees each picture when it is due
  }

  std::string name_;
  WriterOptions options_;
  Rational rate_;
  av::OutputTarget file_;
  std::optional<av::FromRgb> converter_;
  std::optional<std::int64_t> first_pts_;
  double shift_ = 0;
  std::int64_t slot_ = 0;
  av::Frame held_;
};

}  // namespace

std::unique_ptr<VideoSink> make_y4m_sink(const std::string& path, const WriterOptions& options) {
  return std::make_unique<Y4mSink>(path, options);
}

}  // namespace semcodec
