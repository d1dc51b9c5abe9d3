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
                  "encoder; may be repeated",
          .more = "UNET defaults to 1 and TE to UNET; `unet=`, `te=` and `dyn=` name them. A name "
                  "without a path is looked for in `--lora-dir`. In a line of a prompt file, "
                  "adapters replace those of the command line",
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
          .help = "folder of the adapters that are given by name: by `--lora NAME` and, in webui "
                  "prompts, by <lora:NAME:TE:UNET>",
          .kind = "DIR"});
}

}  // namespace sd::job
