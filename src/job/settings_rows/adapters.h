#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// Adapters: LoRA and its kin.
template <class S, class V>
void visit_adapter_settings(S& s, V&& v) {
  v("lora", s.batch.loras,
    About{.flags = "lora",
          .group = SettingGroup::kModel,
          .help = "an adapter (LoRA, LoHa, LoKr, DoRA …) and its strength on the UNet and the text "
                  "encoder; may be given again",
          .more = "UNET is 1 and TE is UNET where they are not given; `unet=`, `te=` and `dyn=` "
                  "name them. A name without a path is looked for in `--lora-dir`. In a line of a "
                  "prompt file it takes the place of the command's",
          .kind = "FILE[:UNET[:TE]]",
          .where = Settable::kBoth,
          .record = "/loras",
          .sparse = true,
          .common = true,
          .endings = "safetensors pt bin ckpt"});
}

template <class S, class V>
void visit_adapter_run_settings(S& s, V&& v) {
  v("lora_dir", s.lora_dir,
    About{.flags = "lora-dir",
          .group = SettingGroup::kModel,
          .help = "where adapters are found by name: those of `--lora NAME` and, in webui prompts, "
                  "of <lora:NAME:TE:UNET>",
          .kind = "DIR"});
}

}  // namespace sd::job
