#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "runtime/mapped_ranges.h"
#include "sd/error.h"

namespace sd::runtime {

/// A whole file, mapped read-only for as long as the object lives; its pages are read on first use
/// and shared with every process that maps the same file. Writing through `data()` is a fault.
/// Where the file is cut meanwhile, zeros are read in its place, and `throw_if_cut` tells.
class MappedFile {
 public:
  /// Maps `path`, which may be a link. Throws kFile where it is absent, unreadable, empty or not a
  /// regular file, and kDevice where this process has no room for it.
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

  /// All of the file's bytes, as text.
  std::string_view bytes() const;

  /// What is wrong if the file is shorter than it was, or could not be read: a kFile error.
  std::optional<Error> damage() const;

 private:
  MappedFile(std::string path, int descriptor, const std::byte* data, size_t size);

  std::string path_;
  Descriptor descriptor_;
  const std::byte* data_;
  size_t size_;
  MappedRange range_;
};

/// The damage of any file that is or was mapped.
std::optional<Error> damage_of_mapped_files();

/// Throws that. Call it after work on weights, before its result is let out.
void throw_if_cut();

/// Takes the whole pages of [begin, begin + bytes) that lie in a MappedFile out of this process's
/// memory, for a weight that will not be read again soon. They stay valid: the next read brings
/// them back, from the system's cache while it has them. Memory of any other kind is left alone.
void release_pages(const void* begin, size_t bytes);

}  // namespace sd::runtime
