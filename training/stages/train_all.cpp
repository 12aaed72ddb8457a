#include "training/stages/train_all.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "training/copy_file.h"
#include "training/stages/model_card.h"
#include "training/stages/training_plan.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

/// model.json of a stage's folder.
nlohmann::ordered_json description_in(const std::string& folder) {
  const std::string from = folder + "/model.json";
  const auto bytes = read_file(from, 1 << 20);
  auto json = nlohmann::ordered_json::parse(bytes.begin(), bytes.end(), nullptr, false);
  require(json.is_object(), ErrorKind::corrupt,
          from + " is damaged; remove it and train that stage again.");
  return json;
}

/// The generator stage has described its networks; the package's name and flow are known here.
void write_description(const TrainingPlan& plan, const std::string& name) {
  auto json = description_in(plan.generator_folder);
  json["name"] = name;
  json["refine_flow"] = plan.with_flow();
  if (plan.with_restorer()) {
    const auto restorer = description_in(plan.restorer_folder);
    json["restorer"] = restorer.at("restorer");
    json["detail"] = restorer.at("detail");
  }
  const std::string text = json.dump(2) + "\n";
  OutputFile file(plan.run.output + "/model.json");
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

/// Puts the package together. The last thing written is what makes it one: model.json.
void assemble(const TrainingPlan& plan) {
  const std::string& folder = plan.run.output;
  std::error_code code;
  for (const char* name :
       {"model.json", "texture.safetensors", "flow.safetensors", "restorer.safetensors"}) {
    fs::remove(folder + "/" + name, code);
  }
  copy_whole(plan.edges_file, folder + "/edges.safetensors");
  for (const char* name : {"generator.safetensors", "texture.safetensors", "losses.csv"}) {
    const std::string from = plan.generator_folder + "/" + name;
    if (fs::exists(from)) copy_whole(from, folder + "/" + name);
  }
  if (plan.with_flow()) copy_whole(plan.flow_file, folder + "/flow.safetensors");
  if (plan.with_restorer()) {
    copy_whole(plan.restorer_folder + "/restorer.safetensors", folder + "/restorer.safetensors");
    const std::string losses = plan.restorer_folder + "/losses.csv";
    if (fs::exists(losses)) copy_whole(losses, folder + "/losses-restorer.csv");
  }
  auto name = plan.run.name;
  if (name.empty()) name = fs::weakly_canonical(folder).filename().string();
  write_model_card({name, folder, plan.work, plan.store, plan.edges, plan.flow});
  write_description(plan, name);
}

}  // namespace

void train_all(const TrainAllArguments& arguments, const Config& config) {
  const TrainingPlan plan(arguments, config);
  plan.check();
  std::vector<Job> jobs = {plan.prepare_job(), plan.edges_job(), plan.maps_job(), plan.flow_job(),
                           plan.generator_job()};
  if (plan.with_restorer()) {
    jobs.push_back(plan.base_job());
    jobs.push_back(plan.restorer_job());
  }
  run_jobs(jobs, plan.work);
  assemble(plan);
  log::info("The model package " + plan.run.output +
            " is ready: semcodec-encode and semcodec-decode take it by --model " + plan.run.output +
            ".");
}

}  // namespace semcodec
