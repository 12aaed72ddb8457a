#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>

#include "python/bindings.h"
#include "semcodec/error.h"
#include "semcodec/log.h"
#include "semcodec/model.h"
#include "semcodec/version.h"

namespace py = pybind11;

namespace semcodec::python {

namespace {

const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::input:
      return "input";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::output:
      return "output";
    case ErrorKind::device:
      return "device";
    case ErrorKind::interrupted:
      return "interrupted";
    case ErrorKind::internal:
      break;
  }
  return "internal";
}

log::Level log_level(const std::string& name) {
  const char* const names[] = {"quiet", "error", "warning", "info", "debug"};
  for (int i = 0; i < 5; ++i) {
    if (name == names[i]) return static_cast<log::Level>(i);
  }
  throw py::value_error("a log level is quiet, error, warning, info or debug, not " + name);
}

/// Bytes of a Python object with read(), asked for in any thread.
StreamReader::Source reading(const py::object& file) {
  // Dropped under the interpreter's lock, whichever thread drops it.
  const auto drop = [](py::object* object) {
    const py::gil_scoped_acquire lock;
    delete object;
  };
  std::shared_ptr<py::object> kept(new py::object(file), drop);
  return [kept](std::span<std::uint8_t> into) -> std::size_t {
    const py::gil_scoped_acquire lock;
    try {
      const auto piece = kept->attr("read")(into.size()).cast<std::string>();
      require(piece.size() <= into.size(), ErrorKind::input, "read() gave more than asked for.");
      std::memcpy(into.data(), piece.data(), piece.size());
      return piece.size();
    } catch (const py::error_already_set& error) {
      throw Error(ErrorKind::input, std::string("The stream cannot be read: ") + error.what());
    }
  };
}

}  // namespace

StreamSource stream_source(const py::object& object) {
  if (py::isinstance<py::bytes>(object) || py::isinstance<py::bytearray>(object)) {
    auto data = std::make_shared<std::string>(py::bytes(object).cast<std::string>());
    return {{}, [data, position = std::size_t{0}](std::span<std::uint8_t> into) mutable {
              const auto count = std::min(into.size(), data->size() - position);
              std::memcpy(into.data(), data->data() + position, count);
              position += count;
              return count;
            }};
  }
  if (py::hasattr(object, "read")) return {{}, reading(object)};
  const auto path = py::module_::import("os").attr("fspath")(object);
  return {path.cast<std::string>(), {}};
}

void bind_basics(py::module_& module) {
  static py::exception<Error> error_type(module, "Error");
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      const py::object value = py::handle(error_type)(error.what());
      value.attr("kind") = kind_name(error.kind());
      PyErr_SetObject(error_type.ptr(), value.ptr());
    }
  });

  module.def("version", &version, "Version of the library, as \"0.1.0\".");
  module.def(
      "set_log_level", [](const std::string& name) { log::set_level(log_level(name)); },
      py::arg("level"),
      "Which messages go to stderr: quiet, error, warning (default), info, debug.");

  py::class_<ModelInfo>(module, "ModelInfo", "What is known of a model package.")
      .def_readonly("name", &ModelInfo::name)
      .def_readonly("folder", &ModelInfo::folder)
      .def_readonly("hash", &ModelInfo::hash)
      .def_readonly("hybrid", &ModelInfo::hybrid)
      .def_readonly("texture_channels", &ModelInfo::texture_channels);
  module.def("open_model", &open_model, py::arg("name_or_folder") = "default",
             "Reads the description of a model package, given by name or folder.");
  module.def("model_folders", &model_folders, "Where model names are looked for, in order.");
  module.def("add_model_folder", &add_model_folder, py::arg("folder"),
             "Looks for model names in this folder before all others.");
}

}  // namespace semcodec::python

PYBIND11_MODULE(_semcodec, module) {
  module.doc() = "semcodec, the semantic-communication video codec";
  semcodec::python::bind_basics(module);
  semcodec::python::bind_planes(module);
  semcodec::python::bind_codec(module);
}
