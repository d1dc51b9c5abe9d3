#include "kernels/cpu/huge_buffer.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace sd::kernels::cpu {
namespace {

constexpr size_t kHugePage = size_t{1} << 21;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

HugeBuffer::HugeBuffer(int64_t floats) {
  const size_t wanted = static_cast<size_t>(floats) * sizeof(float);
  if (wanted == 0) return;
  const bool huge = wanted >= kHugePage;
  bytes_ = huge ? wanted + kHugePage : wanted;  // room to begin at a huge page's address
  mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  if (!huge) {
    data_ = static_cast<float*>(mapping_);
    return;
  }
  const auto begin = round_up(reinterpret_cast<size_t>(mapping_), kHugePage);
  data_ = reinterpret_cast<float*>(begin);
  // Whole huge pages only: the rest of a last one would be memory for nothing. A refusal is none
  // of our business: the pages are then small ones.
  ::madvise(data_, wanted / kHugePage * kHugePage, MADV_HUGEPAGE);
}

HugeBuffer::~HugeBuffer() {
  if (mapping_ != nullptr) ::munmap(mapping_, bytes_);
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      data_(std::exchange(other.data_, nullptr)) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(bytes_, other.bytes_);
  std::swap(data_, other.data_);
  return *this;
}

}  // namespace sd::kernels::cpu
