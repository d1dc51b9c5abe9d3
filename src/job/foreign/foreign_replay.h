#pragma once

#include <string>
#include <vector>

#include "job/foreign/foreign_record.h"
#include "job/picture_record.h"

namespace sd::job {

/// Another program's picture as a record to draw it by.
struct ForeignPicture {
  PictureRecord record;               ///< a batch of one, with a stream of its own
  std::vector<std::string> cannot;    ///< what keeps the same picture from being drawn
  std::string model_hash;             ///< as the record writes it, or empty
  std::string vae_hash = {};          ///< of its autoencoder, as the record writes it, or empty
  std::vector<NamedHash> loras = {};  ///< adapters, by the hashes that it states
  std::vector<NamedHash> embeddings = {};  ///< those that it was drawn with
};

/// `width` and `height` are the picture's own, for a record without a size.
ForeignPicture foreign_picture(const ForeignRecord& record, int width, int height);

}  // namespace sd::job
