#include "text/prompt_schedule.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "sd/error.h"
#include "text/prompt_chars.h"
#include "text/prompt_elements.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

using View = std::u32string_view;

/// N as the last step before the change, at most all steps.
int64_t boundary(View number, const PromptTimeline& timeline) {
  const auto steps = static_cast<double>(timeline.steps);
  const bool second_pass = timeline.first_pass > 0;
  double at = read_decimal(number).value_or(0);
  if (timeline.old_editing) {
    if (at < 1) at *= steps;
  } else if (number.find(U'.') != View::npos) {
    at = (at - (second_pass ? 1 : 0)) * steps;
  } else if (second_pass) {
    at -= static_cast<double>(timeline.first_pass);
  }
  if (!std::isfinite(at)) {
    throw Error(ErrorKind::kUsage,
                "a prompt changes at a step that is not finite: " + printable(to_utf8(number), 60),
                "write a step, or a share of the steps like 0.5, at the end of [before:after:0.5]");
  }
  return static_cast<int64_t>(std::trunc(std::clamp(at, -1e9, steps)));
}

class Schedule {
 public:
  Schedule(View text, const PromptTimeline& timeline)
      : text_(text), elements_(find_elements(text)) {
    until_.push_back(timeline.steps);
    bool alternates = false;
    for (const PromptElement& element : elements_) {
      alternates = alternates || element.alternates();
      changes_.push_back(element.alternates() ? 0 : boundary(in(element.number), timeline));
      if (changes_.back() >= 1) until_.push_back(changes_.back());
    }
    for (int64_t step = 1; alternates && step <= timeline.steps; ++step) until_.push_back(step);
    std::sort(until_.begin(), until_.end());
    until_.erase(std::unique(until_.begin(), until_.end()), until_.end());
  }

  std::vector<PromptStage> stages() const {
    std::vector<PromptStage> result;
    for (const int64_t step : until_) result.push_back({step, text_at(step)});
    return result;
  }

 private:
  View in(TextRange range) const { return text_.substr(range.begin, range.end - range.begin); }

  /// The option that an element shows at a step, counted from 1.
  TextRange option(size_t element, int64_t step) const {
    const std::vector<TextRange>& options = elements_[element].options;
    if (!elements_[element].alternates()) return options[step <= changes_[element] ? 0 : 1];
    return options[static_cast<size_t>(step - 1) % options.size()];
  }

  /// Copies from left to right. At an element it goes on in the option shown, and from the end of
  /// that to what stands behind the element.
  std::string text_at(int64_t step) const {
    struct Return {
      size_t at, to;
    };
    std::u32string result;
    std::vector<Return> returns{{text_.size(), text_.size()}};
    size_t i = 0;
    size_t next = 0;  // element
    while (!returns.empty()) {
      while (next < elements_.size() && elements_[next].all.begin < i) ++next;
      const size_t end = returns.back().at;
      const size_t stop = next < elements_.size() ? elements_[next].all.begin : text_.size();
      if (stop < end) {
        result += text_.substr(i, stop - i);
        const TextRange shown = option(next, step);
        returns.push_back({shown.end, elements_[next].all.end});
        i = shown.begin;
      } else {
        result += text_.substr(i, end - i);
        i = returns.back().to;
        returns.pop_back();
      }
    }
    return to_utf8(result);
  }

  View text_;
  std::vector<PromptElement> elements_;
  std::vector<int64_t> changes_;  // of the elements: the last step of "before"
  std::vector<int64_t> until_;
};

}  // namespace

std::vector<PromptStage> schedule_prompt(std::string_view utf8, const PromptTimeline& timeline) {
  check_prompt(utf8);
  const std::u32string text = from_utf8(utf8);
  PromptTimeline of_pass = timeline;
  if (timeline.old_editing && timeline.first_pass > 0) of_pass = {timeline.first_pass, 0, true};
  return Schedule(text, of_pass).stages();
}

size_t stage_at(std::span<const int64_t> ends, int64_t evaluation) {
  for (size_t i = 0; i < ends.size(); ++i) {
    if (evaluation <= ends[i]) return i;
  }
  return 0;
}

}  // namespace sd::text
