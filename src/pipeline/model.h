#pragma once

#include <memory>

#include "models/adapters/adapter_library.h"
#include "models/embeddings.h"
#include "models/latent_diffusion.h"
#include "models/memory_plan.h"
#include "runtime/exec_policy.h"
#include "safety/safety_checker.h"
#include "sd/pipeline.h"
#include "text/chunks.h"
#include "text/tokenizer.h"

namespace sd {

/// What the sessions of a pipeline share.
struct Pipeline::Model {
  runtime::ExecPolicy policy;
  ModelDescription description;
  std::unique_ptr<const text::Tokenizer> tokenizer;
  models::LatentDiffusion diffusion;
  SafetyMode safety_mode;
  std::unique_ptr<const safety::SafetyChecker> safety_checker;  // null with kOff
  std::unique_ptr<const models::MemoryPlanner> planner;
  models::EmbeddingSet embeddings;
  std::unique_ptr<models::AdapterLibrary> adapters;
  text::EmbeddingNames embedding_names;
};

}  // namespace sd
