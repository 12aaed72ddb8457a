#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <utility>

#include "python/bindings.h"
#include "semcodec/decoder.h"
#include "semcodec/encode_file.h"
#include "semcodec/encoder.h"
#include "semcodec/error.h"

namespace py = pybind11;

namespace semcodec::python {

namespace {

using Picture = py::array_t<std::uint8_t, py::array::c_style>;

RgbImage to_image(const py::array& array) {
  if (array.ndim() != 3 || array.shape(2) != 3 ||
      !py::isinstance<py::array_t<std::uint8_t>>(array)) {
    throw py::value_error(
        "a picture should be an array of uint8 with the shape (height, width, 3)");
  }
  const auto picture = Picture::ensure(array);
  if (!picture) throw py::error_already_set();
  RgbImage image(static_cast<int>(picture.shape(1)), static_cast<int>(picture.shape(0)));
  std::memcpy(image.pixels.data(), picture.data(), image.pixels.size());
  return image;
}

Picture to_array(const RgbImage& image) {
  Picture array({image.height, image.width, 3});
  std::memcpy(array.mutable_data(), image.pixels.data(), image.pixels.size());
  return array;
}

py::bytes to_bytes(const std::vector<std::uint8_t>& data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Sets the members that keywords name.
template <typename Options>
Options from_keywords(const py::kwargs& keywords) {
  const py::object options = py::cast(Options());
  for (const auto& [name, value] : keywords) {
    if (!py::hasattr(options, name)) {
      throw py::type_error("there is no option " + std::string(py::str(name)));
    }
    options.attr(name) = value;
  }
  return options.cast<Options>();
}

Rational to_rational(const std::pair<int, int>& value) { return {value.first, value.second}; }

class Encoder {
 public:
  Encoder(int width, int height, std::pair<int, int> time_base,
          std::optional<std::pair<int, int>> frame_rate, std::optional<double> duration,
          const py::kwargs& keywords) {
    VideoFormat video;
    video.width = width;
    video.height = height;
    video.time_base = to_rational(time_base);
    if (frame_rate) video.frame_rate = to_rational(*frame_rate);
    video.duration = duration;
    const auto options = from_keywords<StreamEncoderOptions>(keywords);
    const py::gil_scoped_release free;
    encoder_ = std::make_unique<StreamEncoder>(video, options);
  }
  ~Encoder() {
    const py::gil_scoped_release free;
    encoder_.reset();
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void push(const py::array& array, std::int64_t pts) {
    auto image = to_image(array);
    const py::gil_scoped_release free;
    encoder_->push(std::move(image), pts);
  }
  py::bytes take() { return to_bytes(encoder_->take()); }
  py::bytes finish() {
    {
      const py::gil_scoped_release free;
      encoder_->finish();
    }
    return take();
  }
  const StreamEncoder& encoder() const { return *encoder_; }

 private:
  std::unique_ptr<StreamEncoder> encoder_;
};

class Decoder {
 public:
  Decoder(const py::object& object, const py::kwargs& keywords) {
    auto from = stream_source(object);
    const auto options = from_keywords<StreamDecoderOptions>(keywords);
    const py::gil_scoped_release free;
    decoder_ = from.source
                   ? std::make_unique<StreamDecoder>(std::move(from.source), "stream", options)
                   : std::make_unique<StreamDecoder>(from.path, options);
  }
  ~Decoder() {
    const py::gil_scoped_release free;  // its thread may be reading from Python
    decoder_.reset();
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  std::optional<DecodedFrame> next() {
    const py::gil_scoped_release free;
    return decoder_->next();
  }
  StreamDecoder& decoder() { return *decoder_; }

 private:
  std::unique_ptr<StreamDecoder> decoder_;
};

py::dict summary_dict(const EncodeSummary& summary) {
  py::dict result = to_dict(summary.stats);
  result["seconds"] = summary.seconds;
  result["passes"] = summary.passes;
  result["profile"] = summary.info.profile;
  result["coded_size"] = py::make_tuple(summary.info.coded_width, summary.info.coded_height);
  result["target"] = summary.target;
  result["target_missed"] = summary.target_missed;
  return result;
}

void bind_options(py::module_& module) {
  using E = StreamEncoderOptions;
  py::class_<E>(module, "_EncoderOptions")
      .def_readwrite("profile", &E::profile)
      .def_readwrite("model", &E::model)
      .def_readwrite("device", &E::device)
      .def_readwrite("threads", &E::threads)
      .def_readwrite("deterministic", &E::deterministic)
      .def_readwrite("coded_width", &E::width)
      .def_readwrite("coded_height", &E::height)
      .def_readwrite("point", &E::point)
      .def_readwrite("quality", &E::quality)
      .def_readwrite("bit_rate", &E::bit_rate)
      .def_readwrite("max_rate", &E::max_rate)
      .def_readwrite("rate_window", &E::rate_window)
      .def_readwrite("keyint", &E::keyint)
      .def_readwrite("keys", &E::keys)
      .def_readwrite("scene_cut", &E::scene_cut)
      .def_readwrite("fixed_interval", &E::fixed_interval)
      .def_readwrite("low_delay", &E::low_delay)
      .def_readwrite("latency", &E::latency)
      .def_readwrite("look_ahead", &E::look_ahead)
      .def_readwrite("effort", &E::effort)
      .def_readwrite("index", &E::index);
  using D = StreamDecoderOptions;
  py::class_<D>(module, "_DecoderOptions")
      .def_readwrite("model", &D::model)
      .def_readwrite("any_model", &D::any_model)
      .def_readwrite("device", &D::device)
      .def_readwrite("threads", &D::threads)
      .def_readwrite("deterministic", &D::deterministic)
      .def_readwrite("strict", &D::strict)
      .def_readwrite("detail", &D::detail)
      .def_readwrite("refine_flow", &D::refine_flow)
      .def_readwrite("low_delay", &D::low_delay)
      .def_readwrite("start", &D::start)
      .def_readwrite("end", &D::end)
      .def_readwrite("skip", &D::skip)
      .def_readwrite("limit", &D::limit);
}

py::dict encode_file_with(const py::object& input, const py::object& output,
                          std::optional<double> target_size, int passes, std::int64_t skip,
                          std::int64_t limit, bool audio, const py::kwargs& keywords) {
  const auto fspath = py::module_::import("os").attr("fspath");
  EncodeFileOptions options;
  options.encoder = from_keywords<StreamEncoderOptions>(keywords);
  options.target_size = target_size;
  options.passes = passes;
  options.skip = skip;
  options.limit = limit;
  options.audio = audio ? AudioMode::copy : AudioMode::none;
  std::atomic<bool> signalled{false};  // asked in the reading thread too
  options.progress = [&](const EncodeProgress&) {
    const py::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) signalled = true;
  };
  options.cancelled = [&] { return signalled.load(); };
  const auto from = fspath(input).cast<std::string>(), to = fspath(output).cast<std::string>();
  EncodeSummary summary;
  {
    const py::gil_scoped_release free;
    summary = encode_file(from, to, options);
  }
  if (signalled) throw py::error_already_set();
  return summary_dict(summary);
}

}  // namespace

void bind_codec(py::module_& module) {
  bind_options(module);
  py::class_<Encoder>(
      module, "Encoder",
      "Pictures in, the bytes of a stream out.\n\n"
      "width, height: of the source as displayed. Further options by keyword, as in\n"
      "semcodec/encoder.h: profile, quality, bit_rate, coded_width, model, ...")
      .def(py::init<int, int, std::pair<int, int>, std::optional<std::pair<int, int>>,
                    std::optional<double>, const py::kwargs&>(),
           py::arg("width"), py::arg("height"), py::arg("time_base") = std::pair<int, int>(1, 1000),
           py::arg("frame_rate") = py::none(), py::arg("duration") = py::none())
      .def("push", &Encoder::push, py::arg("picture"), py::arg("pts"),
           "The next picture, (height, width, 3) uint8 RGB of any size; pts rising.")
      .def("take", &Encoder::take, "Bytes of the stream since the last call.")
      .def("finish", &Encoder::finish, "Ends the stream; returns the rest of its bytes.")
      .def_property_readonly("info", [](const Encoder& self) { return self.encoder().info(); })
      .def_property_readonly("device", [](const Encoder& self) { return self.encoder().device(); })
      .def_property_readonly("frames", [](const Encoder& self) { return self.encoder().frames(); })
      .def_property_readonly(
          "stats", [](const Encoder& self) { return to_dict(self.encoder().stats()); },
          "What the bytes went to; after finish().");

  py::class_<DecodedFrame>(module, "DecodedFrame")
      .def_property_readonly(
          "image", [](const DecodedFrame& frame) { return to_array(frame.image); },
          "(height, width, 3) uint8 RGB at the coded size; a copy at each access.")
      .def_readonly("pts", &DecodedFrame::pts)
      .def_readonly("seconds", &DecodedFrame::seconds)
      .def_readonly("coded", &DecodedFrame::coded, "False: interpolated between coded frames.");

  py::class_<Decoder>(module, "Decoder",
                      "Iterates the pictures of a stream in display order.\n\n"
                      "stream: a path, bytes, or an object with read(). Options by keyword, as in\n"
                      "semcodec/decoder.h: model, device, threads, start, end, skip, limit, ...")
      .def(py::init<const py::object&, const py::kwargs&>(), py::arg("stream"))
      .def_property_readonly("info", [](Decoder& self) { return self.decoder().info(); })
      .def_property_readonly("device", [](Decoder& self) { return self.decoder().device(); })
      .def_property_readonly("expected_frames",
                             [](Decoder& self) { return self.decoder().expected_frames(); })
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__",
           [](Decoder& self) {
             auto frame = self.next();
             if (!frame) throw py::stop_iteration();
             return std::move(*frame);
           })
      .def("cancel", [](Decoder& self) { self.decoder().cancel(); })
      .def_property_readonly("status",
                             [](Decoder& self) { return to_string(self.decoder().status()); })
      .def_property_readonly("problem", [](Decoder& self) { return self.decoder().problem(); });

  module.def("encode_file", &encode_file_with, py::arg("input"), py::arg("output"), py::kw_only(),
             py::arg("target_size") = py::none(), py::arg("passes") = 0, py::arg("skip") = 0,
             py::arg("limit") = 0, py::arg("audio") = true,
             "Encodes a video file to a stream, as semcodec-encode does; returns statistics.\n"
             "Further options as for Encoder.");
}

}  // namespace semcodec::python
