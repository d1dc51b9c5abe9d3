#include "job/prompt_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/regular_file.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

constexpr size_t kChunk = size_t{1} << 20;

int64_t time_of_change(const struct stat& about) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return about.st_mtim.tv_sec * kNanoseconds + about.st_mtim.tv_nsec;
}

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

bool is_plain_line(std::string_view line) {
  if (find_flags(line) != std::string_view::npos) return false;
  return is_ascii(line) || is_valid_utf8(line);
}

Descriptor open_prompts(const std::string& path) {
  if (path == "-") {
    throw Error(ErrorKind::kUsage, "a job cannot read its prompts from standard input",
                "write them to a file, which every shard and every further run reads again");
  }
  struct stat about = {};
  if (::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size == 0) {
    throw Error(ErrorKind::kUsage, "the prompt file " + printable(path) + " has no lines",
                "write one prompt per line into it");
  }
  return open_regular_file(path);
}

}  // namespace

LineReader::LineReader(int descriptor, uint64_t offset, LineBreaks breaks,
                       std::function<void(std::string_view)> on_read)
    : descriptor_(descriptor), breaks_(breaks), on_read_(std::move(on_read)), start_(offset) {
  fill();
  const bool marked = offset == 0 && buffer_.starts_with(kByteOrderMark);
  if (marked) begin_ = kByteOrderMark.size();
}

std::optional<std::string_view> LineReader::next() {
  while (true) {
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    const size_t at = find_line_break(rest.substr(searched_), breaks_);
    const bool found = at != std::string_view::npos;
    const size_t length = found ? searched_ + at : rest.size();
    // A break may go on behind what was read.
    if (at_end_ || (found && length + kLongestBreak <= rest.size())) {
      if (rest.empty()) return std::nullopt;
      return take(length);
    }
    searched_ = length - std::min(length, kLongestBreak);
    fill();
  }
}

std::string_view LineReader::take(size_t length) {
  const std::string_view line = std::string_view(buffer_).substr(begin_, length);
  begin_ += length;
  begin_ += line_break_length(std::string_view(buffer_).substr(begin_), breaks_);
  searched_ = 0;
  return line;
}

void LineReader::fill() {
  buffer_.erase(0, begin_);
  start_ += std::exchange(begin_, 0);
  const size_t size = buffer_.size();
  buffer_.resize(size + kChunk);
  ssize_t count = -1;
  do {
    count = ::pread(descriptor_, buffer_.data() + size, kChunk, static_cast<off_t>(start_ + size));
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    throw Error(ErrorKind::kFile,
                std::string("the prompt file cannot be read: ") + std::strerror(errno));
  }
  buffer_.resize(size + static_cast<size_t>(count));
  at_end_ = count == 0;
  if (on_read_) on_read_(std::string_view(buffer_).substr(size));
}

PromptFile::PromptFile(std::string path, int64_t lines_per_block)
    : path_(std::move(path)), lines_per_block_(lines_per_block), file_(open_prompts(path_)) {
  struct stat about = {};
  ::fstat(file_.get(), &about);
  size_ = static_cast<uint64_t>(about.st_size);
  changed_ns_ = time_of_change(about);
  breaks_ = find_breaks();
  index();
  if (lines_ > 0) return;
  throw Error(ErrorKind::kUsage, "the prompt file " + printable(path_) + " has no lines",
              "write one prompt per line into it");
}

LineBreaks PromptFile::find_breaks() const {
  LineReader reader(file_.get(), 0, LineBreaks::kPython);
  auto line = reader.next();
  while (line && is_blank(*line)) line = reader.next();
  const std::string_view first = line.value_or(std::string_view());
  return is_json_lines(path_, first) ? LineBreaks::kJson : LineBreaks::kPython;
}

void PromptFile::index() {
  weights::Sha256 sum;
  LineReader reader(file_.get(), 0, breaks_,
                    [&](std::string_view bytes) { sum.update(bytes.data(), bytes.size()); });
  int64_t number = 0;
  uint64_t offset = reader.offset();
  for (auto line = reader.next(); line; offset = reader.offset(), line = reader.next()) {
    ++number;
    if (json() && is_blank(*line)) continue;
    if (lines_++ % lines_per_block_ == 0) blocks_.push_back({offset, number, !json()});
    Block& block = blocks_.back();
    block.plain = block.plain && is_plain_line(*line);
  }
  sha256_ = sum.finish();
}

int64_t PromptFile::lines_in(int64_t block) const {
  return std::min(lines_per_block_, lines_ - block * lines_per_block_);
}

bool PromptFile::unchanged() const {
  struct stat about = {};
  return ::fstat(file_.get(), &about) == 0 && static_cast<uint64_t>(about.st_size) == size_ &&
         time_of_change(about) == changed_ns_;
}

std::vector<PromptFile::Line> PromptFile::read(int64_t block) const {
  const Block& place = blocks_[static_cast<size_t>(block)];
  LineReader reader(file_.get(), place.offset, breaks_);
  std::vector<Line> lines;
  for (int64_t number = place.number; std::ssize(lines) < lines_in(block); ++number) {
    const auto line = reader.next();
    if (!line) break;
    if (!json() || !is_blank(*line)) lines.push_back({number, std::string(*line)});
  }
  if (std::ssize(lines) == lines_in(block) && unchanged()) return lines;
  throw Error(ErrorKind::kFile, "the prompt file " + printable(path_) + " has changed",
              "a job's prompts must stay as they are; start another job for other prompts");
}

}  // namespace sd::job
