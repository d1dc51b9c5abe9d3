#include "weights/formats/safetensors_header.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"

namespace sd::weights {
namespace {

using nlohmann::json;

/// More dimensions than any weight has; it bounds what a damaged shape can cost.
constexpr size_t kMaxDims = 8;

constexpr std::string_view kMetadataKey = "__metadata__";

/// Follows nlohmann's parser through the header. A method returns false to stop it, with `problem`
/// set.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  SafetensorsHeader header;
  std::string problem;

  bool start_object(size_t) override {
    if (passes_over()) return deeper();
    if (place_ == Place::kStart) return enter(Place::kTop);
    if (place_ == Place::kTop && name_ == kMetadataKey) return enter(Place::kMetadata);
    if (place_ == Place::kTop) {
      SafetensorsEntry entry;
      entry.name = name_;
      header.entries.push_back(std::move(entry));
      fields_.clear();
      return enter(Place::kEntry);
    }
    return fail("expected no further object");
  }

  bool end_object() override {
    if (depth_ > 0) return shallower();
    if (place_ == Place::kTop) return enter(Place::kEnd);
    if (place_ == Place::kEntry && fields_.size() != 3) {
      return fail("expected dtype, shape and data_offsets");
    }
    return enter(Place::kTop);
  }

  bool key(std::string& text) override {
    if (depth_ > 0) return true;
    if (place_ == Place::kTop) {
      name_ = text;
      return names_.insert(text).second || fail("expected each name once");
    }
    field_ = text;
    if (place_ == Place::kMetadata) return true;
    // What a later version of the format says besides is nothing to us.
    other_field_ = text != "dtype" && text != "shape" && text != "data_offsets";
    return other_field_ || fields_.insert(text).second || fail("expected each field once");
  }

  bool string(std::string& text) override {
    if (passes_over_other()) return true;
    if (place_ == Place::kMetadata) {
      return header.metadata.emplace(field_, text).second || fail("expected each key once");
    }
    if (place_ != Place::kEntry || field_ != "dtype") return fail("expected no text");
    header.entries.back().dtype = std::move(text);
    return true;
  }

  bool start_array(size_t) override {
    if (passes_over()) return deeper();
    if (place_ != Place::kEntry || field_ == "dtype") return fail("expected no list");
    return enter(Place::kArray);
  }
  bool end_array() override {
    if (depth_ > 0) return shallower();
    if (field_ == "data_offsets" && header.entries.back().range.size() != 2) {
      return fail("expected two data_offsets");
    }
    return enter(Place::kEntry);
  }

  bool number_unsigned(uint64_t value) override {
    if (passes_over()) return true;
    if (place_ != Place::kArray) return fail("expected no number");
    SafetensorsEntry& entry = header.entries.back();
    std::vector<uint64_t>& list = field_ == "shape" ? entry.shape : entry.range;
    if (list.size() >= kMaxDims) return fail("expected at most 8 dimensions");
    list.push_back(value);
    return true;
  }

  bool number_integer(int64_t) override { return other("expected no negative number"); }
  bool number_float(double, const std::string&) override { return other("expected whole numbers"); }
  bool boolean(bool) override { return other("expected no truth value"); }
  bool null() override {
    if (place_ == Place::kTop && name_ == kMetadataKey) return true;
    return other("expected no null");
  }
  bool binary(json::binary_t&) override { return fail("expected text"); }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    return fail(fmt::format("expected JSON, found something else at its byte {}", position));
  }

 private:
  enum class Place { kStart, kTop, kMetadata, kEntry, kArray, kEnd };

  /// Whether the value is part of a field that is no field of ours.
  bool passes_over_other() const { return depth_ > 0 || (place_ == Place::kEntry && other_field_); }
  /// Whether the value is that, or a value of the metadata that is no text.
  bool passes_over() const { return passes_over_other() || place_ == Place::kMetadata; }
  bool deeper() {
    ++depth_;
    return true;
  }
  bool shallower() {
    --depth_;
    return true;
  }
  bool other(const std::string& message) { return passes_over() || fail(message); }

  bool enter(Place place) {
    place_ = place;
    return true;
  }
  bool fail(const std::string& message) {
    problem = message;
    if (!name_.empty()) problem += " (at \"" + printable(name_) + "\")";
    return false;
  }

  Place place_ = Place::kStart;
  std::string name_;   // key in the top object
  std::string field_;  // key in an inner one
  bool other_field_ = false;
  size_t depth_ = 0;  // of what is passed over
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> fields_;  // of the entry being read
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text) {
  HeaderReader reader;
  if (!json::sax_parse(text, &reader)) {
    throw damaged("the safetensors header breaks its format: " + reader.problem);
  }
  return std::move(reader.header);
}

}  // namespace sd::weights
