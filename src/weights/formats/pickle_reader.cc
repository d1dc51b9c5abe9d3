// Decodes the opcodes of Python's pickletools, protocols 0 to 5. Opcode values are the format's.
#include <fmt/core.h>

#include <array>
#include <bit>
#include <charconv>

#include "base/escapes.h"
#include "base/strings.h"
#include "weights/formats/pickle_machine.h"

namespace sd::weights::pickle {
namespace {

template <typename T>
T parse_number(const Machine& m, std::string_view line) {
  T number = {};
  const char* end = line.data() + line.size();
  const auto result = std::from_chars(line.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) {
    throw m.fail("expected a number, found \"" + printable(line, 40) + "\"");
  }
  return number;
}

/// A two's complement number, least byte first.
void push_long(Machine& m, std::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return m.push_text(Kind::kBigInt, bytes);
  if (bytes.empty()) return m.push_int(0);
  uint64_t value = little_endian(bytes.data(), bytes.size());
  if (bytes.size() < sizeof value && (bytes.back() & 0x80) != 0) {
    value |= ~uint64_t{0} << (8 * bytes.size());
  }
  m.push_int(static_cast<int64_t>(value));
}

/// Protocol 0: decimal digits; "00" and "01" are the truth values.
void push_int_line(Machine& m, std::string_view line) {
  if (line == "00" || line == "01") return m.push_bool(line == "01");
  if (!line.empty() && line.back() == 'L') line.remove_suffix(1);
  const bool digits = line.find_first_not_of("-0123456789") == std::string_view::npos;
  if (digits && line.size() > 19) return m.push_text(Kind::kBigInt, line);
  m.push_int(parse_number<int64_t>(m, line));
}

void push_double(Machine& m, std::string_view bytes) {
  const uint64_t bits = __builtin_bswap64(little_endian(bytes.data(), sizeof bits));
  m.push_float(std::bit_cast<double>(bits));
}

void append_utf8(std::string& text, unsigned code) {
  const auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6), add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 0x3F)), add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | (code >> 18 & 7)), add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F)), add(0x80 | (code & 0x3F));
  }
}

/// Backslash escapes of protocol 0: \xNN, \uNNNN, \UNNNNNNNN, \n, \t, \r; any other character
/// after a backslash stands for itself.
std::string unescape(const Machine& m, std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || ++i == text.size()) {
      if (i < text.size()) plain += text[i];
      continue;
    }
    const char kind = text[i];
    const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits == 0) {
      plain += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
      continue;
    }
    const std::string_view hex = text.substr(i + 1, digits);
    const auto code = hex_number(hex, digits);
    if (!code) throw m.fail("expected digits after a backslash, found \"" + printable(hex) + "\"");
    append_utf8(plain, *code);
    i += digits;
  }
  return plain;
}

void push_escaped(Machine& m, std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return m.push_text(Kind::kString, text);
  m.push_owned_text(Kind::kString, unescape(m, text));
}

void push_quoted(Machine& m, std::string_view line) {
  const bool quoted = line.size() >= 2 && line.front() == line.back() &&
                      (line.front() == '\'' || line.front() == '"');
  if (!quoted) throw m.fail("expected a text in quotes, found " + printable(line, 40));
  push_escaped(m, line.substr(1, line.size() - 2));
}

void check_protocol(Machine& m) {
  const unsigned protocol = m.in.u8();
  if (protocol > 5)
    throw m.fail(fmt::format("expected pickle protocol 0 to 5, found {}", protocol));
}

/// Frames only say how much to read ahead.
void check_frame(Machine& m) {
  const uint64_t length = m.in.u64();
  if (length > m.in.left()) {
    throw m.fail(
        fmt::format("expected a frame of at most {} bytes, found {}", m.in.left(), length));
  }
}

void push_global_lines(Machine& m) {
  const std::string_view module = m.in.line();
  m.push_global(module, m.in.line());
}

void instantiate_lines(Machine& m) {
  const std::string_view module = m.in.line();
  m.instantiate(module, m.in.line());
}

/// PERSID: the id is the rest of the line.
void persistent_line(Machine& m) {
  m.push_text(Kind::kString, m.in.line());
  m.persistent();
}

struct Opcode {
  uint8_t code;
  void (*run)(Machine&);
};

constexpr Opcode kOpcodes[] = {
    // numbers and the like
    {'N', [](Machine& m) { m.push_none(); }},
    {0x88, [](Machine& m) { m.push_bool(true); }},
    {0x89, [](Machine& m) { m.push_bool(false); }},
    {'K', [](Machine& m) { m.push_int(m.in.u8()); }},
    {'M', [](Machine& m) { m.push_int(m.in.u16()); }},
    {'J', [](Machine& m) { m.push_int(static_cast<int32_t>(m.in.u32())); }},
    {0x8A, [](Machine& m) { push_long(m, m.in.take(m.in.u8())); }},
    {0x8B, [](Machine& m) { push_long(m, m.in.take(m.in.u32())); }},
    {'I', [](Machine& m) { push_int_line(m, m.in.line()); }},
    {'L', [](Machine& m) { push_int_line(m, m.in.line()); }},
    {'F', [](Machine& m) { m.push_float(parse_number<double>(m, m.in.line())); }},
    {'G', [](Machine& m) { push_double(m, m.in.take(8)); }},
    // texts and bytes
    {'X', [](Machine& m) { m.push_text(Kind::kString, m.in.take(m.in.u32())); }},
    {0x8C, [](Machine& m) { m.push_text(Kind::kString, m.in.take(m.in.u8())); }},
    {0x8D, [](Machine& m) { m.push_text(Kind::kString, m.in.take(m.in.u64())); }},
    {'T', [](Machine& m) { m.push_text(Kind::kString, m.in.take(m.in.u32())); }},
    {'U', [](Machine& m) { m.push_text(Kind::kString, m.in.take(m.in.u8())); }},
    {'V', [](Machine& m) { push_escaped(m, m.in.line()); }},
    {'S', [](Machine& m) { push_quoted(m, m.in.line()); }},
    {'B', [](Machine& m) { m.push_text(Kind::kBytes, m.in.take(m.in.u32())); }},
    {'C', [](Machine& m) { m.push_text(Kind::kBytes, m.in.take(m.in.u8())); }},
    {0x8E, [](Machine& m) { m.push_text(Kind::kBytes, m.in.take(m.in.u64())); }},
    {0x96, [](Machine& m) { m.push_text(Kind::kBytes, m.in.take(m.in.u64())); }},
    // containers
    {')', [](Machine& m) { m.push_empty_tuple(); }},
    {']', [](Machine& m) { m.push_empty(Kind::kList); }},
    {'}', [](Machine& m) { m.push_empty(Kind::kDict); }},
    {0x8F, [](Machine& m) { m.push_empty(Kind::kSet); }},
    {'t', [](Machine& m) { m.collect(Kind::kTuple, m.pop_mark()); }},
    {'l', [](Machine& m) { m.collect(Kind::kList, m.pop_mark()); }},
    {'d', [](Machine& m) { m.collect(Kind::kDict, m.pop_mark()); }},
    {0x91, [](Machine& m) { m.collect(Kind::kSet, m.pop_mark()); }},
    {0x85, [](Machine& m) { m.collect(Kind::kTuple, m.below_top(1)); }},
    {0x86, [](Machine& m) { m.collect(Kind::kTuple, m.below_top(2)); }},
    {0x87, [](Machine& m) { m.collect(Kind::kTuple, m.below_top(3)); }},
    {'a', [](Machine& m) { m.extend(Kind::kList, m.below_top(1)); }},
    {'s', [](Machine& m) { m.extend(Kind::kDict, m.below_top(2)); }},
    {'e', [](Machine& m) { m.extend(Kind::kList, m.pop_mark()); }},
    {'u', [](Machine& m) { m.extend(Kind::kDict, m.pop_mark()); }},
    {0x90, [](Machine& m) { m.extend(Kind::kSet, m.pop_mark()); }},
    // globals and calls
    {'c', push_global_lines},
    {0x93, [](Machine& m) { m.stack_global(); }},
    {0x82, [](Machine& m) { m.push_global("extension", m.in.take(1)); }},
    {0x83, [](Machine& m) { m.push_global("extension", m.in.take(2)); }},
    {0x84, [](Machine& m) { m.push_global("extension", m.in.take(4)); }},
    {'R', [](Machine& m) { m.reduce(); }},
    {0x81, [](Machine& m) { m.reduce(); }},
    {0x92, [](Machine& m) { m.reduce_with_keywords(); }},
    {'i', instantiate_lines},
    {'o', [](Machine& m) { m.instantiate_from_stack(); }},
    {'b', [](Machine& m) { m.build(); }},
    {'P', persistent_line},
    {'Q', [](Machine& m) { m.persistent(); }},
    // stack, memo, framing
    {'(', [](Machine& m) { m.mark(); }},
    {'0', [](Machine& m) { m.discard(); }},
    {'1', [](Machine& m) { m.pop_to_mark(); }},
    {'2', [](Machine& m) { m.duplicate(); }},
    {'p', [](Machine& m) { m.put(parse_number<uint64_t>(m, m.in.line())); }},
    {'q', [](Machine& m) { m.put(m.in.u8()); }},
    {'r', [](Machine& m) { m.put(m.in.u32()); }},
    {0x94, [](Machine& m) { m.memoize(); }},
    {'g', [](Machine& m) { m.get(parse_number<uint64_t>(m, m.in.line())); }},
    {'h', [](Machine& m) { m.get(m.in.u8()); }},
    {'j', [](Machine& m) { m.get(m.in.u32()); }},
    {0x80, check_protocol},
    {0x95, check_frame},
};

constexpr uint8_t kStop = '.';

constexpr auto kByCode = [] {
  std::array<void (*)(Machine&), 256> table = {};
  for (const Opcode& opcode : kOpcodes) table[opcode.code] = opcode.run;
  return table;
}();

}  // namespace

Document read(std::string_view bytes) {
  Machine machine(bytes);
  for (;;) {
    const uint8_t code = machine.in.u8();
    if (code == kStop) return machine.finish();
    if (kByCode[code] == nullptr) {
      throw machine.fail(fmt::format("expected an opcode, found 0x{:02X}", code));
    }
    kByCode[code](machine);
  }
}

}  // namespace sd::weights::pickle
