#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sd/image.h"
#include "sd/request.h"

namespace sd::job {

/// What a run starts from.
struct InitPicture {
  std::shared_ptr<const Image> image;            ///< of the size that is drawn
  std::shared_ptr<const Inpainting> inpainting;  ///< null: all of it is drawn
};

/// A size of which sides may be left open.
struct AskedSize {
  std::optional<int64_t> width, height;

  bool any() const { return width || height; }
};

/// Reads init images as the reference's load_img does: whatever Pillow's convert("RGB") makes of
/// the file, resized by Lanczos to the size that the model takes. Where the reference floors the
/// sides to multiples of 32, of which the UNet refuses the odd ones, they are floored to what the
/// model needs. Where a size is asked for, or a mask is given, AUTOMATIC1111's rules are followed
/// (image/masking.h). Each file is read once.
class InitImages {
 public:
  explicit InitImages(ModelDescription model) : model_(std::move(model)) {}

  /// The picture of `init.file`, upright, shrunk, enlarged and masked as `init` says, whose mask is
  /// complete (`complete_mask`). Says the size when it changes. Throws Error(kUsage) without a
  /// path, kFile as read_image, and for a picture that is too small or (once it fits into
  /// `init.fit`) too large.
  InitPicture get(const InitSettings& init, const AskedSize& asked = {});

  /// Lets go of all pictures but those of that file.
  void forget_all_but(const std::string& file);

 private:
  InitPicture load(const InitSettings& init, const AskedSize& asked) const;
  FitSize drawn_size(const InitSettings& init, const AskedSize& asked, const Image& image) const;

  ModelDescription model_;
  std::map<std::string, InitPicture> images_;  // by all that they hang on
};

}  // namespace sd::job
