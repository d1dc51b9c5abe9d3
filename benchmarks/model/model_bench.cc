// Times guided evaluations of the UNet, or decodes, on the weights of a checkpoint, and writes the
// last result as raw float32: one of the programs that benchmarks/peers compares.
//
//   bench_model --part unet --model sd-v1-4.safetensors --inputs DIR --output FILE
//
// DIR holds x.f32 [rows, 4, size, size] and context.f32 [2*rows, 77, 768] for the UNet, z.f32
// [1, 4, size, size] for the decoder. Prints one line of JSON.
//
// With --device cuda, on a card: --precision fp16, bf16 or fp32, the UNet's call recorded as a
// run's is, the inputs there, the result's way back counted. The first evaluation records. With
// --steps N that many evaluations follow each other before the result comes back, as in a run, and
// the time is that of one. It fails where a run would have no graphs, but with --graphs off or
// --kernels aten.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <optional>

#include "base/log.h"
#include "model/stopwatch.h"
#include "models/autoencoder.h"
#include "models/latent_diffusion.h"
#include "models/unet_call.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

constexpr double kTime = 500;  // of the training schedule

struct Options {
  std::string part, model, inputs, output;
  std::string config = data_file("configs/stable-diffusion/v1-inference.yaml").string();
  int repeat = 2;
  int steps = 1;
  bool graphs = true;
  std::optional<bool> cudnn_attention;
  int64_t rows = 1;
  int64_t size = 64;
  std::string precision = "fp32";
  DeviceOptions device;
};

at::Tensor read(const Options& options, const char* name, at::IntArrayRef shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::ifstream file(options.inputs + "/" + name + ".f32", std::ios::binary);
  file.read(static_cast<char*>(tensor.mutable_data_ptr()),
            static_cast<std::streamsize>(tensor.nbytes()));
  if (!file) throw Error(ErrorKind::kFile, std::string("cannot read the input ") + name);
  return tensor;
}

/// One part of the model, loaded, and its input. Calling it computes once.
class Part {
 public:
  Part(const Options& options, const ExecPolicy& policy)
      : root_(open_checkpoint(options.model)),
        config_(read_model_config(options.config)),
        unet_call_(policy) {
    const WeightView placed = root_.on(policy.device);
    if (options.part == "unet") {
      unet_.emplace(placed.as(policy.dtype)["model.diffusion_model"], config_.unet, policy.kernels);
      context_ =
          unet_->prepare(read(options, "context", {2 * options.rows, 77, config_.unet.context_dim})
                             .to(policy.device));
      input_ = read(options, "x", {options.rows, config_.channels, options.size, options.size});
    } else {
      autoencoder_.emplace(placed.as(policy.vae_dtype)["first_stage_model"], config_.first_stage,
                           CoderParts::kDecoderFirst, policy.kernels);
      input_ = read(options, "z", {1, config_.channels, options.size, options.size});
    }
    input_ = input_.to(policy.device);
    root_.report().throw_if_failed();
  }

  /// The last of that many evaluations, on the CPU.
  at::Tensor operator()(int evaluations) {
    at::Tensor result;
    for (int i = 0; i < evaluations; ++i) {
      result = unet_ ? unet_call_(*unet_, input_, kTime, context_, nullptr)
                     : autoencoder_->decode(input_);
    }
    return result.to(at::kCPU);
  }

 private:
  WeightView root_;
  ModelConfig config_;
  std::optional<UNet> unet_;
  std::optional<Autoencoder> autoencoder_;
  UNetCall unet_call_;
  PreparedContext context_;
  at::Tensor input_;
};

/// What computes in that precision on that device.
ExecPolicy policy_of(Options options) {
  if (options.device.device == "cpu" && options.precision == "fp16") {
    throw Error(ErrorKind::kUsage, "--precision fp16 is for cards",
                "use fp32 or bf16, or --device cuda");
  }
  options.device.precision = options.precision == "fp16"   ? Precision::kAutocast
                             : options.precision == "bf16" ? Precision::kBf16
                                                           : Precision::kFull;
  const HostInfo host = probe_host(options.device);
  ExecPolicy policy = resolve(options.device, host);
  if (policy.device.is_cuda() && options.graphs && !policy.cuda_graphs &&
      options.device.kernels == KernelChoice::kAuto) {
    throw Error(ErrorKind::kDevice, "the UNet cannot be recorded: " + host.why_no_cuda_kernels,
                "build sd_cuda beside this program, or give --graphs off");
  }
  policy.cuda_graphs = policy.cuda_graphs && options.graphs;
  return policy;
}

int measure(const Options& options) {
  const c10::InferenceMode inference;
  Stopwatch watch;
  const ExecPolicy policy = policy_of(options);
  apply_threads(policy);
  apply_device(policy);
  apply_memory(policy);
  if (options.cudnn_attention) at::globalContext().setSDPUseCuDNN(*options.cudnn_attention);
  std::fprintf(stderr, "%s%s\n", policy.reason.c_str(), policy.cuda_graphs ? ", graphs" : "");
  Part part(options, policy);
  watch.ready();
  at::Tensor result;
  for (int i = 0; i < options.repeat; ++i) {
    result = watch.time([&] { return part(options.steps); }, options.steps);
  }
  watch.print();
  result = result.to(at::kFloat).contiguous();
  std::ofstream(options.output, std::ios::binary)
      .write(static_cast<const char*>(result.const_data_ptr()),
             static_cast<std::streamsize>(result.nbytes()));
  return 0;
}

}  // namespace
}  // namespace sd

int main(int argc, char** argv) {
  sd::Options options;
  CLI::App app("times a part of the model");
  app.add_option("--part", options.part)->required()->check(CLI::IsMember({"unet", "decoder"}));
  app.add_option("--model", options.model, "checkpoint")->required();
  app.add_option("--config", options.config, "its YAML file");
  app.add_option("--inputs", options.inputs, "folder of the inputs")->required();
  app.add_option("--output", options.output, "raw float32")->required();
  app.add_option("--repeat", options.repeat, "how often it is timed");
  app.add_option("--steps", options.steps, "evaluations in a row, timed together")
      ->check(CLI::PositiveNumber);
  app.add_option("--rows", options.rows, "latents at once");
  app.add_option("--size", options.size, "height and width of the latent");
  app.add_option("--threads", options.device.threads);
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
  options.device.device = "cpu";
  app.add_option("--device", options.device.device, "cpu, cuda or cuda:N");
  const std::map<std::string, bool> on_off{{"on", true}, {"off", false}};
  app.add_option("--graphs", options.graphs, "on a card: off leaves the UNet unrecorded")
      ->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--cudnn-attention", options.cudnn_attention,
                 "on a card: whether cuDNN's attention is used where LibTorch would take it")
      ->transform(CLI::CheckedTransformer(on_off));
  app.add_option("--memory", options.device.memory)
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, sd::MemoryMode>{{"fast", sd::MemoryMode::kFast},
                                                {"balanced", sd::MemoryMode::kBalanced},
                                                {"low", sd::MemoryMode::kLow}}));
  app.add_option("--kernels", options.device.kernels)
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, sd::KernelChoice>{{"auto", sd::KernelChoice::kAuto},
                                                  {"aten", sd::KernelChoice::kAten},
                                                  {"avx2", sd::KernelChoice::kAvx2},
                                                  {"avx512", sd::KernelChoice::kAvx512}}));
  CLI11_PARSE(app, argc, argv);
  try {
    return sd::measure(options);
  } catch (const sd::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.kind());
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "error: LibTorch: %s\n", error.what_without_backtrace());
    return 1;
  }
}
