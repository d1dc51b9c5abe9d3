#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "support/case_run.h"
#include "support/golden_tensor.h"
#include "support/temp_folder.h"

// Cases of the small models beside the reference's outputs, run through the program's own command.

namespace sd::test {

/// One folder GROUP/cases/NAME.
class ModelCase {
 public:
  ModelCase(const std::string& group, const std::string& name)
      : folder(models_dir() / group / "cases" / name), inputs(models_dir() / group) {
    info = nlohmann::json::parse(std::ifstream(folder / "case.json"));
  }

  /// Its arguments, with paths in place of those relative to the models' folder.
  std::vector<std::string> arguments() const {
    std::vector<std::string> all;
    for (const auto& item : info.at("argv")) {
      auto text = item.get<std::string>();
      const std::filesystem::path path = models_dir() / text;
      all.push_back(text.find('/') != text.npos && std::filesystem::exists(path) ? path.string()
                                                                                 : text);
    }
    return all;
  }
  Script script() const {
    return info.at("script") == "img2img" ? Script::kImg2Img : Script::kTxt2Img;
  }
  GoldenTensors goldens() const { return GoldenTensors(folder / "tensors.safetensors"); }
  at::Tensor golden(const std::string& name) const { return tensor_of(goldens().f32(name)); }

  /// A few times what the case's result moves by when its random numbers move by 1e-6.
  double latent_tolerance() const {
    double floor = 0;
    for (const char* key : {"draws_perturbed_1e-6", "draws_perturbed_1e_minus_6"}) {
      if (!info.contains(key) || info.at(key).is_null()) continue;
      const auto& value = info.at(key);
      floor = value.is_object() ? value.at("latent").get<double>() : value.get<double>();
    }
    return std::max(2e-4, 4 * floor);
  }

  const std::filesystem::path folder;
  const std::filesystem::path inputs;  ///< what the paths of a case are relative to
  nlohmann::json info;
};

/// Replaces the value of a flag, or adds both.
inline void set_flag(std::vector<std::string>* argv, const std::string& flag,
                     const std::string& value) {
  const auto found = std::find(argv->begin(), argv->end(), flag);
  if (found != argv->end()) {
    *(found + 1) = value;
  } else {
    argv->insert(argv->end(), {flag, value});
  }
}

/// Removes a flag and its value.
inline void drop_flag(std::vector<std::string>* argv, const std::string& flag) {
  const auto found = std::find(argv->begin(), argv->end(), flag);
  if (found != argv->end()) argv->erase(found, found + 2);
}

/// A run of the program with these flags, in a folder of its own.
struct FlagsRun {
  FlagsRun(Script script, std::vector<std::string> argv) {
    set_flag(&argv, "--outdir", folder / "out");
    exit_code = run_flags(script, argv, &tensors);
  }
  std::vector<Image> pictures() const {
    std::vector<Image> all;
    for (const auto& path : sorted_pngs(folder / "out/samples"))
      all.push_back(image::read_image(path));
    return all;
  }

  TempFolder folder;
  TensorLists tensors;
  int exit_code = -1;
};

/// Holds a run's latents and pictures against a case's.
inline void compare_with_case(const ModelCase& model_case, const FlagsRun& run) {
  EXPECT_EQ(run.exit_code, 0);
  int compared = 0;
  for (const std::string& name : model_case.goldens().names()) {
    const std::string kind = name.substr(0, name.rfind('.'));
    if (kind != "latent" && kind != "image_s4_f32") continue;
    SCOPED_TRACE(name);
    const at::Tensor ours =
        counterpart(run.tensors, kind, std::stoul(name.substr(name.rfind('.') + 1)));
    ASSERT_TRUE(ours.defined());
    const double tolerance = model_case.latent_tolerance();
    EXPECT_LE(max_difference(ours, model_case.golden(name)),
              kind == "latent" ? tolerance : std::max(1e-4, tolerance / 2));
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

}  // namespace sd::test
