#include "image/formats/libpng.h"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sd::image {

void PngErrors::on_error(png_structp png, png_const_charp message) {
  auto* self = static_cast<PngErrors*>(png_get_error_ptr(png));
  std::snprintf(self->message_, sizeof self->message_, "%s", message);
  std::longjmp(self->back_, 1);
}

PngReader::PngReader(ByteSpan bytes, size_t memory) : left_(bytes), memory_left_(memory) {
  PngErrors* errors = this;
  png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, errors, on_error, on_warning, this,
                                 on_allocate, on_free);
  info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr) throw Error(ErrorKind::kInternal, "libpng cannot be started");
  png_set_read_fn(png, this, on_read);
  png_set_benign_errors(png, 1);
  // The sides and the memory are bounded by us.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(png, 0);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  // As tolerant as zlib by itself, which Pillow uses.
  png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
  png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
}

PngReader::~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

void PngReader::want(std::initializer_list<const char*> types) {
  for (const char* type : types) {
    wanted_.emplace_back(type);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT,
                                reinterpret_cast<png_const_bytep>(type), 1);
  }
}

void PngReader::read_all_but_pixels() {
  png_read_info(png, info);
  ignore_pixel_sums();
  png_start_read_image(png);  // else the end of the first IDAT chunk is not found
  png_read_end(png, info);
}

void PngReader::on_warning(png_structp png, png_const_charp message) {
  auto* self = static_cast<PngReader*>(static_cast<PngErrors*>(png_get_error_ptr(png)));
  const auto starts = [&](const std::string& type) {
    return std::string_view(message).starts_with(type);
  };
  const bool of_wanted = std::any_of(self->wanted_.begin(), self->wanted_.end(), starts);
  if (of_wanted && self->broken_.empty()) self->broken_ = message;
}

void PngReader::on_read(png_structp png, png_bytep to, size_t size) {
  auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
  if (size > self->left_.size()) png_error(png, "it is cut short");
  std::memcpy(to, self->left_.data(), size);
  self->left_ = self->left_.subspan(size);
}

png_voidp PngReader::on_allocate(png_structp png, png_alloc_size_t size) {
  auto* self = static_cast<PngReader*>(png_get_mem_ptr(png));
  if (size > self->memory_left_) return nullptr;
  void* block = std::malloc(size);
  self->memory_left_ -= std::min(self->memory_left_, malloc_usable_size(block));
  return block;
}

void PngReader::on_free(png_structp png, png_voidp block) {
  auto* self = static_cast<PngReader*>(png_get_mem_ptr(png));
  self->memory_left_ += malloc_usable_size(block);
  std::free(block);
}

}  // namespace sd::image
