#include "training/stages/training_plan.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/hash.h"
#include "models/core/weights_path.h"
#include "training/copy_file.h"
#include "training/prepare/clip_list.h"
#include "training/stages/child.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

/// Options that change how fast a run is or how much it tells, but not what it makes.
constexpr const char* kNoMatter[] = {"generator.workers",           "generator.checkpoint_minutes",
                                     "generator.log_every",         "generator.sample_every",
                                     "generator.stop_after",        "restorer.workers",
                                     "restorer.checkpoint_minutes", "restorer.log_every",
                                     "restorer.sample_every",       "restorer.stop_after"};

/// What identifies the videos: a folder with other files in it is prepared again.
std::string digest_of_inputs(const std::string& data) {
  std::string text;
  std::size_t count = 0;
  for (const auto& file : list_files({data})) {
    std::error_code code;
    const auto time = fs::last_write_time(file, code).time_since_epoch().count();
    text +=
        file + " " + std::to_string(fs::file_size(file, code)) + " " + std::to_string(time) + "\n";
    ++count;
  }
  require(count > 0, ErrorKind::input, "There is nothing in " + data + " to train on.");
  return std::to_string(count) + " files, md5 " +
         md5_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// FILE of a package given by name or folder, or a safetensors file itself.
std::string network_of(const std::string& package, const std::string& file,
                       const std::string& key) {
  if (fs::is_regular_file(package)) return package;
  if (fs::is_regular_file(package + "/" + file)) return package + "/" + file;
  for (const auto& relative : {package + "/" + file, "models/zoo/" + package + "/" + file}) {
    if (const auto found = find_project_file(relative)) return *found;
  }
  throw Error(ErrorKind::input, "'" + key + "' is " + package + ", which has no " + file +
                                    "; give a model package or a .safetensors file.");
}

std::vector<std::string> stores_in(const std::string& folder) {
  std::vector<std::string> stores;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".frames") stores.push_back(entry.path().string());
  }
  std::sort(stores.begin(), stores.end());
  return stores;
}

}  // namespace

void TrainingPlan::check() const {
  const auto start = [](const char* name) {
    const char* text = std::getenv(name);
    return text != nullptr && std::atoi(text) > 1;
  };
  require(!start("OMPI_COMM_WORLD_SIZE") && !start("PMI_SIZE") && !start("WORLD_SIZE"),
          ErrorKind::usage,
          "Start `semcodec-train all` once, without mpirun or torchrun, and set ranks=N: only the "
          "generator and the restorer stage run in several processes.");
  require(!edges.use.empty() || !edges.teacher.empty() || !edges.annotations.empty(),
          ErrorKind::usage,
          "The edge network has nothing to learn from: set edges.teacher=pidinet, or "
          "edges.annotations=FOLDER, or edges.use=models/zoo/default to take the shipped one.");
  for (const char* stage : {"generator", "restorer"}) {
    if (stage == std::string("restorer") && !with_restorer()) continue;
    const auto batch = number(stage, "batch");
    require(batch % run.ranks == 0, ErrorKind::usage,
            "'" + std::string(stage) + ".batch' is " + std::to_string(batch) + ", which " +
                std::to_string(run.ranks) + " ranks cannot share; give a multiple.");
  }
  parse_clip_layout(config.get_word("prepare.layout", "videos"));
  require(fs::exists(data), ErrorKind::input, "There are no videos at " + data + " ('data').");
  const auto from = fs::weakly_canonical(data), to = fs::weakly_canonical(output);
  const auto part = std::mismatch(from.begin(), from.end(), to.begin(), to.end()).first;
  require(part != from.end(), ErrorKind::usage,
          "The output folder lies in the folder of the videos, which would then train on its own "
          "samples; choose another one.");
  require(!with_restorer() || with_flow() || text("restorer", "base_flow") == "dis" ||
              !text("restorer", "flow").empty(),
          ErrorKind::usage,
          "'restorer.base_flow' is \"flownet2\", but flow.use = \"none\" leaves no such network.");
  if (!edges.use.empty()) network_of(edges.use, "edges.safetensors", "edges.use");
  if (edges.use.empty() && !edges.teacher.empty()) {
    require_weights(edges.teacher, "the edge network's teacher");
  }
  if (!flow.use.empty() && with_flow()) network_of(flow.use, "flow.safetensors", "flow.use");
}

Task TrainingPlan::copy_task(int stage, const std::string& name, const std::string& from,
                             const std::string& to) const {
  Task task;
  task.stage = stage;
  task.name = name;
  task.title = name + ": as in " + from;
  task.settings[name + ".use"] = sha256_file(from);
  task.results = {to};
  task.work = [from, to] {
    std::error_code code;
    fs::create_directories(fs::path(to).parent_path(), code);
    copy_whole(from, to);
    return 0;
  };
  return task;
}

Task TrainingPlan::prepare_task() const {
  Task task;
  task.stage = 1;
  task.name = task.title = "prepare";
  task.settings = config.resolved("prepare.");
  task.settings["data"] = data;
  task.settings["files"] = digest_of_inputs(data);
  task.clear = [this] {
    // Made from the videos within minutes, unlike what the other stages leave.
    if (fs::exists(work + "/prepare.begun")) {
      fs::remove_all(store);
    } else {
      set_aside(store);
    }
  };
  task.work = [this] {
    auto command = quiet({program_beside("semcodec-train-prepare"), data, "--output", store});
    for (const auto& option : stage_options(config, "prepare")) command.push_back(option);
    return run_child(command);
  };
  return task;
}

Task TrainingPlan::edges_task() const {
  if (!edges.use.empty()) {
    return copy_task(2, "edges", network_of(edges.use, "edges.safetensors", "edges.use"),
                     edges_file);
  }
  Task task;
  task.stage = 2;
  task.name = task.title = "edges";
  task.settings = config.resolved("edges.");
  task.settings["seed"] = std::to_string(run.seed);
  task.results = {edges_file};
  task.clear = [this] { set_aside(work + "/edges"); };
  task.work = [this] {
    std::error_code code;
    fs::create_directories(work + "/edges", code);
    auto command = quiet({program_beside("semcodec-train-edges")});
    for (const auto& folder : {store, edges.annotations}) {
      if (folder.empty()) continue;
      for (const auto& path : stores_in(folder)) command.push_back(path);
    }
    for (const std::string& text :
         {std::string("--output"), edges_file, std::string("--checkpoint"),
          work + "/edges/checkpoint.safetensors", std::string("--resume"), std::string("--seed"),
          std::to_string(run.seed), std::string("--device"), run.device, std::string("--threads"),
          std::to_string(run.threads), std::string("--distillation"),
          config.resolved("edges.").at("edges.distillation"), std::string("--labels"),
          config.resolved("edges.").at("edges.labels")}) {
      command.push_back(text);
    }
    if (!edges.teacher.empty()) {
      command.emplace_back("--teacher");
      command.push_back(edges.teacher);
    }
    for (const auto& option : stage_options(config, "edges")) command.push_back(option);
    return run_child(command);
  };
  return task;
}

Task TrainingPlan::maps_task() const {
  Task task;
  task.stage = 2;
  task.name = "maps";
  task.title = "edges: maps of all frames";
  task.clear = [this] {
    for (const auto& path : stores_in(store)) {
      fs::remove(fs::path(path).replace_extension(".edges"));
    }
  };
  task.work = [this] {
    return run_child(
        quiet({program_beside("semcodec-train-prepare"), "--maps", store, "--edges", edges_file,
               "--device", run.device, "--threads", std::to_string(run.threads)}));
  };
  return task;
}

Task TrainingPlan::flow_task() const {
  if (!with_flow()) {
    Task task;
    task.stage = 3;
    task.name = "flow";
    task.title = "flow: none wanted";
    task.settings["flow.use"] = "none";
    task.work = [this] {
      set_aside(flow_file);
      return 0;
    };
    return task;
  }
  if (!flow.use.empty()) {
    return copy_task(3, "flow", network_of(flow.use, "flow.safetensors", "flow.use"), flow_file);
  }
  Task task;
  task.stage = 3;
  task.name = task.title = "flow";
  task.settings = config.resolved("flow.");
  task.settings["seed"] = std::to_string(run.seed);
  task.results = {flow_file};
  task.clear = [this] { set_aside(work + "/flow"); };
  task.work = [this] {
    auto command = quiet({program_beside("semcodec-train-flow"), "--data", store, "--output",
                          work + "/flow", "--seed", std::to_string(run.seed), "--device",
                          run.device, "--threads", std::to_string(run.threads)});
    for (const auto& option : stage_options(config, "flow")) command.push_back(option);
    return run_child(command);
  };
  return task;
}

int TrainingPlan::run_stage(const std::string& stage, const std::string& folder,
                            const std::vector<std::string>& extra) const {
  std::vector<std::string> command;
  if (run.ranks > 1) {
    // Ranks write a checkpoint on a signal; one second, which mpirun gives them, may be short.
    command = {"mpirun",
               "-n",
               std::to_string(run.ranks),
               "--oversubscribe",
               "--bind-to",
               "none",
               "--mca",
               "odls_base_sigkill_timeout",
               "120"};
  }
  command.push_back(program_beside("semcodec-train"));
  command.push_back(stage);
  if (!arguments.config.empty()) command.push_back(arguments.config);
  command.emplace_back("--resume");
  const auto set = [&](const std::string& text) {
    command.emplace_back("--set");
    command.push_back(text);
  };
  for (const auto& text : arguments.overrides) set(text);
  set("data=" + store);
  set("output=" + folder);
  for (const auto& text : extra) set(text);
  const int status = run_child(quiet(command));
  const auto stop = number(stage, "stop_after");
  require(status != 0 || stop <= 0 || stop >= number(stage, "steps"), ErrorKind::interrupted,
          "The " + stage + " stage stopped at step " + std::to_string(stop) + " as " + stage +
              ".stop_after asks; without it the same command goes on from there.");
  return status;
}

Task TrainingPlan::generator_task() const {
  Task task;
  task.stage = 4;
  task.name = task.title = "generator";
  task.settings = config.resolved("generator.");
  for (const char* key : kNoMatter) task.settings.erase(key);
  task.settings["seed"] = std::to_string(run.seed);
  task.results = {generator_folder + "/generator.safetensors"};
  task.clear = [this] { set_aside(generator_folder); };
  task.work = [this] {
    std::vector<std::string> extra;
    if (text("generator", "flow").empty() && with_flow()) {
      extra.push_back("generator.flow=" + flow_file);
    }
    return run_stage("generator", generator_folder, extra);
  };
  return task;
}

Task TrainingPlan::base_task() const {
  Task task;
  task.stage = 5;
  task.name = "base";
  task.title = "base layers";
  task.settings = config.resolved("base.");
  task.settings["seed"] = std::to_string(run.seed);
  task.clear = [this] {
    // Coded again within minutes.
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(store, code)) {
      const auto kind = entry.path().extension();
      if (kind == ".base" || kind == ".pictures") fs::remove(entry.path());
    }
  };
  task.work = [this] {
    auto command = quiet({program_beside("semcodec-train-prepare"), "--output", store, "--seed",
                          std::to_string(run.seed), "--expand"});
    for (const auto& option : stage_options(config, "base")) command.push_back(option);
    return run_child(command);
  };
  return task;
}

Task TrainingPlan::restorer_task() const {
  Task task;
  task.stage = 5;
  task.name = task.title = "restorer";
  task.settings = config.resolved("restorer.");
  for (const char* key : kNoMatter) task.settings.erase(key);
  task.settings["seed"] = std::to_string(run.seed);
  task.results = {restorer_folder + "/restorer.safetensors"};
  task.clear = [this] { set_aside(restorer_folder); };
  task.work = [this] {
    std::vector<std::string> extra = {"restorer.package=" + generator_folder};
    if (text("restorer", "base_flow") == "flownet2" && text("restorer", "flow").empty()) {
      extra.push_back("restorer.flow=" + flow_file);
    }
    return run_stage("restorer", restorer_folder, extra);
  };
  return task;
}

}  // namespace semcodec
