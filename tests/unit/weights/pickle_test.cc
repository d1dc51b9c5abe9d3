#include "weights/formats/pickle.h"

#include <gtest/gtest.h>

#include <string>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"

namespace sd::weights::pickle {
namespace {

using test::expect_error;
using namespace std::string_literals;
namespace pkl = test::pkl;

void refuses(const std::string& bytes, const std::string& part) {
  expect_error(ErrorKind::kCheckpoint, part, [&] { read(bytes); });
}

TEST(Pickle, ReadsNumbersOfEveryForm) {
  const std::string bytes =
      "(K\x05M\x00\x01J\xfe\xff\xff\xff\x8a\x00\x8a\x02\x00\x80I42\nL-7L\nI01\nNt."s;
  const Document document = read(bytes);
  const auto items = document.root().items();
  const int64_t expected[] = {5, 256, -2, 0, -32768, 42, -7};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(items[i].as_int(), expected[i]) << i;
  EXPECT_EQ(items[7].as_bool(), true);
  EXPECT_EQ(items[8].kind(), Kind::kNone);
}

TEST(Pickle, KeepsNumbersThatNoInt64Holds) {
  const std::string bytes = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
  const Document document = read(bytes);
  EXPECT_EQ(document.root().kind(), Kind::kBigInt);
  EXPECT_EQ(document.root().as_text()->size(), 10U);
  EXPECT_EQ(read("L123456789012345678901234L\n.").root().kind(), Kind::kBigInt);
}

TEST(Pickle, ReadsTextsOfEveryForm) {
  const std::string bytes =
      "(X\x02\x00\x00\x00"
      "ab\x8c\x02zw\x8d\x01\x00\x00\x00\x00\x00\x00\x00qU\x01uVcaf\\u00e9\nS'it\\'s\\n'\nC\x02\x00\xfft."s;
  const Document document = read(bytes);
  const auto items = document.root().items();
  const std::string expected[] = {"ab", "zw", "q", "u", "café", "it's\n", "\x00\xff"s};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(items[i].as_text(), expected[i]) << i;
  EXPECT_EQ(items.back().kind(), Kind::kBytes);
}

TEST(Pickle, ReadsContainers) {
  const std::string bytes = pkl::dict({{pkl::text("list"), "](K\x01K\x02"s + "eK\x03" + "a"},
                                       {pkl::text("one"), "K\x01\x85"},
                                       {pkl::text("set"), "\x8f(K\x01K\x02\x90"s},
                                       {pkl::text("twice"), "K\x01"},
                                       {pkl::text("twice"), "K\x02"}}) +
                            ".";
  const Document document = read(bytes);
  const Value root = document.root();
  EXPECT_EQ(root.find("list")->size(), 3U);
  EXPECT_EQ(root.find("list")->item(2).as_int(), 3);
  EXPECT_EQ(root.find("one")->kind(), Kind::kTuple);
  EXPECT_EQ(root.find("set")->kind(), Kind::kSet);
  EXPECT_EQ(root.find("twice")->as_int(), 2);  // the later one, as in Python
  EXPECT_FALSE(root.find("absent"));
}

TEST(Pickle, KeepsCallsWithoutMakingThem) {
  const std::string bytes = pkl::call(pkl::global("os", "system"), {pkl::text("true")}) + ".";
  const Document document = read(bytes);
  EXPECT_EQ(document.root().kind(), Kind::kObject);
  EXPECT_EQ(document.root().callable()->global_name(), "os.system");
  EXPECT_EQ(document.root().arguments()->item(0).as_text(), "true");
}

TEST(Pickle, KeepsInertObjectsOfEveryForm) {
  // NEWOBJ with state, INST, OBJ, NEWOBJ_EX, an extension code, STACK_GLOBAL.
  const std::string bytes =
      "(cm\nA\n)\x81}X\x01\x00\x00\x00kK\x01sb(K\x01im\nB\n(cm\nC\nK\x01ocm\nD\n)}\x92\x82\x07"
      "\x8c\x01m\x8c\x01"
      "E\x93t."s;
  const Document document = read(bytes);
  const auto items = document.root().items();
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[0].callable()->global_name(), "m.A");
  EXPECT_EQ(items[1].callable()->global_name(), "m.B");
  EXPECT_EQ(items[1].arguments()->size(), 1U);
  EXPECT_EQ(items[2].callable()->global_name(), "m.C");
  EXPECT_EQ(items[3].callable()->global_name(), "m.D");
  EXPECT_EQ(items[4].kind(), Kind::kGlobal);
  EXPECT_EQ(items[5].global_name(), "m.E");
}

TEST(Pickle, TakesAClassAsAKey) {
  const std::string bytes = pkl::dict({{pkl::global("a.b", "C"), pkl::integer(1)}}) + ".";
  const Document document = read(bytes);
  EXPECT_EQ(document.root().item(0).global_name(), "a.b.C");
}

TEST(Pickle, ReadsOrderedDictsOldAndNew) {
  const std::string ordered = pkl::global("collections", "OrderedDict");
  const std::string fresh_bytes = ordered + ")R(" + pkl::text("k") + "K\x05u.";
  const Document fresh = read(fresh_bytes);
  EXPECT_EQ(fresh.root().find("k")->as_int(), 5);
  const std::string pairs = pkl::list({pkl::list({pkl::text("k"), "K\x05"})});
  const std::string old_bytes = pkl::call(ordered, {pairs}) + ".";
  const Document old = read(old_bytes);
  EXPECT_EQ(old.root().find("k")->as_int(), 5);
}

TEST(Pickle, TakesAnObjectThatIsGivenKeysForADict) {
  // As a class made of OrderedDict writes it (REDUCE, SETITEMS, BUILD), and one made of dict
  // (NEWOBJ, SETITEM).
  const std::string made = "cm\nA\n";
  const std::string bytes = "(" + made + ")R(" + pkl::text("k") + "K\x05u}b" + made + ")\x81" +
                            pkl::text("k") + "K\x06st.";
  const Document document = read(bytes);
  const auto items = document.root().items();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].find("k")->as_int(), 5);
  EXPECT_EQ(items[1].find("k")->as_int(), 6);
  const std::string list_bytes = made + ")R(K\x05" + "e.";
  EXPECT_EQ(read(list_bytes).root().kind(), Kind::kObject);
}

TEST(Pickle, FollowsTheMemo) {
  const std::string bytes = "(K\x07q\x00h\x00K\x08\x94h\x01g0\nt."s;
  const Document document = read(bytes);
  const auto items = document.root().items();
  const int64_t expected[] = {7, 7, 8, 8, 7};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(items[i].as_int(), expected[i]) << i;
}

TEST(Pickle, EndsWhereItsStopIs) {
  const std::string bytes = "K\x01.K\x02.";
  const Document first = read(bytes);
  EXPECT_EQ(first.length(), 3U);
  EXPECT_EQ(read(bytes.substr(3)).root().as_int(), 2);
}

TEST(Pickle, TakesAListThatHoldsItself) {
  const std::string bytes = "]q\x00h\x00"s + "a.";
  const Document document = read(bytes);
  EXPECT_EQ(document.root().item(0).id(), document.root().id());
}

TEST(Pickle, TakesAnyDepth) {
  std::string deep(1'000'000, ']');
  deep.append(999'999, 'a').append(".");
  EXPECT_EQ(read(deep).root().size(), 1U);
}

TEST(Pickle, DoesNotMultiplyShared) {
  // Each tuple holds the one before it twice: 2^60 leaves if they were copied.
  std::string bytes = "K\x01";
  for (int i = 0; i < 60; ++i) bytes += "2\x86";
  EXPECT_LT(read(bytes + ".").size(), 100U);
  // One list of pairs given to many calls.
  std::vector<std::string> pairs(1000, "K\x01K\x02\x86");
  std::string many =
      pkl::list(pairs) + "q\x00"s + pkl::global("collections", "OrderedDict") + "q\x01"s;
  for (int i = 0; i < 1000; ++i) many += "h\x01h\x00\x85R"s;
  refuses(many + ".", "expected fewer items");
}

TEST(Pickle, RefusesWhatPythonRefuses) {
  refuses("", "expected 1 bytes");
  refuses("K\x01", "expected 1 bytes");
  refuses(".", "expected a value on the stack");
  refuses("t.", "expected a mark");
  refuses("(.", "expected a value on the stack");
  EXPECT_EQ(read("K\x01(0.").root().as_int(), 1);  // POP takes a mark away, too
  refuses("K\x01(a.", "expected more values");
  refuses("K\x01K\x02"s + "a.", "container of another kind");
  refuses("}(K\x01u.", "a value for each key");
  refuses("h\x00."s, "memo entry");
  refuses("K\x01r\xff\xff\xff\x7f.", "small memo number");
  refuses("K\x01)R.", "something to call");
  refuses("cm\nA\nK\x01R.", "tuple of arguments");
  refuses("cm\nA", "end of a line");
  refuses("X\xff\xff\xff\xff"s + "abc.", "bytes of the pickle");
  refuses("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"s + "abc.", "bytes of the pickle");
  refuses("\x80\x09.", "protocol 0 to 5");
  refuses("\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "frame");
  refuses("\xff.", "expected an opcode, found 0xFF");
  refuses("Iabc\n.", "expected a number");
  refuses("Sabc\n.", "in quotes");
  refuses("V\\u12\n.", "digits after a backslash");
}

}  // namespace
}  // namespace sd::weights::pickle
