#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weights/formats/byte_cursor.h"
#include "weights/formats/pickle.h"

namespace sd::weights::pickle {

/// The stack, marks and memo that a pickle's opcodes work on, and the document they fill. Each
/// operation checks what it finds and throws kCheckpoint where Python's machine would fail.
class Machine {
 public:
  explicit Machine(std::string_view bytes) : in(bytes, "pickle"), bytes_(bytes) {}

  ByteCursor in;

  /// An error that says where reading stopped.
  Error fail(const std::string& message) const;

  // Values that are put on the stack.
  void push_none() { push(shared(none_, Kind::kNone, 0)); }
  void push_bool(bool value) {
    push(value ? shared(true_, Kind::kBool, 1) : shared(false_, Kind::kBool, 0));
  }
  void push_empty_tuple() { push(shared(empty_tuple_, Kind::kTuple, 0)); }
  void push_int(int64_t value);
  void push_float(double value);
  /// `content` must outlive the document.
  void push_text(Kind kind, std::string_view content);
  /// As push_text, for a text that the document has to keep.
  void push_owned_text(Kind kind, std::string content);
  void push_empty(Kind kind) { push(add(kind)); }
  void push_global(std::string_view module, std::string_view name);

  // Containers. `extend` adds the values above index `begin` of the stack to the container below
  // them; an inert object that is given keys and values becomes a dict, other items of one are
  // dropped.
  void collect(Kind kind, size_t begin);
  void extend(Kind kind, size_t begin);
  /// The stack's index of the `count` values on top.
  size_t below_top(size_t count) const;

  // Objects: calls are kept, not made.
  void stack_global();
  void reduce();
  void reduce_with_keywords();
  void instantiate(std::string_view module, std::string_view name);
  void instantiate_from_stack();
  void build();
  void persistent();

  // Stack, marks, memo.
  void mark();
  /// Takes the innermost mark away; the values from the returned index on were above it.
  size_t pop_mark();
  void pop_to_mark() { stack_.resize(pop_mark()); }
  void discard();
  void duplicate() { push(top()); }
  void put(uint64_t index);
  void memoize() { put(memoized_); }
  void get(uint64_t index);

  /// The document, whose root is the value on top. The machine is spent.
  Document finish();

 private:
  using Node = Document::Node;

  Id add(const Node& node);
  Id add(Kind kind);
  Id add_pair(Kind kind, Id first, Id second);
  Id add_text(Kind kind, std::string_view content);
  Id shared(Id& cached, Kind kind, int64_t value);
  Id take_tuple(size_t begin);
  Id ordered_dict(Id arguments);
  void append(Id container, const Id* items, size_t count);
  void require_pairs(Kind kind, size_t begin) const;
  static void take_for_dict(Node& object);
  Node& node(Id id) { return doc_.nodes_[id]; }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void push(Id id);
  Id top() const;
  Id pop();

  std::string_view bytes_;
  Document doc_;
  std::vector<Id> stack_;
  std::vector<uint32_t> marks_;  // the stack's height at each open mark
  std::vector<Id> memo_;
  uint64_t memoized_ = 0;
  Id none_ = kNoId, true_ = kNoId, false_ = kNoId, empty_tuple_ = kNoId;
};

}  // namespace sd::weights::pickle
