#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "job/line_breaks.h"

namespace sd::job {

/// Reads the lines of an open file one after the other, a megabyte at a time.
class LineReader {
 public:
  /// `on_read` sees all bytes as they are read.
  LineReader(int descriptor, uint64_t offset, LineBreaks breaks,
             std::function<void(std::string_view)> on_read = nullptr);

  /// The next line, until the next call; nothing after the last. Throws Error(kFile).
  std::optional<std::string_view> next();
  /// Where the line that `next` gives next begins.
  uint64_t offset() const { return start_ + begin_; }

 private:
  void fill();
  std::string_view take(size_t length);

  int descriptor_;
  LineBreaks breaks_;
  std::function<void(std::string_view)> on_read_;
  std::string buffer_;
  uint64_t start_;       // of the buffer, in the file
  size_t begin_ = 0;     // of what is not taken, in the buffer
  size_t searched_ = 0;  // of that without finding a line break
  bool at_end_ = false;
};

/// A prompt file of any length, of which only the places of its blocks of lines are held.
class PromptFile {
 public:
  struct Line {
    int64_t number = 0;  ///< in the file, from 1
    std::string text;
  };

  /// Reads the file once. A block has `lines_per_block` lines, the last one the rest; blank lines
  /// of JSON Lines count for nothing. Throws Error(kFile) where it cannot be read, kUsage where it
  /// holds no line or is standard input.
  PromptFile(std::string path, int64_t lines_per_block);

  const std::string& path() const { return path_; }
  const std::string& sha256() const { return sha256_; }
  bool json() const { return breaks_ == LineBreaks::kJson; }
  int64_t lines() const { return lines_; }
  int64_t blocks() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t lines_per_block() const { return lines_per_block_; }
  int64_t lines_in(int64_t block) const;

  /// Whether the lines are prompts without flags, all of which can be drawn.
  bool is_plain(int64_t block) const { return blocks_[static_cast<size_t>(block)].plain; }

  /// Throws Error(kFile) if the file has changed since it was indexed.
  std::vector<Line> read(int64_t block) const;

 private:
  struct Block {
    uint64_t offset = 0;
    int64_t number = 0;  // of its first line
    bool plain = true;
  };

  LineBreaks find_breaks() const;
  void index();
  bool unchanged() const;

  std::string path_;
  int64_t lines_per_block_;
  Descriptor file_;
  uint64_t size_ = 0;
  int64_t changed_ns_ = 0;  // when the file was changed last
  LineBreaks breaks_ = LineBreaks::kPython;
  int64_t lines_ = 0;
  std::vector<Block> blocks_;
  std::string sha256_;
};

}  // namespace sd::job
