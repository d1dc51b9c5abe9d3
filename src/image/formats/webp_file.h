#pragma once

#include <webp/demux.h>

#include <memory>
#include <vector>

#include "image/formats/decoders.h"

namespace sd::image {

/// The chunks of a WebP in memory.
class WebpFile {
 public:
  /// `bytes` must outlive it.
  explicit WebpFile(ByteSpan bytes);

  /// Null when it is cut short or damaged.
  const WebPDemuxer* get() const { return file_.get(); }
  /// The first chunk of that type (four letters), or nothing.
  std::vector<uint8_t> chunk(const char* type) const;

 private:
  WebPData data_;
  std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> file_;
};

}  // namespace sd::image
