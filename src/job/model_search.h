#pragma once

#include <string>

namespace sd::job {

/// The checkpoint below a folder that a record means: by `hash`, the SHA-256 or its first digits,
/// or the eight digits that early web UIs gave (of 64 KiB of the file); where the record has no
/// such hash, by `name`, with or without ending. Files of that name are looked at first; large
/// files' hashes are remembered (see FileHash). "" where none fits. At most 10,000 files are looked
/// at.
std::string find_model(const std::string& folder, const std::string& hash, const std::string& name);

/// Finds an autoencoder in the way of `find_model`; it may also be a .pt file.
std::string find_vae(const std::string& folder, const std::string& hash, const std::string& name);

/// The hash of early web UIs: the first eight digits of the SHA-256 of 64 KiB from 1 MiB on. Throws
/// Error(kFile) if the file cannot be read.
std::string old_model_hash(const std::string& path);

}  // namespace sd::job
