#include "job/lora_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/names.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "job/lora_text.h"
#include "runtime/data_files.h"
#include "runtime/mapped_file.h"
#include "sd/error.h"
#include "text/prompt_syntax.h"
#include "weights/checkpoint.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

/// The files below a folder that may be adapters, in order.
std::vector<std::string> find_files(const fs::path& folder) {
  constexpr size_t kMost = 20000;
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string ending = at->path().extension().string();
    const bool fits =
        ending == ".safetensors" || ending == ".pt" || ending == ".bin" || ending == ".ckpt";
    if (fits && is_regular(at->path()) && files.size() < kMost) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const fs::path& file : files) names.push_back(file.string());
  return names;
}

/// The adapter in a folder that PEFT or diffusers wrote; "" where there is none.
std::string file_of_folder(const std::string& folder) {
  for (const char* name : {"adapter_model.safetensors", "adapter_model.bin",
                           "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin"}) {
    const fs::path file = fs::path(folder) / name;
    if (is_regular(file)) return file.string();
  }
  return "";
}

/// Throws where a folder has folders of adapters, one for each network, as PEFT's examples write.
void refuse_folders(const std::string& folder) {
  std::vector<std::string> inner;
  for (const char* name : {"unet", "text_encoder"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (!file_of_folder(path).empty()) inner.push_back(path);
  }
  if (inner.empty()) return;
  throw Error(ErrorKind::kFile,
              printable(folder) + ": expected an adapter, found folders of adapters: " +
                  printable(join(inner, ", ")),
              "give each with its own `lora`");
}

/// The name that the trainer gave an adapter, of its header; "" where it has none.
std::string name_in_header(const std::string& file) {
  if (fs::path(file).extension() != ".safetensors") return "";
  try {
    const auto mapped = runtime::MappedFile::open(file);
    const weights::CheckpointContents contents = weights::scan_checkpoint(*mapped);
    const auto found = contents.metadata.find("ss_output_name");
    return found == contents.metadata.end() ? "" : found->second;
  } catch (const Error&) {
    return "";  // whoever uses it is told why
  }
}

}  // namespace

const std::vector<std::string>& LoraFolder::files() const {
  std::call_once(once_, [this] { look(); });
  return files_;
}

void LoraFolder::look() const {
  files_ = find_files(folder_);
  for (const std::string& file : files_) {
    by_name_.try_emplace(lora_name(file), file);
    by_name_.try_emplace(fs::path(file).filename().string(), file);
  }
}

void LoraFolder::look_into_headers() const {
  constexpr size_t kMost = 2000;
  for (size_t i = 0; i < std::min(files_.size(), kMost); ++i) {
    const std::string name = name_in_header(files_[i]);
    if (!name.empty()) by_header_.insert_or_assign(name, files_[i]);
  }
}

std::string LoraFolder::find(const std::string& name) const {
  if (is_found(name) && is_regular(name)) return name;
  const std::string inner = file_of_folder(name);
  if (!inner.empty()) return inner;
  refuse_folders(name);
  return find_name(name);
}

std::string LoraFolder::find_name(const std::string& name) const {
  if (const auto called = called_.find(name); called != called_.end()) return called->second;
  std::call_once(once_, [this] { look(); });
  const auto exact = by_name_.find(name);
  if (exact != by_name_.end()) return exact->second;
  std::vector<std::string> names;
  for (const std::string& file : files_) {
    names.push_back(lora_name(file));
    if (is_name(name, names.back())) return file;
  }
  std::call_once(headers_once_, [this] { look_into_headers(); });
  if (const auto stated = by_header_.find(name); stated != by_header_.end()) {
    detail("adapter: " + printable(stated->second) + ", whose header calls it " +
           printable(name, 60));
    return stated->second;
  }
  // The built-in model's own, as a picture of a preset names it.
  const fs::path own = runtime::find_data_file("models/demo/" + fs::path(name).filename().string());
  if (fs::path(name).extension() == ".safetensors" && is_regular(own)) return own.string();
  const std::vector<std::string> nearest = nearest_names(name, names);
  throw Error(ErrorKind::kFile,
              "there is no adapter " + printable(name) + ", neither here nor in " +
                  printable(folder_) + fmt::format(" ({} files)", files_.size()),
              nearest.empty() ? "`lora_dir` names another folder"
                              : "nearest: " + printable(join(nearest, ", ")));
}

std::vector<LoraUse> loras_of(const std::vector<LoraUse>& given, const std::string& webui_prompt,
                              const LoraFolder& folder) {
  std::vector<LoraUse> all;
  for (const LoraUse& use : given) {
    if (use.in_prompt) continue;  // of the prompt that is read below
    all.push_back(use);
    all.back().file = folder.find(use.file);
  }
  for (const text::NetworkUse& use :
       text::parse_prompt(webui_prompt, PromptSyntax::kWebUi).networks) {
    if (!text::is_adapter(use)) continue;
    all.push_back({.file = folder.find_name(use.name),
                   .unet = use.unet_strength,
                   .text = use.text_strength,
                   .rank = use.rank,
                   .in_prompt = true});
  }
  return all;
}

void set_loras(const std::vector<LoraUse>& given, const PictureSettings& picture,
               const LoraFolder& folder, BatchSettings* batch) {
  batch->hires.loras.reset();
  batch->loras = loras_of(given, picture.prompt, folder);
  if (!batch->hires.on() || picture.hires_prompt.empty()) return;
  std::vector<LoraUse> second = loras_of(given, picture.hires_prompt, folder);
  if (second != batch->loras) batch->hires.loras = std::move(second);
}

std::vector<std::vector<LoraUse>> loras_by_pass(const BatchSettings& batch) {
  std::vector<std::vector<LoraUse>> all = {batch.loras};
  if (batch.hires.loras) all.push_back(*batch.hires.loras);
  return all;
}

}  // namespace sd::job
