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
constexpr const char* kNoMatter[] = {"workers", "checkpoint_minutes", "log_every", "sample_every",
                                     "stop_after"};

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

TrainingPlan::TrainingPlan(const TrainAllArguments& a, const Config& c)
    : arguments(a),
      config(c),
      prepare(read_prepare_options(c)),
      base(read_base_options(c)),
      edges{text("edges", "use"), text("edges", "teacher"), text("edges", "annotations")},
      flow{text("flow", "use"), {}, {}} {
  read_run_options(c, run, "the folder of videos");
  work = run.output + "/train";
  store = work + "/store";
  edges_file = work + "/edges/edges.safetensors";
  flow_file = work + "/flow/flow.safetensors";
  generator_folder = work + "/generator";
  restorer_folder = work + "/restorer";
}

void TrainingPlan::check() const {
  const auto started = [](const char* name) {
    const char* text = std::getenv(name);
    return text != nullptr && std::atoi(text) > 1;
  };
  require(!started("OMPI_COMM_WORLD_SIZE") && !started("PMI_SIZE") && !started("WORLD_SIZE"),
          ErrorKind::usage,
          "Start `semcodec-train all` once, without mpirun or torchrun, and set ranks=N: it starts "
          "the ranks of each stage itself.");
  require(!trains_edges() || !edges.teacher.empty() || !edges.annotations.empty(), ErrorKind::usage,
          "The edge network has nothing to learn from: set edges.teacher=pidinet, or "
          "edges.annotations=FOLDER, or edges.use=models/zoo/default to take the shipped one.");
  const std::pair<const char*, bool> trained[] = {{"edges", trains_edges()},
                                                  {"flow", trains_flow()},
                                                  {"generator", true},
                                                  {"restorer", with_restorer()}};
  for (const auto& [stage, wanted] : trained) {
    const auto batch = number(stage, "batch");
    require(!wanted || batch % run.ranks == 0, ErrorKind::usage,
            "'" + std::string(stage) + ".batch' is " + std::to_string(batch) + ", which " +
                std::to_string(run.ranks) + " ranks cannot share; give a multiple.");
  }
  require(fs::exists(run.data), ErrorKind::input,
          "There are no videos at " + run.data + " ('data').");
  const auto from = fs::weakly_canonical(run.data), to = fs::weakly_canonical(run.output);
  const auto part = std::mismatch(from.begin(), from.end(), to.begin(), to.end()).first;
  require(part != from.end(), ErrorKind::usage,
          "The output folder lies in the folder of the videos, which would then train on its own "
          "samples; choose another one.");
  require(!with_restorer() || with_flow() || text("restorer", "base_flow") == "dis" ||
              !text("restorer", "flow").empty(),
          ErrorKind::usage,
          "'restorer.base_flow' is \"flownet2\", but flow.use = \"none\" leaves no such network.");
  if (!trains_edges()) network_of(edges.use, "edges.safetensors", "edges.use");
  if (trains_edges() && !edges.teacher.empty()) {
    require_weights(edges.teacher, "the edge network's teacher");
  }
  if (!trains_flow() && with_flow()) network_of(flow.use, "flow.safetensors", "flow.use");
}

Job TrainingPlan::copy_job(int stage, const std::string& name, const std::string& from,
                           const std::string& to) const {
  Job job;
  job.stage = stage;
  job.name = name;
  job.title = name + ": as in " + from;
  job.settings[name + ".use"] = sha256_file(from);
  job.results = {to};
  job.work = [from, to] {
    std::error_code code;
    fs::create_directories(fs::path(to).parent_path(), code);
    copy_whole(from, to);
    return 0;
  };
  return job;
}

Job TrainingPlan::prepare_job() const {
  Job job;
  job.stage = 1;
  job.name = job.title = "prepare";
  job.settings = config.resolved("prepare.");
  job.settings["data"] = run.data;
  job.settings["files"] = digest_of_inputs(run.data);
  job.clear = [this] {
    // Made from the videos within minutes, unlike what the other stages leave.
    if (fs::exists(work + "/prepare.begun")) {
      fs::remove_all(store);
    } else {
      set_aside(store);
    }
  };
  job.work = [this] {
    auto command = quiet({program_beside("semcodec-train-prepare"), run.data, "--output", store});
    for (const auto& argument : prepare_arguments(prepare)) command.push_back(argument);
    return run_child(command);
  };
  return job;
}

Job TrainingPlan::trained_job(int place, const std::string& stage, const std::string& result,
                              const std::function<std::vector<std::string>()>& extra) const {
  Job job;
  job.stage = place;
  job.name = job.title = stage;
  job.settings = config.resolved(stage + ".");
  for (const char* key : kNoMatter) job.settings.erase(stage + "." + key);
  job.settings["seed"] = std::to_string(run.seed);
  job.results = {result};
  const std::string folder = work + "/" + stage;
  job.clear = [folder] { set_aside(folder); };
  job.work = [this, stage, folder, extra] { return run_stage(stage, folder, extra()); };
  return job;
}

Job TrainingPlan::edges_job() const {
  if (!trains_edges()) {
    return copy_job(2, "edges", network_of(edges.use, "edges.safetensors", "edges.use"),
                    edges_file);
  }
  return trained_job(2, "edges", edges_file, [] { return std::vector<std::string>(); });
}

Job TrainingPlan::maps_job() const {
  Job job;
  job.stage = 2;
  job.name = "maps";
  job.title = "edges: maps of all frames";
  job.clear = [this] {
    for (const auto& path : stores_in(store)) {
      fs::remove(fs::path(path).replace_extension(".edges"));
    }
  };
  job.work = [this] {
    return run_child(
        quiet({program_beside("semcodec-train-prepare"), "--maps", store, "--edges", edges_file,
               "--device", run.device, "--threads", std::to_string(run.threads)}));
  };
  return job;
}

Job TrainingPlan::flow_job() const {
  if (!with_flow()) {
    Job job;
    job.stage = 3;
    job.name = "flow";
    job.title = "flow: none wanted";
    job.settings["flow.use"] = "none";
    job.work = [this] {
      set_aside(flow_file);
      return 0;
    };
    return job;
  }
  if (!trains_flow()) {
    return copy_job(3, "flow", network_of(flow.use, "flow.safetensors", "flow.use"), flow_file);
  }
  return trained_job(3, "flow", flow_file, [] { return std::vector<std::string>(); });
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

Job TrainingPlan::generator_job() const {
  return trained_job(4, "generator", generator_folder + "/generator.safetensors", [this] {
    std::vector<std::string> extra;
    if (text("generator", "flow").empty() && with_flow()) {
      extra.push_back("generator.flow=" + flow_file);
    }
    return extra;
  });
}

Job TrainingPlan::base_job() const {
  Job job;
  job.stage = 5;
  job.name = "base";
  job.title = "base layers";
  job.settings = config.resolved("base.");
  job.settings["seed"] = std::to_string(run.seed);
  job.clear = [this] {
    // Coded again within minutes.
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(store, code)) {
      const auto kind = entry.path().extension();
      if (kind == ".base" || kind == ".pictures") fs::remove(entry.path());
    }
  };
  job.work = [this] {
    auto command = quiet({program_beside("semcodec-train-prepare"), "--output", store, "--seed",
                          std::to_string(run.seed), "--expand"});
    for (const auto& argument : base_arguments(base)) command.push_back(argument);
    return run_child(command);
  };
  return job;
}

Job TrainingPlan::restorer_job() const {
  return trained_job(5, "restorer", restorer_folder + "/restorer.safetensors", [this] {
    std::vector<std::string> extra = {"restorer.package=" + generator_folder};
    if (text("restorer", "base_flow") == "flownet2" && text("restorer", "flow").empty()) {
      extra.push_back("restorer.flow=" + flow_file);
    }
    return extra;
  });
}

}  // namespace semcodec
