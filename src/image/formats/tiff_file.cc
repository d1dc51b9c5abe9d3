#include "image/formats/tiff_file.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/strings.h"

namespace sd::image {
namespace {

constexpr tmsize_t kMaxBlock = tmsize_t{1} << 30;

tmsize_t no_write(thandle_t, void*, tmsize_t) { return 0; }
int no_close(thandle_t) { return 0; }

}  // namespace

TiffFile::TiffFile(ByteSpan bytes, const std::string& name) : bytes_(bytes), name_(name) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxBlock);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
  constexpr const char* kReadUnmapped = "rm";
  tiff_ = TIFFClientOpenExt("", kReadUnmapped, this, on_read, no_write, on_seek, no_close, on_size,
                            nullptr, nullptr, options.get());
  if (tiff_ == nullptr) fail("it has no directory");
}

TiffFile::~TiffFile() { TIFFClose(tiff_); }

uint32_t TiffFile::number32(uint32_t tag) const {
  uint32_t value = 0;
  return TIFFGetFieldDefaulted(tiff_, tag, &value) == 1 ? value : 0;
}

uint32_t TiffFile::number16(uint32_t tag) const {
  uint16_t value = 0;
  return TIFFGetFieldDefaulted(tiff_, tag, &value) == 1 ? value : 0;
}

void TiffFile::fail(const std::string& what) const {
  throw_damaged(name_, "TIFF", message_.empty() ? what : message_);
}

tmsize_t TiffFile::on_read(thandle_t self, void* to, tmsize_t size) {
  auto& file = *static_cast<TiffFile*>(self);
  const uint64_t from = std::min<uint64_t>(file.at_, file.bytes_.size());
  const uint64_t count = std::min<uint64_t>(static_cast<uint64_t>(size), file.bytes_.size() - from);
  std::memcpy(to, file.bytes_.data() + from, count);
  file.at_ = from + count;
  return static_cast<tmsize_t>(count);
}

toff_t TiffFile::on_seek(thandle_t self, toff_t offset, int whence) {
  auto& file = *static_cast<TiffFile*>(self);
  if (whence == SEEK_CUR) offset += file.at_;
  if (whence == SEEK_END) offset += file.bytes_.size();
  file.at_ = offset;
  return offset;
}

toff_t TiffFile::on_size(thandle_t self) { return static_cast<TiffFile*>(self)->bytes_.size(); }

int TiffFile::on_error(TIFF*, void* self, const char*, const char* format, va_list values) {
  std::array<char, 200> text;
  std::vsnprintf(text.data(), text.size(), format, values);
  static_cast<TiffFile*>(self)->message_ = printable(text.data());
  return 1;  // nothing more is done with it
}

}  // namespace sd::image
