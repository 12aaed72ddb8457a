#pragma once
// libav's structures as owning handles, its error codes as text, and the few places where its
// versions differ. Private to this folder (and to its tests).

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#ifdef SEMCODEC_HAVE_AVDEVICE
#include <libavdevice/avdevice.h>
#endif
#include <libavformat/avformat.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "semcodec/video_types.h"

namespace semcodec::av {

// Most of libav's free functions take the address of the pointer.
template <auto function>
struct FreeByAddress {
  template <typename T>
  void operator()(T* pointer) const {
    function(&pointer);
  }
};
template <auto function>
struct FreeByValue {
  template <typename T>
  void operator()(T* pointer) const {
    function(pointer);
  }
};

/// Custom I/O: the buffer belongs to the context and may have been replaced by libav.
struct FreeIo {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};

using Packet = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using Frame = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using Codec = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using Parameters = std::unique_ptr<AVCodecParameters, FreeByAddress<avcodec_parameters_free>>;
using Input = std::unique_ptr<AVFormatContext, FreeByAddress<avformat_close_input>>;
using Output = std::unique_ptr<AVFormatContext, FreeByValue<avformat_free_context>>;
using Io = std::unique_ptr<AVIOContext, FreeIo>;
using Scaler = std::unique_ptr<SwsContext, FreeByValue<sws_freeContext>>;
using Resampler = std::unique_ptr<SwrContext, FreeByAddress<swr_free>>;
using Fifo = std::unique_ptr<AVAudioFifo, FreeByValue<av_audio_fifo_free>>;
using Buffer = std::unique_ptr<AVBufferRef, FreeByAddress<av_buffer_unref>>;
using Filter = std::unique_ptr<AVBSFContext, FreeByAddress<av_bsf_free>>;

/// An options dictionary, freed at the end.
class Options {
 public:
  Options() = default;
  ~Options() { av_dict_free(&dictionary_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  void set(const char* key, const std::string& value) {
    av_dict_set(&dictionary_, key, value.c_str(), 0);
  }
  /// Where there is none of that name yet.
  void set_default(const char* key, const std::string& value) {
    av_dict_set(&dictionary_, key, value.c_str(), AV_DICT_DONT_OVERWRITE);
  }
  AVDictionary** get() { return &dictionary_; }
  /// Any entry, null when it is empty. libav takes out those that it has used.
  const AVDictionaryEntry* first() const {
    return av_dict_get(dictionary_, "", nullptr, AV_DICT_IGNORE_SUFFIX);
  }

 private:
  AVDictionary* dictionary_ = nullptr;
};

/// Passes an allocation on; throws std::bad_alloc for null.
template <typename T>
T* allocated(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

inline Packet make_packet() { return Packet(allocated(av_packet_alloc())); }
inline Frame make_frame() { return Frame(allocated(av_frame_alloc())); }

/// libav's text for an error code, without a full stop: "Invalid data found …".
std::string error_text(int code);

/// Makes libav quiet: from now on its messages are kept for last_message() and not printed (they
/// go to log::debug). Called by everything in this folder; cheap after the first time.
void capture_log();

/// The last error-level message that libav gave on any thread since the last clear_messages(),
/// without line ends; "" when there was none.
std::string last_message();
void clear_messages();

/// " (what libav said)" or "".
std::string folded_message();

inline AVRational to_av(Rational r) { return AVRational{r.num, r.den}; }
inline Rational from_av(AVRational r) { return r.den == 0 ? Rational{} : Rational{r.num, r.den}; }

/// The rule for untagged YUV that common players share.
inline bool guess_bt709(int width, int height) { return width >= 1280 || height > 576; }

inline std::int64_t frame_duration(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

/// The stream's display matrix (9 numbers), or null.
const std::int32_t* display_matrix(const AVStream& stream);
void set_display_matrix(AVStream& stream, const std::int32_t matrix[9]);

}  // namespace semcodec::av
