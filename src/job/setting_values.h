#pragma once

#include <charconv>
#include <climits>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/words.h"
#include "sd/error.h"
#include "sd/lora.h"

// Each type that a setting may have: from text and JSON and back. Errors say what was expected and
// what was found; whoever asked adds the setting's name.

namespace sd::job::values {

using nlohmann::json;

[[noreturn]] inline void refuse(const std::string& expected, const std::string& found) {
  throw Error(ErrorKind::kUsage, "expected " + expected + ", found " + found);
}

/// What was typed, between quotes.
std::string quoted(const std::string& text);

/// The number that all of `text` is, in decimal; a plus sign may stand before it.
template <class T>
std::optional<T> decimal(const std::string& text) {
  const char* end = text.data() + text.size();
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  T number = 0;
  const auto parsed = std::from_chars(text.data() + (plus ? 1 : 0), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

inline std::string found_in(const json& value) {
  return value.is_number() ? value.dump() : value.type_name();
}

/// The number that `value` is. (get() would cut fractions off and wrap what does not fit.)
template <class T>
T whole_number(const json& value) {
  bool fits = value.is_number_integer();
  if (value.is_number_unsigned()) {
    fits = std::in_range<T>(value.get<uint64_t>());
  } else if (fits) {
    fits = std::in_range<T>(value.get<int64_t>());
  }
  if (!fits) refuse("a whole number in its range", found_in(value));
  return value.get<T>();
}

// Each type has a name for the help page, and four functions.

inline const char* kind_of(const bool&) { return ""; }
inline void parse(const std::string& text, bool* value) {
  if (text != "true" && text != "false") refuse("true or false", quoted(text));
  *value = text == "true";
}
inline void read(const json& from, bool* value) { from.get_to(*value); }
inline json write(const bool& value) { return value; }
inline std::string text_of(const bool& value) { return value ? "true" : "false"; }

inline const char* kind_of(const int64_t&) { return "INT"; }
inline void parse(const std::string& text, int64_t* value) {
  const auto number = decimal<int64_t>(text);
  if (!number) refuse("a whole number", quoted(text));
  *value = *number;
}
inline void read(const json& from, int64_t* value) { *value = whole_number<int64_t>(from); }
inline json write(const int64_t& value) { return value; }
inline std::string text_of(const int64_t& value) { return std::to_string(value); }

/// (Whoever uses the number checks its range.)
inline const char* kind_of(const int&) { return "INT"; }
inline void parse(const std::string& text, int* value) {
  int64_t number = 0;
  parse(text, &number);
  *value = static_cast<int>(std::clamp<int64_t>(number, INT_MIN, INT_MAX));
}
inline void read(const json& from, int* value) { *value = whole_number<int>(from); }
inline json write(const int& value) { return value; }
inline std::string text_of(const int& value) { return std::to_string(value); }

/// A seed: any whole number of 64 bits, a negative one as torch takes it, in two's complement.
inline const char* kind_of(const uint64_t&) { return "INT"; }
inline void parse(const std::string& text, uint64_t* value) {
  if (const auto positive = decimal<uint64_t>(text)) {
    *value = *positive;
  } else if (const auto negative = decimal<int64_t>(text)) {
    *value = static_cast<uint64_t>(*negative);
  } else {
    refuse("a whole number of 64 bits", quoted(text));
  }
}
inline void read(const json& from, uint64_t* value) { *value = whole_number<uint64_t>(from); }
inline json write(const uint64_t& value) { return value; }
inline std::string text_of(const uint64_t& value) { return std::to_string(value); }

inline const char* kind_of(const double&) { return "FLOAT"; }
void parse(const std::string& text, double* value);
inline void read(const json& from, double* value) {
  if (!from.is_number()) refuse("a number", from.type_name());
  from.get_to(*value);
}
inline json write(const double& value) { return value; }
std::string text_of(const double& value);

inline const char* kind_of(const std::string&) { return "TEXT"; }
inline void parse(const std::string& text, std::string* value) { *value = text; }
inline void read(const json& from, std::string* value) { from.get_to(*value); }
inline json write(const std::string& value) { return value; }
inline std::string text_of(const std::string& value) { return value; }

inline const char* kind_of(const FitSize&) { return "WxH"; }
void parse(const std::string& text, FitSize* value);
void read(const json& from, FitSize* value);
inline json write(const FitSize& value) { return {value.width, value.height}; }
inline std::string text_of(const FitSize& value) {
  return std::to_string(value.width) + "x" + std::to_string(value.height);
}

/// Left, top, right and bottom: "64,0,64,0".
inline const char* kind_of(const Margins&) { return "L,T,R,B"; }
void parse(const std::string& text, Margins* value);
void read(const json& from, Margins* value);
inline json write(const Margins& value) {
  return {value.left, value.top, value.right, value.bottom};
}
std::string text_of(const Margins& value);

/// "90" and "90s", "45m", "2h", "3d"; "10:00" (minutes), "2:00:00" and "1-12:00:00", as Slurm has
/// it.
inline const char* kind_of(const TimeSpan&) { return "TIME"; }
void parse(const std::string& text, TimeSpan* value);
inline void read(const json& from, TimeSpan* value) { read(from, &value->seconds); }
inline json write(const TimeSpan& value) { return value.seconds; }
inline std::string text_of(const TimeSpan& value) { return text_of(value.seconds); }

/// Devices: "0,cuda:2,cpu" is cuda:0, cuda:2, cpu.
inline const char* kind_of(const std::vector<std::string>&) { return "LIST"; }
void parse(const std::string& text, std::vector<std::string>* value);
inline void read(const json& from, std::vector<std::string>* value) { from.get_to(*value); }
inline json write(const std::vector<std::string>& value) { return value; }
inline std::string text_of(const std::vector<std::string>& value) { return join(value, ","); }

/// Numbers: "14.6,7,0".
inline const char* kind_of(const std::vector<double>&) { return "LIST"; }
void parse(const std::string& text, std::vector<double>* value);
inline void read(const json& from, std::vector<double>* value) { from.get_to(*value); }
inline json write(const std::vector<double>& value) { return value; }
std::string text_of(const std::vector<double>& value);

/// Adapters, one a line: see lora_text.h.
inline const char* kind_of(const std::vector<LoraUse>&) { return "FILE[:UNET[:TE]]"; }
void parse(const std::string& text, std::vector<LoraUse>* value);
void read(const json& from, std::vector<LoraUse>* value);
json write(const std::vector<LoraUse>& value);
std::string text_of(const std::vector<LoraUse>& value);

template <class T>
concept Enumeration = std::is_enum_v<T>;

template <Enumeration T>
std::vector<std::string> words() {
  std::vector<std::string> all;
  all.reserve(std::size(kWords<T>));
  for (const Word<T>& each : kWords<T>) all.emplace_back(each.word);
  return all;
}
template <Enumeration T>
std::string kind_of(const T&) {
  return join(words<T>(), "|");
}
template <Enumeration T>
void parse(const std::string& text, T* value) {
  const T* found = value_of<T>(text);
  if (found == nullptr) refuse(join(words<T>(), " or "), printable(text, 60));
  *value = *found;
}
template <Enumeration T>
void read(const json& from, T* value) {
  parse(from.get<std::string>(), value);
}
template <Enumeration T>
json write(const T& value) {
  return word_of(value);
}
template <Enumeration T>
std::string text_of(const T& value) {
  return word_of(value);
}

template <class T>
std::string kind_of(const std::optional<T>&) {
  return kind_of(T());
}
template <class T>
void parse(const std::string& text, std::optional<T>* value) {
  T parsed = {};
  parse(text, &parsed);
  *value = std::move(parsed);
}
template <class T>
void read(const json& from, std::optional<T>* value) {
  value->reset();
  if (from.is_null()) return;
  T parsed = {};
  read(from, &parsed);
  *value = std::move(parsed);
}
template <class T>
json write(const std::optional<T>& value) {
  return value ? write(*value) : json(nullptr);
}
template <class T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "";
}

/// The number that a limit is compared with; nothing for what is none.
template <class T>
std::optional<double> number_of(const T& value) {
  constexpr bool kCompared =
      std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, uint64_t>;
  if constexpr (kCompared) {
    return static_cast<double>(value);
  } else {
    return std::nullopt;
  }
}
template <class T>
std::optional<double> number_of(const std::optional<T>& value) {
  return value ? number_of(*value) : std::nullopt;
}

}  // namespace sd::job::values
