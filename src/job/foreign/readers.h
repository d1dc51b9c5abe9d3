#pragma once

#include <string_view>

#include "job/foreign/foreign_record.h"

namespace sd {

/// A program whose records are known. `knows` tells its texts from others', be they broken; `read`
/// may throw Error or json::exception for those.
struct ForeignReader {
  const char* program;
  bool (*knows)(const PngMetadata& texts);
  ForeignRecord (*read)(const PngMetadata& texts);
};

// One file each.
bool is_fooocus(const PngMetadata& texts);
ForeignRecord read_fooocus(const PngMetadata& texts);
bool is_swarmui(const PngMetadata& texts);
ForeignRecord read_swarmui(const PngMetadata& texts);
bool is_sdcpp(const PngMetadata& texts);
ForeignRecord read_sdcpp(const PngMetadata& texts);
bool is_invokeai(const PngMetadata& texts);
ForeignRecord read_invokeai(const PngMetadata& texts);
bool is_invokeai_2(const PngMetadata& texts);
ForeignRecord read_invokeai_2(const PngMetadata& texts);
bool is_novelai(const PngMetadata& texts);
ForeignRecord read_novelai(const PngMetadata& texts);
bool is_drawthings(const PngMetadata& texts);
ForeignRecord read_drawthings(const PngMetadata& texts);
bool is_easydiffusion(const PngMetadata& texts);
ForeignRecord read_easydiffusion(const PngMetadata& texts);
bool is_comfyui(const PngMetadata& texts);
ForeignRecord read_comfyui(const PngMetadata& texts);
bool is_webui(const PngMetadata& texts);
ForeignRecord read_webui(const PngMetadata& texts);

}  // namespace sd
