#include "job/setting_values.h"

#include <algorithm>

#include "base/split.h"
#include "job/lora_text.h"
#include "sd/request.h"

namespace sd::job::values {

std::string quoted(const std::string& text) {
  std::string shown = "'";
  return shown.append(printable(text, 60)).append("'");
}

/// As Python's float() and C's strtod read it: "inf" and "nan" are numbers, to be refused by
/// whoever cannot use them.
void parse(const std::string& text, double* value) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') ++begin;
  const auto parsed = std::from_chars(begin, end, *value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    refuse("a number", quoted(text));
  }
}

/// The shortest text that is read as this number.
std::string text_of(const double& value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, value);
  return {text, written.ptr};
}

void parse(const std::string& text, FitSize* value) {
  const size_t cross = text.find('x');
  if (cross != std::string::npos) {
    const auto width = decimal<int64_t>(text.substr(0, cross));
    const auto height = decimal<int64_t>(text.substr(cross + 1));
    const auto fits = [](const auto& side) { return side && *side >= 1 && *side <= kMaxSide; };
    if (fits(width) && fits(height)) {
      *value = {static_cast<int>(*width), static_cast<int>(*height)};
      return;
    }
  }
  refuse("a size like 1024x768", quoted(text));
}

void read(const json& from, FitSize* value) {
  const auto side = [&](size_t i) {
    const int pixels = whole_number<int>(from.at(i));
    if (pixels < 1) refuse("a whole number in its range", found_in(from.at(i)));
    return pixels;
  };
  *value = {side(0), side(1)};
}

void parse(const std::string& text, Margins* value) {
  std::vector<double> sides;
  parse(text, &sides);
  const auto fits = [](double side) {
    return side >= 0 && side <= kMaxSide && side == std::floor(side);
  };
  if (sides.size() != 4 || !std::all_of(sides.begin(), sides.end(), fits)) {
    refuse("four whole numbers of pixels (left, top, right, bottom) like 64,0,64,0", quoted(text));
  }
  const auto side = [&](size_t i) { return static_cast<int>(sides[i]); };
  *value = {side(0), side(1), side(2), side(3)};
}

void read(const json& from, Margins* value) {
  parse(text_of(from.get<std::vector<double>>()), value);
}

std::string text_of(const Margins& value) {
  return text_of(
      std::vector<double>{static_cast<double>(value.left), static_cast<double>(value.top),
                          static_cast<double>(value.right), static_cast<double>(value.bottom)});
}

namespace {

/// "DAYS-HOURS:MINUTES:SECONDS" without what stands before MINUTES, in seconds.
std::optional<double> clock_time(const std::string& text) {
  constexpr int64_t kFactors[] = {60, 60, 24};  // seconds, minutes, hours
  int64_t seconds = 0;
  size_t begin = 0;
  const size_t dash = text.find('-');
  if (dash != std::string::npos) {
    const auto days = decimal<uint32_t>(text.substr(0, dash));
    if (!days) return std::nullopt;
    seconds = *days;
    begin = dash + 1;
  }
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (colons == 0 || colons > 2 || (dash != std::string::npos && colons != 2)) return std::nullopt;
  for (auto left = colons; left >= 0; --left) {
    const size_t end = std::min(text.find(':', begin), text.size());
    const auto part = decimal<uint32_t>(text.substr(begin, end - begin));
    if (!part) return std::nullopt;
    seconds = seconds * kFactors[left] + *part;
    begin = end + 1;
  }
  return static_cast<double>(seconds);
}

/// "45m" in seconds.
std::optional<double> counted_time(const std::string& text) {
  constexpr std::pair<char, double> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  for (const auto& [unit, seconds] : kUnits) {
    if (text.empty() || text.back() != unit) continue;
    const auto number = decimal<double>(text.substr(0, text.size() - 1));
    return number ? std::optional(*number * seconds) : std::nullopt;
  }
  return decimal<double>(text);
}

}  // namespace

void parse(const std::string& text, TimeSpan* value) {
  const auto seconds = text.find(':') != std::string::npos ? clock_time(text) : counted_time(text);
  constexpr double kLongest = 1e9;
  if (!seconds || !(*seconds > 0 && *seconds < kLongest)) {
    refuse("a time like 90 (seconds), 45m, 2h or 1-12:00:00", quoted(text));
  }
  value->seconds = *seconds;
}

void parse(const std::string& text, std::vector<std::string>* value) {
  std::vector<std::string> devices;
  for (const std::string_view piece : split(text, ',')) {
    const std::string word(piece);
    const bool number = !word.empty() && std::all_of(word.begin(), word.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
    if (!number && word != "cpu" && word.rfind("cuda", 0) != 0) {
      refuse("GPUs like 0,1 (or cpu)", quoted(text));
    }
    devices.push_back(number ? "cuda:" + word : word);
  }
  *value = std::move(devices);
}

void parse(const std::string& text, std::vector<double>* value) {
  value->clear();
  for (const std::string_view number : split(text, ',')) {
    parse(std::string(number), &value->emplace_back());
  }
}

std::string text_of(const std::vector<double>& value) {
  std::vector<std::string> numbers;
  numbers.reserve(value.size());
  for (const double number : value) numbers.push_back(text_of(number));
  return join(numbers, ",");
}

void parse(const std::string& text, std::vector<LoraUse>* value) {
  value->clear();
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) value->push_back(parse_lora(std::string(line)));
  }
}

std::string text_of(const std::vector<LoraUse>& value) {
  std::vector<std::string> lines;
  lines.reserve(value.size());
  for (const LoraUse& use : value) lines.push_back(text_of_lora(use));
  return join(lines, "\n");
}

void read(const json& from, std::vector<LoraUse>* value) {
  value->clear();
  if (!from.is_array()) refuse("a list of adapters", from.type_name());
  for (const json& one : from) {
    LoraUse& use = value->emplace_back();
    one.at("file").get_to(use.file);
    read(one.at("unet"), &use.unet);
    read(one.at("te"), &use.text);
    if (one.contains("rank")) use.rank = whole_number<int64_t>(one.at("rank"));
    if (use.rank && *use.rank < 1) refuse("a rank of at least 1", found_in(one.at("rank")));
    if (one.contains("in_prompt")) read(one.at("in_prompt"), &use.in_prompt);
  }
}

json write(const std::vector<LoraUse>& value) {
  json all = json::array();
  for (const LoraUse& use : value) {
    json& one = all.emplace_back(json{{"file", use.file}, {"unet", use.unet}, {"te", use.text}});
    if (use.rank) one["rank"] = *use.rank;
    if (use.in_prompt) one["in_prompt"] = true;
  }
  return all;
}

}  // namespace sd::job::values
