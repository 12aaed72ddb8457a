#include "semcodec/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "semcodec/error.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

/// A folder with a link to the default model under another name.
class ModelFolder {
 public:
  explicit ModelFolder(const std::string& name) {
    folder_ = fs::temp_directory_path() / ("semcodec-model-test-" + name);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::create_directory_symlink(SEMCODEC_SOURCE_DIR "/models/zoo/default", folder_ / name);
  }
  ~ModelFolder() { fs::remove_all(folder_); }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;
  std::string path() const { return folder_.string(); }

 private:
  fs::path folder_;
};

TEST(Models, TheDefaultOneIsFoundFromTheBuildTree) {
  const auto model = open_model("default");
  EXPECT_EQ(model.name, "default");
  EXPECT_EQ(model.hash.size(), 16u);
  EXPECT_TRUE(model.hybrid);
  EXPECT_TRUE(fs::exists(model.folder + "/model.json"));
}

TEST(Models, APathNeedsNoFolders) {
  EXPECT_EQ(open_model(SEMCODEC_SOURCE_DIR "/models/zoo/default").hash, open_model("default").hash);
}

TEST(Models, TheEnvironmentNamesFolders) {
  const ModelFolder folder("by-environment");
  EXPECT_THROW(open_model("by-environment"), Error);
  setenv("SEMCODEC_MODEL_PATH", ("/nowhere:" + folder.path()).c_str(), 1);
  EXPECT_EQ(open_model("by-environment").folder, folder.path() + "/by-environment");
  const auto folders = model_folders();
  const auto at = [&](const std::string& path) {
    return std::find(folders.begin(), folders.end(), path) - folders.begin();
  };
  EXPECT_LT(at("/nowhere"), at(folder.path()));
  EXPECT_LT(at(folder.path()), static_cast<std::ptrdiff_t>(folders.size()) - 1);
  unsetenv("SEMCODEC_MODEL_PATH");
  EXPECT_THROW(open_model("by-environment"), Error);
}

TEST(Models, AddedFoldersComeFirst) {
  const ModelFolder folder("added");
  add_model_folder(folder.path());
  EXPECT_EQ(model_folders().front(), folder.path());
  EXPECT_EQ(open_model("added").hash, open_model("default").hash);
}

TEST(Models, AnUnknownOneIsRefusedWithAdvice) {
  try {
    open_model("nobody");
    FAIL() << "a model was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_NE(std::string(error.what()).find("SEMCODEC_MODEL_PATH"), std::string::npos);
  }
}

}  // namespace
}  // namespace semcodec
