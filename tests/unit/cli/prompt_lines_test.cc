// The lines of --from-file: what the reference takes, lines with flags of their own, JSON Lines,
// and what is wrong with a line said of that line only.

#include "cli/prompt_lines.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using Words = std::vector<std::string>;

/// The lines of a file of these bytes.
std::vector<PromptLine> read(const std::string& bytes, const std::string& name = "prompts.txt",
                             Script script = Script::kTxt2Img) {
  const TempFolder folder;
  Settings options(script);
  options.from_file = folder.write(name, bytes).string();
  return read_prompt_lines(options);
}

/// The only line of that file, which must be fine.
LineSettings options_of(const std::string& line, const std::string& name = "prompts.txt",
                        Script script = Script::kTxt2Img) {
  const auto lines = read(line, name, script);
  EXPECT_EQ(lines.size(), 1U) << line;
  EXPECT_EQ(lines.front().problem, "") << line;
  return lines.front().settings;
}

LineSettings from_json(const std::string& line) { return options_of(line, "prompts.jsonl"); }

/// What is wrong with the only line; it must have a hint, too.
std::string problem_of(const std::string& line, const std::string& name = "prompts.txt") {
  const auto lines = read(line, name);
  EXPECT_EQ(lines.size(), 1U) << line.substr(0, 80);
  EXPECT_EQ(lines.front().problem.empty(), lines.front().hint.empty()) << line.substr(0, 80);
  return lines.front().problem;
}

void expect_problem(const std::string& line, const std::string& part,
                    const std::string& name = "prompts.txt") {
  const std::string problem = problem_of(line, name);
  EXPECT_NE(problem, "") << line.substr(0, 80);
  EXPECT_NE(problem.find(part), std::string::npos) << line.substr(0, 80) << ": " << problem;
}

Words prompts_of(const std::vector<PromptLine>& lines) {
  Words prompts;
  for (const PromptLine& line : lines) prompts.push_back(line.settings.picture.prompt);
  return prompts;
}

TEST(PromptLines, AreTakenAsTheReferenceTakesThem) {
  const auto lines = read("\ufeffone\r\n\r\n two \rthree\n\tfour  ");
  EXPECT_EQ(prompts_of(lines), Words({"one", "", " two ", "three", "\tfour  "}));
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].number, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(lines[i].problem, "");
  }
}

TEST(PromptLines, MayHoldAnyTextThatIsNoFlag) {
  const std::string zero("a\0b", 3);
  const std::string longest(100'000, 'x');
  for (const std::string& text :
       {zero, longest, std::string("well--known"), std::string("a -- b"), std::string("--"),
        std::string("--- a ---"), std::string("--5 degrees"), std::string("a --"),
        std::string("(a:1.2) [b] \"c\" 'd \\ e"), std::string("-s 7 -W 64"),
        std::string("日本語 😀 – —seed"), std::string("{a|b} cat"), std::string("# no comment")}) {
    EXPECT_EQ(options_of(text + "\n").picture.prompt, text);
    EXPECT_FALSE(options_of(text).picture.seed.has_value());
  }
}

TEST(PromptLines, ThatAreNotUtf8AreNamedByTheirNumber) {
  const auto lines = read("good\n\xff\nalso good\ncaf\xe9\n\xed\xa0\x80");
  ASSERT_EQ(lines.size(), 5U);
  for (const size_t good : {0, 2}) EXPECT_EQ(lines[good].problem, "");
  for (const size_t bad : {1, 3, 4}) {
    EXPECT_EQ(lines[bad].problem.rfind("not UTF-8: ", 0), 0U) << lines[bad].problem;
    EXPECT_EQ(lines[bad].hint, "save the file as UTF-8");
    EXPECT_EQ(lines[bad].number, static_cast<int64_t>(bad) + 1);
  }
  EXPECT_EQ(lines[3].problem, "not UTF-8: caf\\xE9");  // nothing raw reaches the terminal
}

TEST(PromptLines, TakeTheirFlagsFromTheEndOfTheLine) {
  const LineSettings all = options_of(
      "a cat, (well--known)  --seed -7 --W 640 --H=64 --scale -2.5 --ddim-steps 20 "
      "--negative-prompt \"a \\\"dog\\\" \\\\ --W 1\" --ddim_eta 0.5");
  EXPECT_EQ(all.picture.prompt, "a cat, (well--known)");
  EXPECT_EQ(all.picture.seed, static_cast<uint64_t>(-7));
  EXPECT_EQ(all.W, 640);
  EXPECT_EQ(all.H, 64);
  EXPECT_EQ(all.picture.scale, -2.5);
  EXPECT_EQ(all.batch.steps, 20);
  EXPECT_EQ(all.picture.negative_prompt, "a \"dog\" \\ --W 1");
  EXPECT_EQ(all.batch.knobs.eta, 0.5);
  EXPECT_EQ(options_of("x --seed 18446744073709551615").picture.seed, UINT64_MAX);
  EXPECT_EQ(options_of("x --seed 1 --seed 2").picture.seed, 2U);
  EXPECT_EQ(options_of("--seed 3").picture.prompt, "");
  EXPECT_EQ(options_of("x\t--seed\t3").picture.seed, 3U);
}

TEST(PromptLines, TakeQuotesAsAShellDoes) {
  EXPECT_EQ(options_of("x --negative-prompt 'a \"b\" \\'").picture.negative_prompt, "a \"b\" \\");
  EXPECT_EQ(options_of("x --negative-prompt=\"a b\"'c d'e").picture.negative_prompt, "a bc de");
  EXPECT_EQ(options_of("x --negative-prompt C:\\dir").picture.negative_prompt, "C:\\dir");
  EXPECT_EQ(options_of("x --negative-prompt [a]").picture.negative_prompt, "[a]");
  EXPECT_EQ(split_words(""), Words());
  EXPECT_EQ(split_words(" \t "), Words());
  EXPECT_EQ(split_words("a '' \"\" b"), Words({"a", "", "", "b"}));
  EXPECT_EQ(split_words("\"a\\\\\" \"\\n\""), Words({"a\\", "\\n"}));
  EXPECT_EQ(split_words(R"("\(a\) C:\b \"\\" \(c)"), Words({R"(\(a\) C:\b "\)", R"(\(c)"}));
  for (const char* open : {"\"", "'", "\"a\\", "a 'b", "\"\\\""}) {
    expect_error(ErrorKind::kUsage, "does not end", [&] { split_words(open); });
  }
}

TEST(PromptLines, OfTheWebUisScriptAreFlagsAlone) {
  const LineSettings all = options_of(
      "--prompt \"a \\(big\\) cat\" --negative_prompt a dog, \"b c\" --steps 20 --cfg_scale 3.5 "
      "--sampler_name \"Euler a\" --width 640 --height 64 --subseed 3 --subseed_strength 0.5 "
      "--plms "
      "--seed 7");
  EXPECT_EQ(all.picture.prompt, "a \\(big\\) cat");
  EXPECT_EQ(all.picture.negative_prompt, "a dog, b c");
  EXPECT_EQ(all.batch.steps, 20);
  EXPECT_EQ(all.picture.scale, 3.5);
  EXPECT_EQ(all.batch.sampler, "Euler a");  // which planning looks up
  EXPECT_EQ(all.W, 640);
  EXPECT_EQ(all.H, 64);
  EXPECT_EQ(all.picture.variation_seed, 3U);
  EXPECT_EQ(all.batch.noise.variation_strength, 0.5);
  EXPECT_TRUE(all.plms);
  EXPECT_EQ(all.picture.seed, 7U);
  EXPECT_EQ(options_of(" --seed 3 --prompt a red  heart").picture.prompt, "a red heart");
  EXPECT_EQ(options_of("--prompt '' --seed 3").picture.prompt, "");
  EXPECT_EQ(options_of("--prompt --cfg_scale").picture.prompt, "--cfg_scale");
  EXPECT_EQ(options_of("--prompt=\"[a b]\"").picture.prompt, "[a b]");
  expect_problem("--prompt", "--prompt");
  expect_problem("--prompt a --restore_faces true", "--restore_faces");
  expect_problem("a cat --prompt b", "there is a prompt before --prompt");
  expect_problem("a cat --cfg_scale 5", "--cfg_scale");
}

TEST(PromptLines, SayInTheirOrderWhatIsNoFlag) {
  const auto lines = read("x --no-such 5 --nor-this\nx --seeed 5\nx --W big");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].problem, "unknown arguments: --no-such 5 --nor-this");
  EXPECT_EQ(lines[1].hint.rfind("did you mean --seed instead of --seeed?", 0), 0U) << lines[1].hint;
  EXPECT_EQ(lines[2].hint, "sd txt2img --help says what each flag takes");
}

TEST(PromptLines, MaySetAnEmptyTextWhateverFollows) {
  for (const char* line : {"x --negative-prompt '' --seed 7", "x --negative-prompt= --seed 7",
                           "x --seed 7 --negative-prompt=\"\"", "x --negative_prompt= --seed=7"}) {
    EXPECT_EQ(options_of(line).picture.negative_prompt, "") << line;
    EXPECT_EQ(options_of(line).picture.seed, 7U) << line;
  }
  EXPECT_EQ(options_of("x --negative-prompt --dog=").picture.negative_prompt, "--dog=");
}

TEST(PromptLines, TurnFlagsOnAndOff) {
  EXPECT_TRUE(options_of("x --plms").plms);
  EXPECT_TRUE(options_of("x --plms=true").plms);
  EXPECT_FALSE(options_of("x --plms=false").plms);
  EXPECT_TRUE(options_of("x --dpm-solver --seed 1").dpm_solver);
  const TempFolder folder;
  Settings options(Script::kTxt2Img);
  options.plms = true;
  options.W = 128;
  options.picture.negative_prompt = "dogs";
  options.from_file =
      folder.write("x.txt", "a --plms=false\nb --W 64 --negative-prompt ''").string();
  const auto lines = read_prompt_lines(options);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_FALSE(lines[0].settings.plms);
  EXPECT_EQ(lines[0].settings.W, 128);
  EXPECT_EQ(lines[0].settings.picture.negative_prompt, "dogs");
  EXPECT_TRUE(lines[1].settings.plms);
  EXPECT_EQ(lines[1].settings.W, 64);
  EXPECT_EQ(lines[1].settings.picture.negative_prompt, "");
}

TEST(PromptLines, SayWhatIsWrongWithTheirFlags) {
  expect_problem("x --no-such 5", "--no-such");
  expect_problem("x --outdir y", "--outdir");  // not a matter of one picture
  expect_problem("x --n_samples 2", "--n_samples");
  expect_problem("x --W", "--W");
  expect_problem("x --W big", "big");
  expect_problem("x --W 64.0", "64.0");
  expect_problem("x --W 99999999999999999999", "--W");
  expect_problem("x --seed 18446744073709551616", "64 bits");
  expect_problem("x --seed 1.5", "64 bits");
  expect_problem("x --scale much", "--scale");
  expect_problem("x --plms=perhaps", "perhaps");
  expect_problem("x --seed 1 a cat", "cat");
  expect_problem("x --negative-prompt 'a", "does not end");
  expect_problem("x --strength 0.5", "--strength");
  expect_problem(std::string("x --W\0y 64", 10), "--W");
  const auto lines = read("fine\nx --no-such 5\nfine, too");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].problem + lines[2].problem, "");
  EXPECT_EQ(lines[1].number, 2);
  for (const char* flag : {"--negative-prompt", "--H", "--W", "--scale", "--ddim_steps", "--plms",
                           "--dpm_solver", "--ddim_eta", "--seed", "JSON Lines"}) {
    EXPECT_NE(lines[1].hint.find(flag), std::string::npos) << flag;
  }
}

TEST(PromptLines, OfImg2ImgHaveItsFlags) {
  const LineSettings set =
      options_of("x --init-img 'a b.png' --strength 0.25 --plms", "prompts.txt", Script::kImg2Img);
  EXPECT_EQ(set.batch.init.file, "a b.png");
  EXPECT_EQ(set.batch.init.strength, 0.25);
  EXPECT_TRUE(set.plms);
  EXPECT_EQ(set.picture.scale, 5.0);
  EXPECT_NE(read("x --dpm_solver", "x.txt", Script::kImg2Img).front().problem, "");
}

TEST(JsonLines, AreToldByTheNameOrTheFirstCharacters) {
  EXPECT_EQ(from_json("{}").picture.prompt, Settings().picture.prompt);
  EXPECT_EQ(options_of("{\"prompt\": \"a\"}").picture.prompt, "a");
  EXPECT_EQ(options_of("{ \t\"prompt\": \"a\"}").picture.prompt, "a");
  EXPECT_EQ(options_of("{}").picture.prompt, Settings().picture.prompt);
  EXPECT_EQ(options_of("{a cat}").picture.prompt, "{a cat}");
  EXPECT_EQ(options_of("[\"a cat\"]").picture.prompt, "[\"a cat\"]");
  EXPECT_EQ(prompts_of(read("a\n{\"prompt\": \"b\"}")), Words({"a", "{\"prompt\": \"b\"}"}));
  expect_problem("a cat", "not a JSON object: a cat", "x.jsonl");
}

TEST(JsonLines, LeaveBlankLinesOutAndCountThem) {
  const auto lines = read("\ufeff\n  \n{\"prompt\": \"a\"}\r\n\t\r\n\r\n{\"prompt\": \"b\"}\n\n");
  EXPECT_EQ(prompts_of(lines), Words({"a", "b"}));
  EXPECT_EQ(lines[0].number, 3);
  EXPECT_EQ(lines[1].number, 6);
  expect_error(ErrorKind::kUsage, "has no lines", [] { read("\n \n\r\n", "x.jsonl"); });
}

TEST(JsonLines, SetFlagsByTheirNames) {
  const LineSettings set = from_json(
      "{\"prompt\": \"a --seed 1\", \"seed\": 18446744073709551615, \"W\": \"640\", \"H\": 64, "
      "\"scale\": -2.5, \"ddim_steps\": 20, \"negative-prompt\": \"--seed 5\", \"plms\": true, "
      "\"ddim_eta\": 1e-1}");
  ;
  EXPECT_EQ(set.picture.prompt, "a --seed 1");
  EXPECT_EQ(set.picture.seed, UINT64_MAX);
  EXPECT_EQ(set.W, 640);
  EXPECT_EQ(set.H, 64);
  EXPECT_EQ(set.picture.scale, -2.5);
  EXPECT_EQ(set.batch.steps, 20);
  EXPECT_EQ(set.picture.negative_prompt, "--seed 5");
  EXPECT_TRUE(set.plms);
  EXPECT_EQ(set.batch.knobs.eta, 0.1);
  EXPECT_EQ(from_json("{\"seed\": \"7\"}").picture.seed, 7U);
  EXPECT_EQ(from_json("{\"seed\": -1}").picture.seed, UINT64_MAX);
  EXPECT_FALSE(from_json("{\"plms\": false}").plms);
  EXPECT_EQ(from_json("{\"scale\": 5, \"scale\": 6}").picture.scale,
            6);  // the last, as on the command line
  EXPECT_EQ(from_json("{\"prompt\": \"a\", \"prompt\": \"b\"}").picture.prompt, "b");
}

TEST(JsonLines, MayHoldAnyText) {
  EXPECT_EQ(from_json("{\"prompt\": \"a\\u0000b\\nc\"}").picture.prompt, std::string("a\0b\nc", 5));
  EXPECT_EQ(from_json("{\"prompt\": \"\\ud83d\\ude00\"}").picture.prompt, "😀");
  // Python writes these raw, and in a text file they end a line.
  EXPECT_EQ(from_json("{\"prompt\": \"a\u2028b\u2029c\u0085\"}\n").picture.prompt,
            "a\u2028b\u2029c\u0085");
  const std::string longest(100'000, 'x');
  EXPECT_EQ(from_json("{\"prompt\": \"" + longest + "\"}").picture.prompt, longest);
  const LineSettings empty =
      from_json("{\"negative_prompt\": \"\", \"prompt\": \"\", \"seed\": 7}");
  EXPECT_EQ(empty.picture.negative_prompt, "");
  EXPECT_EQ(empty.picture.prompt, "");
  EXPECT_EQ(empty.picture.seed, 7U);
}

TEST(JsonLines, SayWhatIsWrongWithThem) {
  const auto expect = [](const std::string& line, const std::string& part) {
    expect_problem(line, part, "x.jsonl");
  };
  for (const char* line : {"{", "{\"prompt\": \"a}", "{\"prompt\" \"a\"}", "[1]", "5", "null",
                           "{\"prompt\": \"a\"} x", "{'prompt': 'a'}", "{\"prompt\": \"\\ud800\"}",
                           "{\"seed\": 1e999}", "{\"seed\": 01}", "{\"seed\": NaN}"}) {
    expect(line, "not a JSON object");
  }
  expect("{\"prompt\": 5}", "\"prompt\" must be a text");
  expect("{\"prompt\": null}", "\"prompt\" must be a text");
  expect("{\"seed\": null}", "\"seed\" must be a text, a number, true or false");
  expect("{\"seed\": [7]}", "\"seed\" must be");
  expect("{\"W\": {}}", "\"W\" must be");
  expect("{\"cfg\": 7}", "--cfg");
  expect("{\"\": 7}", "");
  expect("{\"prompt \": \"a\"}", "--prompt ");
  expect("{\"n_samples\": 2}", "--n_samples");
  expect("{\"seed\": 1.5}", "64 bits");
  expect("{\"seed\": 18446744073709551616}", "64 bits");
  expect("{\"seed\": true}", "64 bits");
  expect("{\"W\": 1e3}", "1000.0");
  expect("{\"W\": \"\"}", "--W");
  expect("{\"plms\": \"perhaps\"}", "perhaps");
  expect("{\"plms\": \"\"}", "");
  expect("{\"scale\": \"7.5 \\u0000\"}", "--scale");
  const auto lines = read("{\"prompt\": \"a\"}\n\n{\"prompt\": 5}\n{\"prompt\": \"b\xff\"}");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].problem, "");
  EXPECT_EQ(lines[1].number, 3);
  EXPECT_NE(lines[1].problem, "");
  EXPECT_EQ(lines[2].problem.rfind("not UTF-8", 0), 0U) << lines[2].problem;
}

TEST(JsonLines, OfAnyDepthAreNoHarm) {
  constexpr size_t kDepth = 1'000'000;
  for (const std::string& deep :
       {std::string(kDepth, '['), std::string(kDepth, '[') + std::string(kDepth, ']'),
        "{\"seed\": " + std::string(kDepth, '[') + std::string(kDepth, ']') + "}"}) {
    EXPECT_NE(problem_of(deep, "x.jsonl"), "");
  }
  std::string objects;
  for (size_t i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_NE(problem_of(objects, "x.jsonl"), "");
}

TEST(PromptLines, ComeFromStandardInputToo) {
  std::istringstream input("one\r\ntwo --seed 5");
  std::streambuf* before = std::cin.rdbuf(input.rdbuf());
  Settings options(Script::kTxt2Img);
  options.from_file = "-";
  const auto lines = read_prompt_lines(options);
  std::cin.rdbuf(before);
  EXPECT_EQ(prompts_of(lines), Words({"one", "two"}));
  EXPECT_EQ(lines.at(1).settings.picture.seed, 5U);
}

TEST(PromptLines, ThatHaveNoEndAreAnError) {
  expect_problem(std::string((size_t{1} << 20) + 1, 'a'), "longer than 1 MiB");
  EXPECT_EQ(problem_of(std::string(size_t{1} << 20, 'a')), "");
  expect_error(ErrorKind::kUsage, "more than 1000000 lines",
               [] { read(std::string(1'000'001, '\n')); });
  Settings options(Script::kTxt2Img);
  options.from_file = "/dev/zero";
  expect_error(ErrorKind::kUsage, "more than 256 MiB", [&] { read_prompt_lines(options); });
}

TEST(PromptLines, OfNoFileAreAnError) {
  const TempFolder folder;
  Settings options(Script::kTxt2Img);
  for (const std::string& path : {(folder / "absent.txt").string(), folder.path().string()}) {
    options.from_file = path;
    expect_error(ErrorKind::kFile, "cannot be read", [&] { read_prompt_lines(options); });
  }
  for (const char* nothing : {"", "\ufeff"}) {
    expect_error(ErrorKind::kUsage, "has no lines", [&] { read(nothing); });
  }
}

}  // namespace
}  // namespace sd::test
