#include "text/ftfy/text_fixer.h"

#include <gtest/gtest.h>

#include "text/unicode.h"
#include "unit/text/cases.h"

namespace sd {
using namespace text;

namespace {

std::string fixed(std::string_view text) { return to_utf8(fix_text(from_utf8(text))); }

TEST(FixText, GivesWhatFtfyGives) {
  size_t changed = 0;
  for (const auto& row : test::text_cases()) {
    const std::string text = row.at("text");
    EXPECT_EQ(fixed(text), row.at("fixed").get<std::string>()) << "of " << text;
    if (row.at("text") != row.at("fixed")) ++changed;
  }
  EXPECT_GT(changed, 200u);
}

TEST(FixText, GivesWhatTheReferenceRecorded) {
  SD_NEEDS_REFERENCE();
  for (const auto& item : test::token_items()) {
    EXPECT_EQ(fixed(item.at("text").get<std::string>()), item.at("ftfy").get<std::string>());
  }
}

TEST(FixText, UnescapesEntitiesUntilALessThanSign) {
  EXPECT_EQ(fixed("caf&eacute; &amp;lt;"), "café <");
  EXPECT_EQ(fixed("&amp;\na < b &amp;\n&amp;"), "&\na < b &amp;\n&amp;");
  EXPECT_EQ(fixed("this&not that &foo; &#59;"), "this&not that &foo; &#59;");
}

TEST(FixText, RemovesWhatCannotBeSeen) {
  EXPECT_EQ(fixed(std::string_view("a\0b\x1b[31mc\x1b[0m\x7f", 15)), "abc");
  EXPECT_EQ(fixed("a\r\nb\rc\u2028d"), "a\nb\nc\nd");
}

TEST(FixText, RepairsMojibakeInLayersAndInParts) {
  EXPECT_EQ(fixed("schÃ¶n"), "schön");
  EXPECT_EQ(fixed("ÃƒÂ©tÃƒÂ©"), "été");
  EXPECT_EQ(fixed("日本語 schÃ¶n 日本語"), "日本語 schön 日本語");
  EXPECT_EQ(fixed("voilÃ  le travail"), "voilà le travail");
}

TEST(FixText, LeavesGoodTextAlone) {
  for (const char* text : {"", "plain", "naïve façade", "¿Qué? ¡Sí!", "Straße, Ångström", "日本語",
                           "Привет", "(╯°□°)╯︵ ┻━┻", "3×2 ½ €5 °C"}) {
    EXPECT_EQ(fixed(text), text);
  }
}

TEST(FixText, IsDoneAtOnce) {
  for (const auto& row : test::text_cases()) {
    const std::string once = row.at("fixed");
    if (once.find('&') != std::string::npos || once.find('<') != std::string::npos) continue;
    EXPECT_EQ(fixed(once), once);
  }
}

// Texts that take a number of rounds that grows with their length, or that invite a pattern to
// look far ahead from every character.
TEST(FixText, FinishesLongHostileTexts) {
  for (const char* unit : {"&amp;", "&semi", "é&amp", "é©©Ã©", "Ã©©©", "ÃƒÆ’Ã†â€™", "Ã ", "\x1b[1",
                           "\u0301\u0323", "\u0081", "Ã\ufffd", "ð\u009f", "\x1aÃ", "&", "\n"}) {
    EXPECT_NO_THROW(fixed(test::hundred_kilobytes(unit))) << unit;
  }
}

TEST(FixText, UnescapesDeepNestingCompletely) {
  std::string amp = "&";
  std::string semi = ";";
  for (int i = 0; i < 20'000; ++i) amp += "amp;";
  for (int i = 0; i < 20'000; ++i) semi = "&semi" + semi;
  EXPECT_EQ(fixed(amp + "lt;"), "<");
  EXPECT_EQ(fixed(semi), ";");
}

}  // namespace
}  // namespace sd
