#pragma once
// Where files of weights are found.
//
// Third-party weights (teachers, feature networks, metrics) are not part of the project;
// `bash scripts/fetch.sh weights` gets them and converts them with scripts/import_weights.py to
// <name>.safetensors, NAME as listed in models/weights.json: pidinet, pidinet-small, pidinet-tiny,
// squeezenet1_1, lpips-squeeze, vgg19-normalised, vgg19-distilled; when asked for by name also
// alexnet, vgg16, lpips-alex, lpips-vgg, inception; and vgg19 for whoever has torchvision's file.

#include <optional>
#include <string>
#include <vector>

namespace semcodec {

/// Path of <name>.safetensors, looked for in the folder that $SEMCODEC_WEIGHTS names, then in
/// .cache/weights of the working folder, then in .cache/weights of each folder above the program.
/// A `name` that holds a '/' or ends in ".safetensors" is a path and is returned when it exists.
std::optional<std::string> find_weights(const std::string& name);

/// find_weights(), or Error(input) that says what to run. `purpose` ends the sentence's first
/// half: "... are needed for <purpose>".
std::string require_weights(const std::string& name, const std::string& purpose);

/// "weights 'NAME' (FILE from ADDRESS) were not found; run `bash scripts/fetch.sh weights NAME`",
/// for test skips and logs; of several names, those that are not there. File and address come from
/// models/weights.json and are left out when that is not there.
std::string missing_weights(const std::string& name);
std::string missing_weights(const std::vector<std::string>& names);

/// Looks for `relative` (e.g. "models/zoo/default/edges.safetensors") in the working folder and
/// in each folder above the program. For files that ship with the project.
std::optional<std::string> find_project_file(const std::string& relative);

/// The folder of the program or shared library that holds this function, without a '/' at its end;
/// empty when the system does not tell. What belongs to an installation lies beside it.
std::string own_folder();

}  // namespace semcodec
