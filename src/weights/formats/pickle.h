#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sd::weights::pickle {

using Id = uint32_t;
inline constexpr Id kNoId = UINT32_MAX;

enum class Kind : uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,  ///< beyond int64: its bytes or digits as text
  kFloat,
  kString,
  kBytes,
  kTuple,
  kList,
  kDict,  ///< also an OrderedDict, a defaultdict, or an object that was given keys and values
  kSet,
  kGlobal,      ///< a name; nothing stands behind it
  kObject,      ///< what calling a global would have given: the callable and its arguments
  kPersistent,  ///< a reference to something outside the pickle
};

class Document;

/// A value of a document: two words, as cheap as a pointer. Values may contain each other in
/// circles, so that a walk over them must keep track of where it has been.
class Value {
 public:
  Value(const Document* document, Id id) : document_(document), id_(id) {}

  Kind kind() const;
  Id id() const { return id_; }

  std::optional<int64_t> as_int() const;
  std::optional<bool> as_bool() const;
  /// The characters of a string, the bytes of a byte string, or the raw form of a big integer.
  std::optional<std::string_view> as_text() const;

  /// How many values a tuple, list or set holds; for a dict, its keys and values together.
  size_t size() const;
  /// Those values in order; a dict's are key, value, key, value, … (a later key wins).
  std::vector<Value> items() const;
  /// The i-th of them; i must be below size().
  Value item(size_t i) const;
  /// The dict's value under a text key, the last one if there are several.
  std::optional<Value> find(std::string_view key) const;

  /// "module.name" of a global, each part cut after 256 bytes; empty for other kinds.
  std::string global_name() const;
  bool is_global(std::string_view module, std::string_view name) const;
  /// The callable of an object (a global, as a rule) and its arguments.
  std::optional<Value> callable() const;
  std::optional<Value> arguments() const;
  /// What an object was to be given as its state (the last time).
  std::optional<Value> state() const;
  /// What a persistent reference refers to.
  std::optional<Value> persistent_id() const;

 private:
  const Document* document_;
  Id id_;
};

/// Everything one pickle describes, in flat arrays: however deep the values nest, building and
/// freeing them takes no recursion. Texts point into the bytes that were read, which must outlive
/// the document.
class Document {
 public:
  Value root() const { return {this, root_}; }
  /// The number of bytes the pickle took.
  size_t length() const { return length_; }

  size_t size() const { return nodes_.size(); }
  Value value(Id id) const { return {this, id}; }

 private:
  friend class Value;
  friend class Machine;

  struct Node {
    Kind kind = Kind::kNone;
    uint32_t count = 0;  // of items
    union {
      int64_t integer;
      double real;
      const char* text;
    };
    uint32_t length = 0;                  // of text
    Id first = kNoId;                     // global: module; object: callable; persistent: its id
    Id second = kNoId;                    // global: name; object: arguments
    uint32_t head = kNoId, tail = kNoId;  // chunks of items; object: tail is its state
    Node() : integer(0) {}
  };
  /// A run of items; a container that grows gets one for each time.
  struct Chunk {
    uint32_t begin, count, next;
  };

  std::string_view text(const Node& node) const { return {node.text, node.length}; }

  std::deque<Node> nodes_;
  std::deque<Chunk> chunks_;
  std::deque<Id> items_;
  std::deque<std::string> decoded_;  // texts that the pickle wrote with escapes
  Id root_ = kNoId;
  size_t length_ = 0;
};

/// Reads the pickle (protocols 0 to 5) that `bytes` begins with. Nothing is imported or called: a
/// global is kept as its name, and a call as what was to be called with what. Memory stays below a
/// constant times the bytes read. Throws kCheckpoint, saying what was found where.
Document read(std::string_view bytes);

}  // namespace sd::weights::pickle
