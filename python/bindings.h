#pragma once
// The parts of the module _semcodec.

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "semcodec/stream_reader.h"

namespace semcodec::python {

/// Error, models, log level, version.
void bind_basics(pybind11::module_& module);
/// Reader, CodedFrame, StreamInfo: no networks.
void bind_planes(pybind11::module_& module);
/// Encoder, Decoder, encode_file.
void bind_codec(pybind11::module_& module);

/// Where a stream's bytes come from: a path (str or os.PathLike), the bytes themselves, or an
/// object with read(). `path` is empty unless it is the first.
struct StreamSource {
  std::string path;
  StreamReader::Source source;
};
StreamSource stream_source(const pybind11::object& object);

/// A dictionary of what the bytes of a stream went to.
pybind11::dict to_dict(const StreamStats& stats);

}  // namespace semcodec::python
