#pragma once

#include "job/foreign/foreign_record.h"
#include "job/infotext.h"

namespace sd::job {

/// What a text in the web UI's form says, by the fields that its relatives share: sizes, seeds,
/// sampler and schedule, model, LoRAs, variation, a hires pass.
ForeignRecord record_of_infotext(const InfoText& text);

}  // namespace sd::job
