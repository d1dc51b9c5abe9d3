// The files of a TAESD: taesd_decoder.pth and taesd_encoder.pth as its author publishes them, or
// diffusers' AutoencoderTiny in one.

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <charconv>
#include <map>

#include "base/strings.h"
#include "models/file_class.h"
#include "models/layouts/part_files.h"
#include "models/layouts/vae.h"
#include "sd/error.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

using Tensors = std::map<std::string, at::Tensor>;

constexpr const char* kWay =
    "give `vae` taesd: and the path of taesd_decoder, or of diffusers' AutoencoderTiny";

[[noreturn]] void refuse(const std::string& path, const std::string& what,
                         const std::string& way = kWay) {
  throw Error(ErrorKind::kCheckpoint, printable(path) + ": expected a TAESD, found " + what, way);
}

/// The number that a name begins with, before a dot; it is cut off. -1: none that a layer may have.
int64_t cut_place(std::string_view* name) {
  constexpr int64_t kMostPlaces = 1000;
  int64_t place = -1;
  const char* end = name->data() + name->size();
  const auto parsed = std::from_chars(name->data(), end, place);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') return -1;
  if (place > kMostPlaces) return -1;
  name->remove_prefix(static_cast<size_t>(parsed.ptr - name->data()));
  return place;
}

/// What stands before the places of a network's layers, and how many places it leaves out.
struct Naming {
  std::string_view prefix;
  const char* half;
  int64_t skipped;
};

/// (diffusers has no place for what bounds the latent.)
constexpr Naming kNamings[] = {{"decoder.layers.", "decoder", 1}, {"encoder.layers.", "encoder", 0},
                               {"taesd_decoder.", "decoder", 0},  {"taesd_encoder.", "encoder", 0},
                               {"decoder.", "decoder", 0},        {"encoder.", "encoder", 0}};

/// The name "taesd.decoder.3.conv.0.weight" of a weight; empty for others. `bare`: the network that
/// names without a prefix are of.
std::string own_name(std::string_view name, const char* bare) {
  Naming naming{"", bare, 0};
  for (const Naming& each : kNamings) {
    if (!name.starts_with(each.prefix)) continue;
    naming = each;
    break;
  }
  name.remove_prefix(naming.prefix.size());
  const int64_t place = cut_place(&name);
  if (place < 0) return "";
  return std::string("taesd.") + naming.half + "." + std::to_string(place + naming.skipped) +
         std::string(name);
}

/// Adds the weights of a file. (An encoder's first layer stands at place 0, a decoder's at 1.)
void add(const weights::Checkpoint& file, Tensors* tensors) {
  const char* bare = file.find("0.weight") != nullptr ? "encoder" : "decoder";
  Tensors own;
  for (const weights::TensorInfo& info : file.index()) {
    const std::string name = own_name(info.name, bare);
    if (name.empty() || !info.foreign.empty()) continue;
    const bool is_first = own.emplace(name, file.tensor(info)).second;
    if (!is_first) refuse(file.path(), "two weights for " + printable(name));
  }
  tensors->merge(own);
}

constexpr const char* kFirstOfDecoder = "taesd.decoder.1.weight";
constexpr const char* kFirstOfEncoder = "taesd.encoder.0.weight";

/// Says what a file is that holds neither half.
void add_some(const weights::Checkpoint& file, Tensors* tensors) {
  add(file, tensors);
  if (tensors->contains(kFirstOfDecoder) || tensors->contains(kFirstOfEncoder)) return;
  const FileClass found = classify(file, FileUse::kTaesd);
  refuse(file.path(), found.what, found.way);
}

/// The file of the encoder that belongs to a decoder's; empty if there is none.
fs::path encoder_beside(const fs::path& decoder) {
  std::string name = decoder.filename().string();
  const size_t at = name.find("decoder");
  if (at == std::string::npos) return {};
  name.replace(at, 7, "encoder");
  const fs::path same = fs::path(decoder).replace_filename(name);
  if (is_file(same)) return same;
  for (const char* ending : {".safetensors", ".pth", ".pt"}) {
    const fs::path other = fs::path(same).replace_extension(ending);
    if (is_file(other)) return other;
  }
  return {};
}

void add_files(const std::string& path, Tensors* tensors) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored) && !find_part(network_files(path, path)).empty()) {
    return add_some(*open_part(network_files(path, path)), tensors);
  }
  const fs::path file = main_vae_file(std::string(kTaesdPrefix) + path);
  if (file.empty()) refuse_folder(path, "expected taesd_decoder in it, found none");
  const auto decoder = weights::open_checkpoint(file.string());
  add_some(*decoder, tensors);
  const fs::path encoder = encoder_beside(file);
  if (!tensors->contains(kFirstOfEncoder) && !encoder.empty()) {
    add(*weights::open_checkpoint(encoder.string()), tensors);
  }
}

}  // namespace

void take_taesd(const std::string& path, ModelSource* source) {
  Tensors tensors;
  add_files(path, &tensors);
  const auto first = tensors.find(kFirstOfDecoder);
  if (first == tensors.end()) refuse(path, "only its encoder");
  const at::IntArrayRef sizes = first->second.sizes();  // [width, channels, 3, 3]
  constexpr int64_t kMostWidth = 4096;
  if (sizes.size() != 4 || sizes[0] > kMostWidth) refuse(path, "other layers");
  const int64_t channels = source->config.channels;
  if (sizes[1] != channels || source->config.first_stage.factor() != 8) {
    refuse(path,
           fmt::format("one for latents of {} channels and 8 pixels a side, not of the model's",
                       sizes[1]));
  }
  source->config.taesd = {
      .width = sizes[0], .channels = channels, .encodes = tensors.contains(kFirstOfEncoder)};
  source->coder = {.file = std::make_shared<const weights::Checkpoint>(path, tensors),
                   .scope = "taesd"};
  require_coder(*source);
}

}  // namespace sd::models
