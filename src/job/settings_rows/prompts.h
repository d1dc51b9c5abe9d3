#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// How prompts are read.
template <class S, class V>
void visit_prompt_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  v("prompt_syntax", s.batch.prompts.syntax,
    About{.flags = "prompt-syntax",
          .group = kPrompts,
          .help = "plain: brackets are words, as in the reference; webui: weights, editing, AND, "
                  "BREAK and embeddings, as in AUTOMATIC1111's web UI",
          .where = kBoth,
          .record = "/prompts/syntax",
          .sparse = true});
  v("long_prompts", s.batch.prompts.long_prompts,
    About{.flags = "long-prompts",
          .group = kPrompts,
          .help = "plain: read all of a long prompt, 75 ids at a time; the reference cuts it",
          .where = kBoth,
          .record = "/prompts/long",
          .sparse = true});
  v("emphasis", s.batch.prompts.emphasis,
    About{.flags = "emphasis",
          .group = kPrompts,
          .help = "webui: how weights are applied: multiply and restore the mean; multiply; not at "
                  "all; brackets are words; like the web UI's first version",
          .where = kBoth,
          .record = "/prompts/emphasis",
          .sparse = true});
  v("comma_backtrack", s.batch.prompts.comma_backtrack,
    About{
        .flags = "comma-backtrack",
        .group = kPrompts,
        .help =
            "end a full chunk of 75 ids after a comma, if there is one at most this many ids back",
        .limits = {0, 74},
        .where = kBoth,
        .record = "/prompts/comma_backtrack",
        .sparse = true});
  v("clip_skip", s.batch.prompts.clip_skip,
    About{.flags = "clip-skip",
          .group = kPrompts,
          .help = "which layer of the text encoder to use, counted from its end; 1: the last",
          .limits = {1, 100},
          .where = kBoth,
          .record = "/prompts/clip_skip",
          .sparse = true,
          .a1111 = "Clip skip"});
  v("unequal_prompts", s.batch.prompts.unequal,
    About{.flags = "unequal-prompts",
          .group = kPrompts,
          .help = "if a prompt and its negative prompt have different lengths: call the UNet for "
                  "each; fill the shorter with empty chunks; cut or stretch the negative one",
          .where = kBoth,
          .record = "/prompts/unequal",
          .sparse = true});
  v("old_editing", s.batch.prompts.old_editing,
    About{
        .flags = "old-editing",
        .group = kPrompts,
        .help = "webui: read [a:b:N] as versions before 1.6 did: N below 1 is a share of the steps",
        .where = kBoth,
        .record = "/prompts/old_editing",
        .sparse = true});
}

}  // namespace sd::job
