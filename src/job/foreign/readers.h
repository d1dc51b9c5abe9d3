#pragma once

#include <string_view>

#include "job/foreign/foreign_record.h"

namespace sd::job {

/// A program whose records are known. `knows` tells its texts from others', be they broken; `read`
/// may throw Error or json::exception for those.
struct ForeignReader {
  const char* program;
  bool (*knows)(const image::PngMetadata& texts);
  ForeignRecord (*read)(const image::PngMetadata& texts);
};

// One file each.
bool is_fooocus(const image::PngMetadata& texts);
ForeignRecord read_fooocus(const image::PngMetadata& texts);
bool is_swarmui(const image::PngMetadata& texts);
ForeignRecord read_swarmui(const image::PngMetadata& texts);
bool is_sdcpp(const image::PngMetadata& texts);
ForeignRecord read_sdcpp(const image::PngMetadata& texts);
bool is_invokeai(const image::PngMetadata& texts);
ForeignRecord read_invokeai(const image::PngMetadata& texts);
bool is_invokeai_2(const image::PngMetadata& texts);
ForeignRecord read_invokeai_2(const image::PngMetadata& texts);
bool is_novelai(const image::PngMetadata& texts);
ForeignRecord read_novelai(const image::PngMetadata& texts);
bool is_drawthings(const image::PngMetadata& texts);
ForeignRecord read_drawthings(const image::PngMetadata& texts);
bool is_easydiffusion(const image::PngMetadata& texts);
ForeignRecord read_easydiffusion(const image::PngMetadata& texts);
bool is_comfyui(const image::PngMetadata& texts);
ForeignRecord read_comfyui(const image::PngMetadata& texts);
bool is_webui(const image::PngMetadata& texts);
ForeignRecord read_webui(const image::PngMetadata& texts);

}  // namespace sd::job
