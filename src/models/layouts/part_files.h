#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "weights/checkpoint.h"

// The files of a model that diffusers' save_pretrained wrote: a folder a part.

namespace sd::models {

/// Where the weights of one part lie.
struct PartFiles {
  std::filesystem::path root;    ///< the folder that was given; nothing outside of it is read
  std::filesystem::path folder;  ///< of the part: `root`, or one in it
  std::string stem;              ///< of the names of safetensors: "diffusion_pytorch_model"
  std::string bin;               ///< of those of pickles: "pytorch_model"
};

/// UNet and autoencoder, and text encoder.
PartFiles network_files(const std::filesystem::path& root, const std::filesystem::path& folder);
PartFiles text_files(const std::filesystem::path& root, const std::filesystem::path& folder);

/// The file with the weights, or the index of several: of the names without a variant ("fp16") if
/// there are any, safetensors before pickles. Empty: there is none.
std::filesystem::path find_part(const PartFiles& files);

/// The weights, in one file or several. Throws kCheckpoint where there are none, for an index that
/// names anything but files beside it, and for a link that leads out of the root (other than into
/// the blobs of Hugging Face's cache); else as `open_checkpoint`.
std::shared_ptr<const weights::Checkpoint> open_part(const PartFiles& files);

/// The path; throws kCheckpoint if it is a link that leads out of the root.
std::filesystem::path inside(const std::filesystem::path& root, const std::filesystem::path& path);

/// Whether there is such a file, at the end of links.
bool is_file(const std::filesystem::path& path);

/// Throws kCheckpoint: "PATH: what", and which folders are taken.
[[noreturn]] void refuse_folder(const std::filesystem::path& path, const std::string& what);

}  // namespace sd::models
