#include "weights/formats/pickle_machine.h"

#include <fmt/core.h>

namespace sd::weights::pickle {
namespace {

/// More values than any checkpoint's index needs: a bound on memory for damaged files.
constexpr size_t kMaxValues = size_t{1} << 24;

}  // namespace

Error Machine::fail(const std::string& message) const {
  return damaged(message + fmt::format(" (in a pickle, before byte {})", in.position()));
}

// ---- values ----

Id Machine::add(const Node& node) {
  if (doc_.nodes_.size() >= kMaxValues) throw fail("expected fewer than 16777216 values");
  doc_.nodes_.push_back(node);
  return static_cast<Id>(doc_.nodes_.size() - 1);
}

Id Machine::add(Kind kind) {
  Node node;
  node.kind = kind;
  return add(node);
}

Id Machine::add_pair(Kind kind, Id first, Id second) {
  Node node;
  node.kind = kind;
  node.first = first;
  node.second = second;
  return add(node);
}

Id Machine::add_text(Kind kind, std::string_view content) {
  if (content.size() > UINT32_MAX) throw fail("expected a text of less than 4 GiB");
  Node node;
  node.kind = kind;
  node.text = content.data();
  node.length = static_cast<uint32_t>(content.size());
  return add(node);
}

/// Values that opcodes of a single byte make are kept once.
Id Machine::shared(Id& cached, Kind kind, int64_t value) {
  if (cached == kNoId) {
    Node node;
    node.kind = kind;
    node.integer = value;
    cached = add(node);
  }
  return cached;
}

void Machine::push_int(int64_t value) {
  Node node;
  node.kind = Kind::kInt;
  node.integer = value;
  push(add(node));
}

void Machine::push_float(double value) {
  Node node;
  node.kind = Kind::kFloat;
  node.real = value;
  push(add(node));
}

void Machine::push_text(Kind kind, std::string_view content) { push(add_text(kind, content)); }

void Machine::push_owned_text(Kind kind, std::string content) {
  doc_.decoded_.push_back(std::move(content));
  push(add_text(kind, doc_.decoded_.back()));
}

void Machine::push_global(std::string_view module, std::string_view name) {
  const Id module_id = add_text(Kind::kString, module);
  push(add_pair(Kind::kGlobal, module_id, add_text(Kind::kString, name)));
}

// ---- the stack: values below the innermost mark are out of reach ----

void Machine::push(Id id) {
  if (stack_.size() >= kMaxValues) throw fail("expected fewer than 16777216 values on the stack");
  stack_.push_back(id);
}

Id Machine::top() const {
  if (stack_.size() <= floor()) throw fail("expected a value on the stack, found none");
  return stack_.back();
}

Id Machine::pop() {
  const Id id = top();
  stack_.pop_back();
  return id;
}

void Machine::mark() {
  if (marks_.size() >= kMaxValues) throw fail("expected fewer than 16777216 marks");
  marks_.push_back(static_cast<uint32_t>(stack_.size()));
}

size_t Machine::pop_mark() {
  if (marks_.empty()) throw fail("expected a mark on the stack, found none");
  const size_t begin = marks_.back();
  marks_.pop_back();
  return begin;
}

/// A mark on top counts as a value here.
void Machine::discard() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
  } else {
    pop();
  }
}

size_t Machine::below_top(size_t count) const {
  if (stack_.size() < floor() + count) throw fail("expected more values on the stack");
  return stack_.size() - count;
}

/// Writers number their entries from 0, so that a number beyond the bytes read is damage.
void Machine::put(uint64_t index) {
  if (index >= in.position() || index >= kMaxValues) {
    throw fail(fmt::format("expected a small memo number, found {}", index));
  }
  if (index >= memo_.size()) memo_.resize(index + 1, kNoId);
  if (memo_[index] == kNoId) ++memoized_;
  memo_[index] = top();
}

void Machine::get(uint64_t index) {
  if (index >= memo_.size() || memo_[index] == kNoId) {
    throw fail(fmt::format("expected a memo entry of number {}, found none", index));
  }
  push(memo_[index]);
}

// ---- containers ----

void Machine::append(Id container, const Id* items, size_t count) {
  if (count == 0) return;
  if (doc_.items_.size() + count > 2 * kMaxValues) throw fail("expected fewer items");
  const auto chunk = static_cast<uint32_t>(doc_.chunks_.size());
  doc_.chunks_.push_back(
      {static_cast<uint32_t>(doc_.items_.size()), static_cast<uint32_t>(count), kNoId});
  doc_.items_.insert(doc_.items_.end(), items, items + count);
  Node& owner = node(container);
  if (owner.tail == kNoId) {
    owner.head = chunk;
  } else {
    doc_.chunks_[owner.tail].next = chunk;
  }
  owner.tail = chunk;
  owner.count += static_cast<uint32_t>(count);
}

void Machine::require_pairs(Kind kind, size_t begin) const {
  if (kind == Kind::kDict && (stack_.size() - begin) % 2 != 0) {
    throw fail("expected a value for each key");
  }
}

void Machine::collect(Kind kind, size_t begin) {
  if (kind == Kind::kTuple) return push(take_tuple(begin));
  require_pairs(kind, begin);
  const Id container = add(kind);
  append(container, stack_.data() + begin, stack_.size() - begin);
  stack_.resize(begin);
  push(container);
}

Id Machine::take_tuple(size_t begin) {
  if (begin == stack_.size()) return shared(empty_tuple_, Kind::kTuple, 0);
  const Id tuple = add(Kind::kTuple);
  append(tuple, stack_.data() + begin, stack_.size() - begin);
  stack_.resize(begin);
  return tuple;
}

/// What a call gave and gets items by their keys is of a class that is made of a dict's.
void Machine::take_for_dict(Node& object) {
  if (object.kind == Kind::kObject && object.tail == kNoId) object.kind = Kind::kDict;
}

void Machine::extend(Kind kind, size_t begin) {
  if (begin <= floor()) throw fail("expected a container on the stack, found none");
  require_pairs(kind, begin);
  const Id container = stack_[begin - 1];
  if (kind == Kind::kDict) take_for_dict(node(container));
  if (node(container).kind == kind) {
    append(container, stack_.data() + begin, stack_.size() - begin);
  } else if (node(container).kind != Kind::kObject) {
    throw fail("expected a container of another kind on the stack");
  }
  stack_.resize(begin);
}

// ---- objects ----

void Machine::stack_global() {
  const Id name = pop();
  const Id module = pop();
  if (node(name).kind != Kind::kString || node(module).kind != Kind::kString) {
    throw fail("expected a module and a name, found other values");
  }
  push(add_pair(Kind::kGlobal, module, name));
}

/// Dictionary classes become plain dicts, all other calls inert objects.
void Machine::reduce() {
  const Id arguments = pop();
  const Id callable = pop();
  const Kind kind = node(callable).kind;
  if (kind != Kind::kGlobal && kind != Kind::kObject) {
    throw fail("expected something to call, found another value");
  }
  if (node(arguments).kind != Kind::kTuple) throw fail("expected a tuple of arguments");
  const Value called = doc_.value(callable);
  if (called.is_global("collections", "OrderedDict")) {
    push(ordered_dict(arguments));
  } else if (called.is_global("collections", "defaultdict")) {
    push(add(Kind::kDict));
  } else {
    push(add_pair(Kind::kObject, callable, arguments));
  }
}

void Machine::reduce_with_keywords() {
  pop();
  reduce();
}

/// OrderedDict([[key, value], …]), as Python 2 wrote it.
Id Machine::ordered_dict(Id arguments) {
  const Id dict = add(Kind::kDict);
  if (node(arguments).count == 0) return dict;
  const Value pairs = doc_.value(arguments).item(0);
  if (pairs.kind() != Kind::kList && pairs.kind() != Kind::kTuple) return dict;
  for (const Value& pair : pairs.items()) {
    if ((pair.kind() != Kind::kList && pair.kind() != Kind::kTuple) || pair.size() != 2) {
      throw fail("expected a key and a value, found another value");
    }
    // A list that many calls share must not be copied more often than the file's bytes pay for.
    if (doc_.items_.size() > 2 * bytes_.size()) throw fail("expected fewer items");
    const Id both[] = {pair.item(0).id(), pair.item(1).id()};
    append(dict, both, 2);
  }
  return dict;
}

void Machine::instantiate(std::string_view module, std::string_view name) {
  const Id arguments = take_tuple(pop_mark());
  push_global(module, name);
  push(add_pair(Kind::kObject, pop(), arguments));
}

void Machine::instantiate_from_stack() {
  const size_t begin = pop_mark();
  if (begin == stack_.size()) throw fail("expected a class above the mark, found none");
  const Id cls = stack_[begin];
  const Id arguments = take_tuple(begin + 1);
  stack_.resize(begin);
  push(add_pair(Kind::kObject, cls, arguments));
}

/// The state is dropped, since nothing is ever built.
void Machine::build() {
  const Id state = pop();
  const Kind kind = node(top()).kind;
  if (kind == Kind::kObject) node(top()).tail = state;
  if (kind == Kind::kNone || kind == Kind::kBool || kind == Kind::kInt || kind == Kind::kFloat) {
    throw fail("expected an object to give state to");
  }
}

void Machine::persistent() { push(add_pair(Kind::kPersistent, pop(), kNoId)); }

Document Machine::finish() {
  doc_.root_ = top();
  doc_.length_ = in.position();
  return std::move(doc_);
}

}  // namespace sd::weights::pickle
