#include "cli/batch_plan.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "base/strings.h"
#include "pipeline/size_check.h"
#include "sampling/noise_schedule.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr int64_t kMostSamples = 1024;
constexpr int64_t kMostIterations = 1'000'000;
constexpr int64_t kDefaultSide = 512;

void check_count(const char* flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(
      ErrorKind::kUsage,
      format("--%s must be from %lld to %lld, found %lld", flag, static_cast<long long>(least),
             static_cast<long long>(most), static_cast<long long>(value)),
      "leave it out for the default");
}

std::string read_prompt_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file) text << file.rdbuf();
  std::error_code ignored;
  if (!file || file.bad() || std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorKind::kFile, "the prompt file " + printable(path) + " cannot be read",
                "check the path after --from-file");
  }
  return text.str();
}

/// Bytes of the line break that `text` starts with (Python's str.splitlines), or 0.
size_t line_break_length(std::string_view text) {
  constexpr std::string_view kBreaks[] = {"\r\n",     "\n",           "\r",          "\v",
                                          "\f",       "\x1c",         "\x1d",        "\x1e",
                                          "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
  for (const std::string_view line_break : kBreaks) {
    if (text.substr(0, line_break.size()) == line_break) return line_break.size();
  }
  return 0;
}

/// The prompts of one pass, batch by batch.
std::vector<std::vector<std::string>> chunks_of(const Txt2ImgOptions& options) {
  const auto size = static_cast<size_t>(options.n_samples);
  if (options.from_file.empty()) return {std::vector<std::string>(size, options.prompt)};
  const std::vector<std::string> lines = split_lines(read_prompt_file(options.from_file));
  if (lines.empty()) {
    throw Error(ErrorKind::kUsage,
                "the prompt file " + printable(options.from_file) + " holds no line",
                "write one prompt a line into it");
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    if (is_valid_utf8(lines[i])) continue;
    throw Error(ErrorKind::kUsage,
                format("line %d of the prompt file %s is not UTF-8: %s", static_cast<int>(i) + 1,
                       printable(options.from_file).c_str(), printable(lines[i], 60).c_str()),
                "save the file as UTF-8");
  }
  std::vector<std::vector<std::string>> chunks;
  for (size_t first = 0; first < lines.size(); first += size) {
    const size_t last = std::min(first + size, lines.size());
    chunks.emplace_back(lines.begin() + static_cast<std::ptrdiff_t>(first),
                        lines.begin() + static_cast<std::ptrdiff_t>(last));
  }
  return chunks;
}

/// The size that is drawn: H and W over f, times the model's own factor.
int drawn_side(const char* flag, int64_t side, int64_t f, const ModelDescription& model) {
  check_side(flag, side, model.size_multiple / model.factor * f, kMaxSide / model.factor * f);
  return static_cast<int>(side / f * model.factor);
}

Request request_template(const Txt2ImgOptions& options, const ModelDescription& model,
                         bool built_in_model) {
  const int64_t fallback = built_in_model ? model.native_size : kDefaultSide;
  Request request;
  request.height = drawn_side("H", options.H.value_or(fallback), options.f, model);
  request.width = drawn_side("W", options.W.value_or(fallback), options.f, model);
  request.sampler = options.dpm_solver ? "dpm_solver" : options.plms ? "plms" : "ddim";
  request.steps = options.ddim_steps;
  // The reference's DPM-Solver does not look at eta.
  request.eta = options.dpm_solver ? 0 : options.ddim_eta;
  request.scale = options.scale;
  request.noise_rows = options.n_samples;
  request.fixed_code = options.fixed_code;
  return request;
}

/// What works, but not as the numbers read.
void say_unusual(const Txt2ImgOptions& options, const ModelDescription& model,
                 const Request& request) {
  if (options.dpm_solver && options.plms) notice("--dpm_solver wins over --plms");
  if (options.dpm_solver && options.ddim_eta != 0) notice("--dpm_solver ignores --ddim_eta");
  if (options.dpm_solver) return;
  const StepCount count = ddim_step_count(model.timesteps, request.steps);
  if (count.past_the_end) {
    notice(
        format("--ddim_steps %lld: the grid's last timestep, %lld, is taken as %lld (the "
               "reference fails here)",
               static_cast<long long>(request.steps), static_cast<long long>(model.timesteps),
               static_cast<long long>(model.timesteps - 1)));
  }
  if (count.actual != request.steps) {
    notice(format("--ddim_steps %lld: the reference's grid has %lld steps, which are taken",
                  static_cast<long long>(request.steps), static_cast<long long>(count.actual)));
  }
}

void check_flags(const Txt2ImgOptions& options, const ModelDescription& model) {
  check_count("n_samples", options.n_samples, 1, kMostSamples);
  check_count("n_iter", options.n_iter, 1, kMostIterations);
  check_count("n_rows", options.n_rows, 0, kMostSamples);
  check_count("f", options.f, 1, kMaxSide);
  if (options.C != model.channels) {
    throw Error(ErrorKind::kUsage,
                format("--C must be %lld, the channels of the model's latent, found %lld",
                       static_cast<long long>(model.channels), static_cast<long long>(options.C)),
                "leave it out");
  }
}

}  // namespace

std::vector<std::string> split_lines(const std::string& text) {
  std::string_view rest = text;
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
  std::vector<std::string> lines;
  std::string line;
  while (!rest.empty()) {
    const size_t length = line_break_length(rest);
    if (length == 0) {
      line += rest.front();
      rest.remove_prefix(1);
      if (!rest.empty()) continue;
    }
    lines.push_back(std::move(line));
    line.clear();
    rest.remove_prefix(length);
  }
  return lines;
}

int64_t BatchPlan::pictures() const {
  int64_t count = 0;
  for (const Request& batch : batches) count += static_cast<int64_t>(batch.prompts.size());
  return count * passes;
}

BatchPlan plan_batches(const Txt2ImgOptions& options, const ModelDescription& model,
                       bool built_in_model) {
  check_flags(options, model);
  Request request = request_template(options, model, built_in_model);
  BatchPlan plan;
  for (const auto& prompts : chunks_of(options)) {
    request.prompts = prompts;
    check_request(model, request);
    plan.batches.push_back(request);
  }
  say_unusual(options, model, request);
  plan.passes = options.n_iter;
  return plan;
}

}  // namespace sd
