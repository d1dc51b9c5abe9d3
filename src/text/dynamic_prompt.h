#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sd::text {

/// A value of a wildcard and how often it is taken.
struct WildcardValue {
  std::string text;
  double weight = 1;

  bool operator==(const WildcardValue&) const = default;
};

/// All values of a wildcard by its name, such as "colours" or "artists/*"; they live as long as the
/// function, which returns no temporary. Throws Error where there is none.
using WildcardLookup = std::function<const std::vector<WildcardValue>&(const std::string& name)>;

/// What a prompt's choices depend on.
struct ExpansionSeed {
  uint64_t seed = 0;   ///< of random choices: the same one makes the same choices, on any machine
  uint64_t place = 0;  ///< of the picture in its run: what `@` and `!` count by
};

/// A prompt made from a template in the grammar of the dynamicprompts package (0.31):
/// `{a|2::b|c}` takes an option, by weight; `{2$$a|b|c}`, `{1-2$$ and $$a|b}` several, without
/// repeats, with "," or the given text between; `__name__` takes a value of a wildcard, which is a
/// template, too; `${x=a}`, `${x=!a}`, `${x?=a}`, `${x}`, `${x:a}` set and use variables;
/// `__name(x=a)__` sets one for the wildcard; `%{a ... b$$c}` puts c in place of "..."; `#` begins
/// a comment. After `{`, `__` or an option's count `~` chooses at random, `@` in turn, `!` so that
/// all combinations come up.
///
/// Throws Error(kUsage), saying where, for brackets without an end, for nesting deeper than 32 and
/// for a result longer than 1 MiB.
std::string expand_prompt(std::string_view utf8, const ExpansionSeed& seed,
                          const WildcardLookup& lookup);

}  // namespace sd::text
