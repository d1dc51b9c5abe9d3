#include "cli/commands/replay_networks.h"

#include <filesystem>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strings.h"
#include "job/named_file.h"
#include "models/embeddings.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

std::string shown(const job::NamedHash& stated) {
  return printable(stated.name, 60) + " [" + printable(stated.hash, 80) + "]";
}

bool is_webui(const ReplayInput& input) {
  return input.record.settings.batch.prompts.syntax == PromptSyntax::kWebUi;
}

}  // namespace

NetworkFinder::NetworkFinder(const ReplayOptions& options)
    : loras_(options.lora_dir), embeddings_(models::find_embeddings_folder(options.embeddings)) {}

FoundNetworks NetworkFinder::find(ReplayInput* input) {
  FoundNetworks found;
  const job::PictureRecord& record = input->record;
  if (input->foreign) {
    find_named_loras(input, &found);
  } else {
    const BatchSettings& batch = record.settings.batch;
    found.loras = find_recorded(batch.loras, record.lora_hashes);
    if (batch.hires.loras) {
      found.hires_loras = find_recorded(*batch.hires.loras, record.hires_lora_hashes);
    }
  }
  if (!is_webui(*input)) return found;
  for (const job::NamedHash& stated : input->foreign ? input->embeddings : record.embeddings) {
    if (find_embedding(stated, &found)) continue;
    const std::string what = other_embedding(stated);
    if (!input->foreign) {
      throw Error(ErrorKind::kFile, what, "name the folder of the right one with --embeddings");
    }
    found.differences.push_back(what);
  }
  return found;
}

void NetworkFinder::find_named_loras(ReplayInput* input, FoundNetworks* found) {
  loras_.forget_calls();
  for (const job::NamedHash& stated : input->loras) match_lora(stated, found);
  BatchSettings batch = input->record.settings.batch;
  const PictureSettings& picture = input->record.settings.picture;
  job::set_loras(batch.loras, is_webui(*input) ? picture : PictureSettings(), loras_, &batch);
  found->loras = batch.loras;
  found->hires_loras = batch.hires.loras;
  input->record.lora_hashes = lora_hashes_.of(found->loras);
  if (found->hires_loras) input->record.hires_lora_hashes = lora_hashes_.of(*found->hires_loras);
}

/// Makes the name mean the adapter that has the hash; one that has another is told.
void NetworkFinder::match_lora(const job::NamedHash& stated, FoundNetworks* found) {
  const std::string file = lora_file(stated.name);
  if (!file.empty() && fits(file, stated.hash)) return loras_.call(stated.name, file);
  if (const std::string other = lora_of_hash(stated.hash); !other.empty()) {
    notice("adapter: " + printable(other) + ", which has the hash of the picture's " +
           shown(stated));
    return loras_.call(stated.name, other);
  }
  if (file.empty()) return;  // a prompt that names it fails
  loras_.call(stated.name, file);
  found->differences.push_back("the adapter " + shown(stated) + ": " + printable(file) +
                               " has the hash " + lora_hashes_.get(file).webui);
}

std::string NetworkFinder::lora_file(const std::string& name) const {
  try {
    return loras_.find_name(name);
  } catch (const Error&) {
    return "";  // there is none
  }
}

std::string NetworkFinder::lora_of_hash(const std::string& recorded) {
  for (const std::string& file : loras_.files()) {
    if (fits(file, recorded)) return file;
  }
  return "";
}

/// (Of an unreadable file none is the hash; whoever uses it is told why.)
bool NetworkFinder::fits(const std::string& file, const std::string& recorded) {
  try {
    const job::LoraHash& hash = lora_hashes_.get(file);
    return job::is_start_of(recorded, hash.webui) || job::is_start_of(recorded, hash.sha256);
  } catch (const Error& error) {
    rethrow_if_stopped(error);
    detail(printable(file) + " is left out: " + error.what());
    return false;
  }
}

std::vector<LoraUse> NetworkFinder::find_recorded(std::vector<LoraUse> uses,
                                                  const std::vector<job::LoraHash>& hashes) {
  for (size_t i = 0; i < uses.size(); ++i) {
    std::string file = job::find_named_file(uses[i].file, "adapter", job::kMostCheckpointBytes);
    if (file.empty()) file = loras_.find(std::filesystem::path(uses[i].file).filename());
    if (lora_hashes_.get(file).sha256 != hashes.at(i).sha256) {
      throw Error(
          ErrorKind::kFile,
          printable(file) + " is not the adapter that the picture was drawn with, or has changed",
          "name the folder of the right one with --lora-dir");
    }
    uses[i].file = std::move(file);
  }
  return uses;
}

/// False where there is no embedding with the hash.
bool NetworkFinder::find_embedding(const job::NamedHash& stated, FoundNetworks* found) {
  const std::string file = embeddings_.find(stated.name);
  if (!file.empty() && job::is_start_of(stated.hash, embeddings_.sha256(file))) return true;
  const std::string other = embeddings_.find_hash(stated.hash);
  if (other.empty()) return false;
  notice("embedding: " + printable(other) + ", which has the hash of the picture's " +
         shown(stated));
  found->embeddings[stated.name] = other;
  return true;
}

/// What is there in place of it.
std::string NetworkFinder::other_embedding(const job::NamedHash& stated) {
  const std::string file = embeddings_.find(stated.name);
  const std::string what = "the embedding " + shown(stated);
  if (file.empty()) {
    const std::string& folder = embeddings_.folder();
    return what + " is not " + (folder.empty() ? "there" : "below " + printable(folder));
  }
  return what + ": " + printable(file) + " has the hash " +
         embeddings_.sha256(file).substr(0, stated.hash.size());
}

}  // namespace sd::cli
