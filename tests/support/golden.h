#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

/// Reading the reference's own outputs (tensors.safetensors and its like) in tests.
/// Plain C++ and apart from the reader under test, so that the two cannot share a mistake.
namespace sd::test {

/// Where the reference's outputs are: $SD_REFERENCE_DIR, else ../shared/reference beside the
/// project. It may be absent; tests that need it start with SD_NEEDS_REFERENCE().
inline std::filesystem::path reference_dir() {
  const char* given = std::getenv("SD_REFERENCE_DIR");
  if (given != nullptr && *given != '\0') return given;
  return std::filesystem::path(SD_SOURCE_DIR) / ".." / "shared" / "reference";
}

#define SD_NEEDS_REFERENCE()                                                             \
  if (!std::filesystem::exists(::sd::test::reference_dir() / "cases")) {                 \
    GTEST_SKIP() << "the reference's outputs are not at " << ::sd::test::reference_dir() \
                 << " (set SD_REFERENCE_DIR)";                                           \
  }                                                                                      \
  static_assert(true)

/// What the web UI gave, beside the reference's outputs; it may be absent, too.
inline std::filesystem::path a1111_dir() { return reference_dir() / ".." / "a1111"; }

#define SD_NEEDS_A1111()                                                          \
  if (!std::filesystem::exists(::sd::test::a1111_dir() / "prompts")) {            \
    GTEST_SKIP() << "the web UI's outputs are not at " << ::sd::test::a1111_dir() \
                 << " (set SD_REFERENCE_DIR)";                                    \
  }                                                                               \
  static_assert(true)

/// Models, adapters and pictures in other programs' formats; they may be absent, too.
inline std::filesystem::path models_dir() { return reference_dir() / ".." / "models"; }

#define SD_NEEDS_MODELS()                                                                \
  if (!std::filesystem::exists(::sd::test::models_dir() / "lora")) {                     \
    GTEST_SKIP() << "the other programs' models are not at " << ::sd::test::models_dir() \
                 << " (set SD_REFERENCE_DIR)";                                           \
  }                                                                                      \
  static_assert(true)

/// A tensor's values in row-major order; `data.size()` is the product of `shape`.
template <typename T>
struct Golden {
  std::vector<int64_t> shape;
  std::vector<T> data;
};

/// IEEE binary16 → float, exactly (subnormals, infinities and NaNs too).
inline float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255U : exponent + 112U;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

/// One .safetensors file held in memory. Throws std::runtime_error, naming the tensor, when a name
/// is absent or its dtype is not one that the accessor converts.
class GoldenTensors {
 public:
  explicit GoldenTensors(const std::filesystem::path& path) : path_(path.string()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path_ + ": cannot be opened");
    uint64_t length = 0;
    file.read(reinterpret_cast<char*>(&length), sizeof length);
    const uint64_t size = std::filesystem::file_size(path);
    if (!file || length > size - sizeof length) throw std::runtime_error(path_ + ": cut short");
    std::string header(length, '\0');
    file.read(header.data(), static_cast<std::streamsize>(length));
    header_ = nlohmann::json::parse(header);
    bytes_.resize(size - sizeof length - length);
    file.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    if (!file) throw std::runtime_error(path_ + ": cannot be read");
  }

  bool has(const std::string& name) const {
    return name != "__metadata__" && header_.contains(name);
  }

  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& item : header_.items()) {
      if (item.key() != "__metadata__") all.push_back(item.key());
    }
    return all;
  }

  /// "F32", "F16", "U8", "I64" …
  std::string dtype(const std::string& name) const { return entry(name).at("dtype"); }
  std::vector<int64_t> shape(const std::string& name) const { return entry(name).at("shape"); }

  /// F32 as it is, F16 and F64 converted.
  Golden<float> f32(const std::string& name) const {
    const std::string type = dtype(name);
    if (type == "F16") {
      return convert<uint16_t, float>(name, [](uint16_t h) { return half_to_float(h); });
    }
    if (type == "F64") {
      return convert<double, float>(name, [](double d) { return static_cast<float>(d); });
    }
    return same<float>(name, "F32");
  }
  Golden<double> f64(const std::string& name) const { return same<double>(name, "F64"); }
  Golden<uint8_t> u8(const std::string& name) const { return same<uint8_t>(name, "U8"); }

  /// I64 as it is, I32 widened.
  Golden<int64_t> i64(const std::string& name) const {
    if (dtype(name) == "I32") {
      return convert<int32_t, int64_t>(name, [](int32_t i) { return static_cast<int64_t>(i); });
    }
    return same<int64_t>(name, "I64");
  }

 private:
  const nlohmann::json& entry(const std::string& name) const {
    if (!has(name)) throw std::runtime_error(path_ + ": no tensor " + name);
    return header_.at(name);
  }

  template <typename T>
  Golden<T> same(const std::string& name, const std::string& wanted) const {
    if (dtype(name) != wanted) {
      throw std::runtime_error(path_ + ": " + name + " is " + dtype(name) + ", not " + wanted);
    }
    return convert<T, T>(name, [](T value) { return value; });
  }

  template <typename From, typename To, typename Fn>
  Golden<To> convert(const std::string& name, Fn fn) const {
    const auto& info = entry(name);
    Golden<To> golden{info.at("shape"), {}};
    const uint64_t begin = info.at("data_offsets").at(0);
    const uint64_t end = info.at("data_offsets").at(1);
    uint64_t count = 1;
    for (const int64_t side : golden.shape) count *= static_cast<uint64_t>(side);
    if (begin > end || end > bytes_.size() || (end - begin) != count * sizeof(From)) {
      throw std::runtime_error(path_ + ": " + name + " lies outside the file");
    }
    golden.data.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
      From value;
      std::memcpy(&value, bytes_.data() + begin + i * sizeof(From), sizeof(From));
      golden.data.push_back(fn(value));
    }
    return golden;
  }

  std::string path_;
  nlohmann::json header_;
  std::vector<char> bytes_;
};

inline GoldenTensors load_goldens(const std::filesystem::path& path) { return GoldenTensors(path); }

}  // namespace sd::test
