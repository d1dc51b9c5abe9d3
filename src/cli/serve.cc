#include "cli/serve.h"
#include "job/workload.h"

#include <unistd.h>

#include <memory>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/flag_group.h"
#include "cli/flag_names.h"
#include "cli/prompt_lines.h"
#include "cli/reporters.h"
#include "cli/request_queue.h"
#include "job/run.h"
#include "job/safety_choice.h"
#include "models/embeddings.h"
#include "pipeline/hires.h"
#include "sd/error.h"

namespace sd {
namespace {

using nlohmann::json;

/// One picture a request, and no grid of them; seeds count up from request to request.
Settings served_settings(const Settings& asked) {
  if (!asked.from_file.empty() || !asked.devices.empty()) {
    throw Error(ErrorKind::kUsage,
                std::string("--serve takes requests from standard input, on one device: found `") +
                    (asked.from_file.empty() ? "devices" : "from_file") + "`",
                "leave it out");
  }
  Settings settings = asked;
  settings.n_samples = 1;
  settings.n_iter = 1;
  settings.skip_grid = true;
  settings.seed_mode = asked.seed_mode.value_or(SeedMode::kImage);
  return settings;
}

class Server {
 public:
  explicit Server(const Settings& settings)
      : settings_(settings),
        model_(choose_model(settings_)),
        safety_(choose_safety(settings_)),
        recorder_(settings_, model_, safety_.mode),
        queue_([this](const json& id) { tell_cancelled(id); }) {
    auto events = std::make_unique<JsonReporter>(
        static_cast<int>(settings_.progress_fd.value_or(STDOUT_FILENO)));
    events_ = events.get();
    tell_.add(std::move(events));
    if (settings_.progress_fd) {
      tell_.add(std::make_unique<ConsoleReporter>(ProgressBar::style_of_stderr(), settings_.show,
                                                  settings_.bell));
    }
  }

  int run() {
    const LogToReporter log(&tell_);
    if (!model_.note.empty()) notice(model_.note);
    const Pipeline pipeline = Pipeline::load(load_options(), model_.description.config);
    catch_interrupts();
    events_->tell({{"event", "ready"}, {"model", model_.paths.checkpoint}});
    std::thread reader([this] { read_requests(STDIN_FILENO, &queue_); });
    while (const auto request = queue_.take()) {
      if (interrupted() || reader_gone()) break;
      answer(*request, pipeline);
    }
    begin_wind_up();
    queue_.close();
    reader.join();
    if (interrupted()) throw Error(ErrorKind::kCancelled, "stopped");
    return reader_gone() ? kReaderGone : 0;
  }

 private:
  LoadOptions load_options() const {
    LoadOptions options{.model = model_.paths,
                        .device = settings_.device,
                        .safety = safety_,
                        .init_images = settings_.script == Script::kImg2Img ||
                                       encodes_first_pass(settings_.batch.hires),
                        .embeddings = find_embeddings_folder(settings_.embeddings),
                        .largest = {}};
    const bool can_be_planned =
        settings_.script == Script::kTxt2Img || !settings_.batch.init.file.empty();
    if (can_be_planned) {
      options.largest = largest_load(
          plan_batches(settings_, model_.description, model_.built_in).batches, model_.description);
    }
    return options;
  }

  void answer(const ServedRequest& request, const Pipeline& pipeline) {
    events_->set_id(request.id);
    try {
      if (!request.problem.empty()) {
        throw Error(ErrorKind::kUsage, request.problem, "{\"id\": 1, \"prompt\": \"a cat\"}");
      }
      Settings settings = settings_;
      set_by_members(request.members, settings.script, &settings);
      draw(settings, pipeline);
    } catch (const Error& error) {
      tell_error(error.kind(), error.what(), error.hint());
    } catch (const std::exception& error) {
      tell_error(ErrorKind::kInternal, error.what(), "this is a bug; please report it");
    }
    events_->set_id(nullptr);
  }

  void draw(Settings settings, const Pipeline& pipeline) {
    settings.seed += drawn_;
    const BatchPlan plan = plan_batches(settings, model_.description, model_.built_in);
    const BatchSettings& batch = plan.batches.front().request.batch;
    const FitSize size = result_size(batch);
    const auto sink = find_sink("folder").open(
        {.settings = settings,
         .load = {.pictures = 1, .largest_width = size.width, .largest_height = size.height},
         .reporter = &tell_});
    JobList jobs(plan, model_.description, settings.fixed_code);
    SinkThread writer(sink.get(), 1);
    OrderedOutput output(&writer, settings.no_metadata ? nullptr : &recorder_);
    const RunInputs inputs{.settings = settings,
                           .model = model_,
                           .jobs = jobs,
                           .load = {},
                           .workers = {},
                           .tap = nullptr,
                           .cancelled = &queue_.stopped()};
    const RunOutcome outcome = run_on(pipeline, inputs, &output, &tell_);
    if (outcome.error) std::rethrow_exception(outcome.error);
    drawn_ += static_cast<uint64_t>(outcome.drawn);
    tell_.end({.drawn = outcome.kept,
               .left = outcome.planned - outcome.drawn,
               .failed = outcome.unchecked + outcome.not_numbers,
               .why = outcome.stopped() ? "cancelled" : ""});
  }

  void tell_error(ErrorKind kind, const std::string& text, const std::string& hint) {
    events_->tell({{"event", "error"},
                   {"code", static_cast<int>(kind)},
                   {"text", with_flags(text)},
                   {"hint", with_flags(hint)}});
  }

  void tell_cancelled(const json& id) {
    events_->tell({{"event", "end"},
                   {"drawn", 0},
                   {"left", 1},
                   {"failed", 0},
                   {"why", "cancelled"},
                   {"id", id}});
  }

  Settings settings_;
  ChosenModel model_;
  SafetyOptions safety_;
  Recorder recorder_;
  Reporters tell_;
  JsonReporter* events_ = nullptr;
  RequestQueue queue_;
  uint64_t drawn_ = 0;
};

}  // namespace

void add_serve_flag(CLI::App* command, bool* serves) {
  FlagGroup(command, "Settings")
      .flag(
          "serve", *serves,
          "keep the model loaded and draw requests, JSON Lines from standard input, as they come");
}

int serve(const Settings& settings) { return Server(served_settings(settings)).run(); }

}  // namespace sd
