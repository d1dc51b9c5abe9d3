#include "cli/serve.h"

#include <unistd.h>

#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/error_of.h"
#include "cli/flag_group.h"
#include "cli/flag_names.h"
#include "cli/prompt_lines.h"
#include "cli/reporters.h"
#include "cli/request_queue.h"
#include "job/load_options.h"
#include "job/run.h"
#include "job/safety_choice.h"
#include "job/workload.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

using Json = nlohmann::json;

/// One picture a request, and no grid of them; seeds count up from request to request.
Settings served_settings(const Settings& asked) {
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
        model_(job::choose_model(settings_)),
        safety_(job::choose_safety(settings_)),
        queue_({.cancelled = [this](const Json& id) { tell_cancelled(id); },
                .answered_cancel = [this](const Json& id,
                                          int64_t requests) { tell_cancel(id, requests); },
                .refused = [this](const std::string& problem) { tell_error(refusal(problem)); }}) {
    if (!settings_.no_metadata) recorder_.emplace(settings_, model_, safety_.mode);
    auto events = std::make_unique<JsonReporter>(settings_.progress_fd.value_or(STDOUT_FILENO));
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
    loaded_ = load_options();
    pipeline_.emplace(Pipeline::load(loaded_, model_.description.config));
    catch_interrupts();
    events_->tell({{"event", "ready"}, {"model", model_.paths.checkpoint}});
    std::thread reader([this] { read_requests(STDIN_FILENO, &queue_); });
    while (const auto request = queue_.take()) {
      if (interrupted() || reader_gone()) {
        queue_.tell_dropped(*request);
        break;
      }
      answer(*request);
      if (lost_card_) break;
    }
    queue_.close();
    reader.join();
    if (interrupted() || lost_card_) queue_.drop();
    begin_wind_up();
    if (lost_card_) std::rethrow_exception(lost_card_);
    if (interrupted()) throw Error(ErrorKind::kCancelled, "stopped");
    return reader_gone() ? kReaderGone : 0;
  }

 private:
  LoadOptions load_options() const {
    const bool can_be_planned =
        settings_.script == Script::kTxt2Img || !settings_.batch.init.file.empty();
    const job::BatchPlan plan =
        can_be_planned ? job::plan_batches(settings_, model_.description, model_.built_in)
                       : job::BatchPlan();
    return job::load_options({.settings = settings_,
                              .model = model_,
                              .safety = safety_,
                              .batches = plan.batches,
                              .more_come = true});
  }

  void answer(const ServedRequest& request) {
    events_->set_id(request.id);
    try {
      if (!request.problem.empty()) throw refusal(request.problem);
      Settings settings = settings_;
      set_by_members(request.members, settings.script, &settings);
      draw(settings);
    } catch (...) {
      queue_.done();
      tell_error(error_of(std::current_exception()));
      if (ends_use_of_card(std::current_exception())) lost_card_ = std::current_exception();
    }
    events_->set_id(nullptr);
  }

  static Error refusal(const std::string& problem) {
    return {ErrorKind::kUsage, problem, "{\"id\": 1, \"prompt\": \"a cat\"}"};
  }

  void draw(Settings settings) {
    settings.seed += drawn_;
    const job::BatchPlan plan = job::plan_batches(settings, model_.description, model_.built_in);
    const auto sink = job::find_sink("folder").open(
        {.settings = settings, .load = {.pictures = 1}, .reporter = &tell_});
    if (recorder_) recorder_->expect(job::lora_sets(plan.batches));
    job::JobList jobs(plan, model_.description, settings.fixed_code);
    job::SinkThread writer(sink.get(), 1);
    job::OrderedOutput output(&writer, recorder_ ? &*recorder_ : nullptr);
    if (!session_) session_.emplace(pipeline_->start());
    const job::RunInputs inputs{.settings = settings,
                                .model = model_,
                                .jobs = jobs,
                                .load = loaded_,
                                .workers = {},
                                .tap = nullptr,
                                .cancelled = &queue_.stopped(),
                                .session = &*session_};
    const job::RunOutcome outcome = job::run_on(*pipeline_, inputs, &output, &tell_);
    if (outcome.error || outcome.stopped()) session_.reset();  // half of a request is in it
    if (outcome.error) std::rethrow_exception(outcome.error);
    drawn_ += static_cast<uint64_t>(outcome.drawn);
    queue_.done();
    tell_.end({.drawn = outcome.kept,
               .left = outcome.planned - outcome.drawn,
               .failed = outcome.unchecked + outcome.not_numbers,
               .why = outcome.stopped() ? "cancelled" : ""});
  }

  void tell_error(const Error& error) {
    events_->tell({{"event", "error"},
                   {"code", error.exit_code()},
                   {"text", with_flags(error.what())},
                   {"hint", with_flags(error.hint())}});
  }

  void tell_cancelled(const Json& id) {
    Json event = {{"event", "end"}, {"drawn", 0}, {"left", 1}, {"failed", 0}, {"why", "cancelled"}};
    if (!id.is_null()) event["id"] = id;
    events_->tell(event);
  }

  void tell_cancel(const Json& id, int64_t requests) {
    events_->tell({{"event", "cancel"}, {"requests", requests}, {"id", id}});
  }

  Settings settings_;
  job::ChosenModel model_;
  SafetyOptions safety_;
  std::optional<job::Recorder> recorder_;
  Reporters tell_;
  JsonReporter* events_ = nullptr;
  RequestQueue queue_;
  LoadOptions loaded_;
  std::optional<Pipeline> pipeline_;
  std::optional<Session> session_;  // from request to request
  uint64_t drawn_ = 0;
  std::exception_ptr lost_card_;  // what it said; no further request can be drawn
};

}  // namespace

void add_serve_flag(CLI::App* command, bool* serves) {
  FlagGroup(command, "Settings")
      .flag("serve", *serves,
            "keep the model loaded and draw requests as they arrive, as JSON Lines on standard "
            "input");
}

int serve(const Settings& settings) { return Server(served_settings(settings)).run(); }

}  // namespace sd::cli
