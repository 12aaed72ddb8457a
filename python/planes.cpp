#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "python/bindings.h"
#include "semcodec/planes.h"

namespace py = pybind11;

namespace semcodec::python {

namespace {

/// A copy as an array of `shape`.
template <typename T, typename Value>
py::array_t<T> array(const std::vector<Value>& values, std::vector<py::ssize_t> shape) {
  py::array_t<T> result(std::move(shape));
  std::copy(values.begin(), values.end(), result.mutable_data());
  return result;
}

py::object plane(const Plane& plane) {
  if (plane.empty()) return py::none();
  return array<std::uint8_t>(plane.values, {plane.height, plane.width});
}

py::object motion(const MotionField& field) {
  if (field.empty()) return py::none();
  py::array_t<std::int16_t> result({field.height, field.width, 2});
  auto* to = result.mutable_data();
  for (std::size_t i = 0; i < field.dx.size(); ++i) {
    to[2 * i] = field.dx[i];
    to[2 * i + 1] = field.dy[i];
  }
  return result;
}

py::object palette(const Palette& colours) {
  if (colours.empty()) return py::none();
  py::array_t<std::uint8_t> result({static_cast<py::ssize_t>(colours.size()), py::ssize_t{3}});
  auto* to = result.mutable_data();
  for (const auto& colour : colours) to = std::copy(colour.begin(), colour.end(), to);
  return result;
}

py::bytes bytes(const std::vector<std::uint8_t>& data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

py::object base_picture(const SemanticFrame& frame) {
  if (!frame.base) return py::none();
  py::dict result;
  result["width"] = frame.base->width;
  result["height"] = frame.base->height;
  result["quantiser"] = frame.base->quantiser;
  result["data"] = bytes(frame.base->bytes);
  return result;
}

py::dict bits(const StreamItem& item) {
  py::dict result;
  result["motion"] = cost_bits(item.planes.motion);
  result["palette"] = cost_bits(item.planes.palette);
  result["edges"] = cost_bits(item.planes.structure);
  result["labels"] = cost_bits(item.planes.labels);
  result["texture"] = cost_bits(item.planes.texture);
  return result;
}

/// A frame with what is known of its record.
struct CodedFrame {
  SemanticFrame frame;
  StreamItem record;  ///< without its content
  double seconds = 0;
};

class Reader {
 public:
  Reader(const py::object& object, bool strict) {
    auto from = stream_source(object);
    StreamReader::Options options;
    options.strict = strict;
    const py::gil_scoped_release free;
    reader_ = from.source
                  ? std::make_unique<StreamReader>(std::move(from.source), "stream", options)
                  : std::make_unique<StreamReader>(from.path, options);
  }
  ~Reader() {
    const py::gil_scoped_release free;
    reader_.reset();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::optional<CodedFrame> next() {
    const py::gil_scoped_release free;
    const StreamInfo& info = reader_->info();
    while (auto item = reader_->next()) {
      if (item->frame() == nullptr) continue;  // audio
      CodedFrame coded;
      coded.frame = std::move(*item->frame());
      coded.record.offset = item->offset;
      coded.record.bytes = item->bytes;
      coded.record.planes = item->planes;
      coded.seconds =
          static_cast<double>(coded.frame.pts) * info.time_base_num / info.time_base_den;
      return coded;
    }
    return std::nullopt;
  }
  const StreamReader& reader() const { return *reader_; }

 private:
  std::unique_ptr<StreamReader> reader_;
};

void bind_info(py::module_& module) {
  py::class_<StreamInfo>(module, "StreamInfo", "What holds for a whole stream.")
      .def_readonly("width", &StreamInfo::width)
      .def_readonly("height", &StreamInfo::height)
      .def_readonly("coded_width", &StreamInfo::coded_width)
      .def_readonly("coded_height", &StreamInfo::coded_height)
      .def_property_readonly("time_base",
                             [](const StreamInfo& info) {
                               return py::make_tuple(info.time_base_num, info.time_base_den);
                             })
      .def_property_readonly("frame_rate",
                             [](const StreamInfo& info) {
                               return py::make_tuple(info.frame_rate_num, info.frame_rate_den);
                             })
      .def_readonly("profile", &StreamInfo::profile)
      .def_readonly("model_name", &StreamInfo::model_name)
      .def_readonly("model_hash", &StreamInfo::model_hash)
      .def_readonly("encoder", &StreamInfo::encoder);
}

}  // namespace

py::dict to_dict(const StreamStats& stats) {
  py::dict result;
  result["bytes"] = stats.bytes;
  result["frames"] = stats.frames;
  result["coded_frames"] = stats.coded_frames;
  result["entry_points"] = stats.entry_points;
  result["audio_bytes"] = stats.audio_bytes;
  py::dict parts;
  for (const auto& [name, count] : shares_of(stats)) parts[py::str(name)] = count;
  result["bits"] = parts;
  return result;
}

void bind_planes(py::module_& module) {
  bind_info(module);
  using C = CodedFrame;
  const auto read = [](auto member) {
    return [member](const C& coded) { return coded.frame.*member; };
  };
  py::class_<C>(module, "CodedFrame", "What a stream says of one moment; planes are NumPy arrays.")
      .def_property_readonly("pts", read(&SemanticFrame::pts))
      .def_readonly("seconds", &C::seconds)
      .def_property_readonly("interpolated_pts", read(&SemanticFrame::interpolated_pts),
                             "Times of the frames between the coded frame before and this one.")
      .def_property_readonly("entry_point", read(&SemanticFrame::entry_point))
      .def_property_readonly("cut", read(&SemanticFrame::cut))
      .def_property_readonly(
          "labels", [](const C& coded) { return plane(coded.frame.labels); },
          "Index into the palette, (rows, columns) uint8; None when not sent.")
      .def_property_readonly(
          "palette", [](const C& coded) { return palette(coded.frame.palette); },
          "RGB colours, (count, 3) uint8.")
      .def_property_readonly(
          "edges", [](const C& coded) { return plane(coded.frame.structure); },
          "Edge strength, (rows, columns) uint8 below edge_levels; None when not sent.")
      .def_property_readonly("edge_levels",
                             [](const C& coded) { return coded.frame.structure.levels; })
      .def_property_readonly(
          "motion", [](const C& coded) { return motion(coded.frame.motion); },
          "Backward motion (rows, columns, 2) int16 as dx, dy in quarter pixels; None when not "
          "sent.")
      .def_property_readonly(
          "texture",
          [](const C& coded) {
            py::list planes;
            for (const Plane& channel : coded.frame.texture) planes.append(plane(channel));
            return planes;
          },
          "Learned planes, one a channel.")
      .def_property_readonly(
          "base_picture", [](const C& coded) { return base_picture(coded.frame); },
          "width, height, quantiser and AV1 data of the base picture; None when not sent.")
      .def_property_readonly(
          "digest", [](const C& coded) { return plane_digest(coded.frame); },
          "MD5 of the planes, the same on every machine.")
      .def_property_readonly(
          "bytes", [](const C& coded) { return coded.record.bytes; },
          "Of the record in the stream.")
      .def_property_readonly(
          "bits", [](const C& coded) { return bits(coded.record); }, "Bits of the planes by kind.");

  py::class_<Reader>(module, "Reader",
                     "Iterates the coded frames of a stream. Runs no network.\n\n"
                     "stream: a path, bytes, or an object with read().")
      .def(py::init<const py::object&, bool>(), py::arg("stream"), py::arg("strict") = false)
      .def_property_readonly("info", [](const Reader& self) { return self.reader().info(); })
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__",
           [](Reader& self) {
             auto coded = self.next();
             if (!coded) throw py::stop_iteration();
             return std::move(*coded);
           })
      .def_property_readonly(
          "status", [](const Reader& self) { return to_string(self.reader().status()); },
          "\"reading\", \"complete\", \"truncated\" or \"damaged\".")
      .def_property_readonly("problem", [](const Reader& self) { return self.reader().problem(); })
      .def_property_readonly(
          "stats", [](const Reader& self) { return to_dict(self.reader().stats()); },
          "What the bytes read so far went to.");
}

}  // namespace semcodec::python
