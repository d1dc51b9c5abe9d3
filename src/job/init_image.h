#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "sd/image.h"
#include "sd/request.h"

namespace sd {

/// Reads init images as the reference's load_img does: whatever Pillow's convert("RGB") makes of
/// the file, brought by Lanczos to the size that the model takes. Where the reference floors the
/// sides to multiples of 32, of which the UNet refuses the odd ones, they are floored to what the
/// model needs. Each file is read once.
class InitImages {
 public:
  explicit InitImages(ModelDescription model) : model_(std::move(model)) {}

  /// The picture of `init.file`, upright and shrunk as `init` says. Says the size when it changes.
  /// Throws Error(kUsage) without a path, kFile as read_image, and for a picture that is too small
  /// or (once it fits into `init.fit`) too large.
  std::shared_ptr<const Image> get(const InitSettings& init);

 private:
  std::shared_ptr<const Image> load(const InitSettings& init) const;

  ModelDescription model_;
  std::map<std::string, std::shared_ptr<const Image>> images_;  // by file, size and turn
};

}  // namespace sd
