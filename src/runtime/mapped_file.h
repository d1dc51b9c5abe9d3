#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sd {

/// A whole file, mapped read-only for as long as the object lives; its pages are read on first use
/// and shared with every process that maps the same file. Writing through `data()` is a fault.
class MappedFile {
 public:
  /// Maps `path`, which may be a link. Throws kFile where it is absent, unreadable, empty or not a
  /// regular file.
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

  /// All of the file's bytes, as text.
  std::string_view bytes() const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_;
  size_t size_;
};

/// Takes the whole pages of [begin, begin + bytes) that lie in a MappedFile out of this process's
/// memory, for a weight that will not be read again soon. They stay valid: the next read brings
/// them back, from the system's cache while it has them. Memory of any other kind is left alone.
void release_pages(const void* begin, size_t bytes);

}  // namespace sd
